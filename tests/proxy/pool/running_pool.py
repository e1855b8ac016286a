"""Scorer processes for tests: started, asked from the test's own thread, and ended; and bodies to ask them about."""

from __future__ import annotations

import asyncio
import itertools
import json
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from contextprune.proxy.job import Answer, Job, Task
from contextprune.proxy.options import Options
from contextprune.proxy.pool.base import PoolStatus
from contextprune.proxy.pool.breaker import Breaker
from contextprune.proxy.pool.pool import ScorerPool

T = TypeVar("T")
PATIENT = 30.0  # seconds of a deadline that is not what a test is about
BRIEF = 300.0  # tokens a second for `prefill`: a small body is worth a second's wait, a large one all the time there is


@dataclass
class Asking:
    """Scorers that run on a loop in a thread of their own."""

    scorers: ScorerPool
    loop: asyncio.AbstractEventLoop
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def job(self, body: bytes, task: Task = Task.SHORTEN, **told: Any) -> Job:
        return Job(next(self.numbers), task, body, **{"dialect": "openai-chat", "seconds": PATIENT, **told})

    def begin(self, job: Job) -> Future[Answer]:
        return asyncio.run_coroutine_threadsafe(self.scorers.ask(job), self.loop)

    def ask(self, body: bytes, task: Task = Task.SHORTEN, **told: Any) -> Answer:
        return self.begin(self.job(body, task, **told)).result(60)

    def status(self) -> PoolStatus:
        return self.scorers.status()

    def pids(self) -> list[int]:
        """The processes that are up, the one for small jobs first."""
        return self.scorers.pids()

    def run(self, chore: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(chore, self.loop).result(60)


@contextmanager
def asking(
    *, count: int = 1, grace: float = 2.0, breaker: Callable[[], Breaker] | None = None, **options: Any
) -> Iterator[Asking]:
    """Scorers that are up. `options` are the proxy's."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    told = Options(**{"deadline": PATIENT, "prefill": 1.0, "scorers": count, **options})
    scorers = ScorerPool(told, grace=grace, breaker=breaker or (lambda: Breaker(time.monotonic)))
    found = Asking(scorers, loop)
    try:
        found.run(scorers.start())
        assert len(found.pids()) == count, scorers.status().trouble
        yield found
    finally:
        found.run(scorers.stop())
        loop.call_soon_threadsafe(loop.stop)
        thread.join(60)
        loop.close()


def body(name: str, turns: int = 1, rows: int = 100, **more: Any) -> bytes:
    """A request of the session `name` after so many turns; the next one begins with the same bytes."""
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": "You find out what was slow, and say so in one sentence. " * 3},
        {"role": "user", "content": f"Which request on {name} was slow?"},
    ]
    for turn in range(turns):
        call = {"name": "logs", "arguments": json.dumps({"host": name, "page": turn})}
        messages.append({"role": "assistant", "tool_calls": [{"id": f"c{turn}", "type": "function", "function": call}]})
        messages.append({"role": "tool", "tool_call_id": f"c{turn}", "content": log(f"{name} page {turn}", rows)})
    return json.dumps({"model": "gpt-5", "messages": messages, **more}).encode()


def log(name: str, rows: int) -> str:
    """A log with little in it that anybody needs, unlike that of any other name."""
    return "\n".join(
        f"2026-01-01 12:{row // 60 % 60:02}:{row % 60:02} INFO {name} request {row} took {row * 7 % 100} ms"
        for row in range(rows)
    )


def texts(body: bytes) -> list[str]:
    """What the tool results of a body say."""
    return [message["content"] for message in json.loads(body)["messages"] if message["role"] == "tool"]
