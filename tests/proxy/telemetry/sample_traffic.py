"""A proxy's monitor after some hours of made-up traffic, for tests of what is shown of it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from random import Random
from typing import Any

from contextprune.proxy.job import Answer
from contextprune.proxy.options import Options
from contextprune.proxy.pool.base import PoolStatus
from contextprune.proxy.telemetry.monitor import Monitor, Watcher
from contextprune.proxy.telemetry.record import RequestRecord
from contextprune.proxy.telemetry.usage import Usage

POOL = PoolStatus(queue_tokens=1200, waiting=2, in_flight=1, ready=2, restarts=1)
_OF_ANSWER = {each.name for each in dataclasses.fields(Answer)} - {"number", "body", "final", "session"}
NOON = 1_800_000_000.0


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self, now: float = 100_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def monitor_of(options: Options | None = None, clock: Clock | None = None, *watchers: Watcher) -> tuple[Monitor, Clock]:
    """A new one, with its clock; the wall clock runs with it."""
    clock = clock or Clock()
    begun = clock.now
    wall: Callable[[], float] = lambda: NOON + clock.now - begun  # noqa: E731 - one line says it
    return Monitor(options or Options(), clock, watchers, wall), clock


def record_of(**fields: Any) -> RequestRecord:
    """A record with these fields, some of which are its answer's."""
    of_answer = {name: fields.pop(name) for name in _OF_ANSWER & fields.keys()}
    return RequestRecord(**fields, answer=Answer(0, None, **{"status": "passed", **of_answer}))


def finished(monitor: Monitor, **fields: object) -> RequestRecord:
    """A request that was shortened, or as the fields say, taken into account."""
    record = monitor.begin()
    told: dict[str, object] = {
        "route": "messages", "provider": "anthropic", "dialect": "anthropic", "model": "claude-opus-4-5",
        "session": "1f2e3d4c", "status": "applied", "before": 40_000, "after": 14_000,
        "kinds": {"system": (4000, 4000), "user": (2000, 2000), "tool_result": (34_000, 8000)},
        "dollars": (0.08, 0.05), "overhead": 0.021, "upstream": 200, "first_byte": 0.9, "total": 4.2, "streamed": True,
        "bytes_in": 160_000, "bytes_out": 9000, "usage": Usage(1000, 1000, 12_000, 500, 100, "claude-opus-4-5"),
        "seconds": {"waited": 0.001, "read": 0.004, "fold": 0.012, "splice": 0.001}, "keys": ("k1abc", "k2def"),
    }  # fmt: skip
    for name, value in (told | fields).items():
        if name in _OF_ANSWER:
            record.answer = dataclasses.replace(record.answer, **{name: value})  # type: ignore[arg-type]
        else:
            setattr(record, name, value)
    monitor.add(record)
    return record


def passed(monitor: Monitor, reason: str = "late", **fields: object) -> RequestRecord:
    """A request that went through as it came."""
    return finished(
        monitor,
        **{"status": "passed", "reason": reason, "after": 40_000, "kinds": {}, "dollars": (0.08, 0.08), **fields},
    )


def heat() -> bytes:
    """The context of one request, as a scorer process tells it."""
    lines = [
        ["src/app.py:12: def main():\n", "keep", "needed", 0.97],
        ["src/app.py:13:     parser = make_parser()\n", "keep", "needed", 0.62],
        *(
            [f"src/old_{i}.py:{i}: # nothing here is about the question\n", "drop", "below the threshold", 0.05]
            for i in range(6)
        ),
        ["src/copy.py:12: def main():\n", "merge", "equal to an earlier line", 0.4],
        ["commit 9f8e7d6c by somebody on some day\n", "digest", "identifiers only", 0.2],
        ["[lines 3-10 cut, recall=abcdefgh2345 | 9f8e7d6c]\n", "marker", ""],
        ["Traceback (most recent call last): ...\n", "keep", "an error", 1.0],
    ]
    earlier = [
        ["$ pytest -q\n", "keep", "as it was sent before"],
        ["[lines 2-212 cut, recall=bcdefghi3456]", "marker", "as it was sent before"],
        ["\n1 failed, 211 passed\n", "keep", "as it was sent before"],
    ]

    def facts(before: int, after: int, request: int, cut: str = "") -> dict[str, object]:
        return {"tokens": [before, after], "request": request, "cut": cut}

    return json.dumps(
        [
            ["system", "", [["You are a careful programmer.", "keep", "protected"]], facts(6, 6, 1)],
            ["user", "", [["Why does main() fail?", "keep", "protected"]], facts(7, 7, 1)],
            ["tool_result", "pytest", earlier, facts(2400, 30, 2, "old")],
            ["tool_result", "read", [["[12 lines cut]", "marker", "an epoch"]], facts(140, 5, 3, "epoch")],
            ["assistant", "", [["I will look at the parser. " * 40, "keep", "protected"]], facts(240, 240, 4)],
            ["tool_result", "grep", lines, facts(170, 75, 4, "now")],
        ]
    ).encode()


def busy_day(options: Options | None = None) -> Monitor:
    """Eight hours of requests, most of them shortened."""
    random = Random(5)
    monitor, clock = monitor_of(options)
    for _ in range(900):
        clock.now += random.expovariate(1 / 32)
        before = random.randrange(3000, 120_000)
        after = int(before * random.uniform(0.25, 0.8))
        read = int(after * random.uniform(0.5, 0.95))
        fields = {
            "before": before, "after": after, "overhead": random.lognormvariate(-4, 0.6), "heat": heat(),
            "first_byte": random.lognormvariate(-0.2, 0.5), "total": random.uniform(1, 20),
            "dollars": (before * 2e-6, after * 2e-6), "kinds": {"tool_result": (before, after)},
            "usage": Usage(after - read, 0, read, random.randrange(900), 0, "claude-opus-4-5"),
        }  # fmt: skip
        same = {"dollars": (before * 2e-6, before * 2e-6), "kinds": {"tool_result": (before, before)}}
        what = random.random()
        if what < 0.7:
            finished(monitor, **fields)
        elif what < 0.85:
            passed(monitor, "", **fields | {"after": before, "status": "noop", **same})
        else:
            passed(monitor, random.choice(("late", "late", "busy", "breaker")), **fields | {"after": before, **same})
    finished(
        monitor, route="other", before=0, after=0, usage=None, dollars=None, model="", status="passed", overhead=0.0
    )
    monitor.pool = POOL
    return monitor
