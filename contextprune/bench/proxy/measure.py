"""The proxy under load, beside a plain reverse proxy and the upstream itself.

Arms take turns within each round, and medians of rounds are compared, since this machine's next minute is not like its
last one. `added` is the time that an arm takes longer than the upstream itself.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from contextprune.bench.data import Message, find_sets, load_sessions
from contextprune.bench.proxy.load import Answer, Call, Driver, post
from contextprune.bench.proxy.processes import Served, run_our_proxy, run_plain_proxy, run_upstream
from contextprune.bench.proxy.upstream import EVENTS, event_of
from contextprune.bench.speed import session_of

SIZES = {"1 kB": 1_000, "100 kB": 100_000, "1 MB": 1_000_000}
ROUNDS = 7
STARTS = 3
DEADLINE = 0.15  # seconds, the proxy's default
CHUNK = 0.05  # seconds that a deadline may be overshot by: what one block takes
CHAT = "/v1/chat/completions"
_REASON, _TOOK = b"x-contextprune-reason", b"x-contextprune-overhead-ms"
_SESSION = "x-contextprune-session-id"


@dataclass(frozen=True, slots=True)
class Figure:
    """A line of the report; `most` and `least` bound its target."""

    name: str
    value: float
    unit: str
    most: float | None = None
    least: float | None = None

    @property
    def met(self) -> bool | None:
        """True where the target is met; None where there is none."""
        if self.most is None and self.least is None:
            return None
        return self.value <= (self.most or float("inf")) and self.value >= (self.least or 0.0)


def measure_proxy(root: Path, rounds: int = ROUNDS, long: int = 20_000) -> Iterator[Figure]:
    """All figures in turn; `long` requests are sent to see whether memory grows."""
    with ExitStack() as stack:
        provider = stack.enter_context(run_upstream())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        yield from started(provider, folder)
        baseline = stack.enter_context(run_plain_proxy(provider))
        relay = stack.enter_context(run_our_proxy(provider, folder / "off.sqlite3", "--mode", "off"))
        yield from passing(provider, baseline, relay, rounds)
        active = stack.enter_context(run_our_proxy(provider, folder / "on.sqlite3"))
        bodies = list(agents(root, 24))
        yield from shortening(active, bodies)
        yield from next_to_a_large_request(active, root, bodies, rounds)
        yield from streaming(active, bodies)
        yield from lasting(active, bodies, long)


def started(provider: Served, folder: Path) -> Iterator[Figure]:
    """Seconds until it is ready, and the memory of the front process then."""
    ready: dict[str, list[float]] = {"lexical": [], "neural": []}
    resident = 0
    for _ in range(STARTS):
        for scorer, times in ready.items():
            with run_our_proxy(provider, folder / f"{scorer}.sqlite3", scorer=scorer) as served:
                times.append(served.ready)
                resident = max(resident, served.resident)
    yield Figure("ready without a model", median(ready["lexical"]), "s", most=2)
    yield Figure("ready with the model", median(ready["neural"]), "s", most=3)
    yield Figure("idle memory of the front process", resident / 1e6, "MB", most=120)


def passing(provider: Served, baseline: Served, relay: Served, rounds: int) -> Iterator[Figure]:
    """The time that relaying adds, and the requests a second that go through, against the plain proxy."""
    for name, size in SIZES.items():
        body = body_of([{"role": "user", "content": "x" * size}])
        calls = [post(CHAT, body)] * (60 if size < 1_000_000 else 20)
        times: dict[int, list[float]] = {}
        rates: dict[int, list[float]] = {}
        for _ in range(rounds):
            for served in (provider, baseline, relay):
                seconds, rate = asyncio.run(_latency_and_rate(served.port, calls))
                times.setdefault(served.port, []).append(seconds)
                rates.setdefault(served.port, []).append(rate)

        direct, plain, relayed = (median(times[served.port]) for served in (provider, baseline, relay))
        yield Figure(f"pass-through, {name}: added p50, plain proxy", 1000 * (plain - direct), "ms")
        yield Figure(f"pass-through, {name}: added p50 beside it", (relayed - direct) / (plain - direct), "x", most=1.3)
        share = median(a / b for a, b in zip(rates[relay.port], rates[baseline.port], strict=True))
        yield Figure(f"pass-through, {name}: throughput beside it", share, "x", least=0.85)


def shortening(active: Served, bodies: Sequence[Sequence[bytes]]) -> Iterator[Figure]:
    """Sessions of many agents at once, as fast as it goes, and then at twice that rate."""
    sent = list(_interleaved(bodies))
    half = len(sent) // 2
    rounds = []
    for number in range(ROUNDS + 1):
        calls = [post(CHAT, body, [(_SESSION, f"round {number}")]) for body in sent[:half]]
        rounds.append(asyncio.run(_with(active.port, lambda driver, batch=calls: driver.in_turn(batch, 8))))
    rounds = rounds[1:]  # the first one warms up
    rate = median(rate for _, rate in rounds)
    yield from _shortening_times("at saturation", [answers for answers, _ in rounds])
    yield Figure("requests a second at saturation", rate, "1/s")

    excess = [post(CHAT, body, [(_SESSION, f"round {ROUNDS}")]) for body in sent[half:]]
    flood = asyncio.run(_with(active.port, lambda driver: driver.at_rate(excess, 2 * rate)))
    answered = sum(answer.status == 200 for answer in flood)
    yield Figure("at twice that rate: answered", 100 * answered / len(flood), "%", least=100)
    yield from _shortening_times(
        "at twice that rate", [[answer for answer in flood if answer.headers.get(_REASON) != b"busy"]]
    )
    reasons = Counter(answer.headers.get(_REASON, b"").decode() or _status(answer) for answer in flood)
    for reason, count in reasons.most_common():
        yield Figure(f"at twice that rate: {reason}", 100 * count / len(flood), "%")


def next_to_a_large_request(
    active: Served, root: Path, bodies: Sequence[Sequence[bytes]], rounds: int
) -> Iterator[Figure]:
    """The delay of small requests while one of 100,000 new tokens is shortened."""
    small = [post(CHAT, turns[0]) for turns in bodies]
    undisturbed, delayed = [], []
    for number in range(rounds):
        large = post(CHAT, body_of([{"role": "user", "content": f"Round {number}."}, *session_of(root, 100_000)]))
        undisturbed += asyncio.run(_with(active.port, lambda driver: driver.at_rate(small, 40)))
        delayed += asyncio.run(_with(active.port, lambda driver, big=large: _next_to(driver, small, big)))

    times, base = ([answer.late for answer in answers] for answers in (delayed, undisturbed))
    middle, ratio = median(times) / median(base), percentile(times, 99) / percentile(base, 99)
    yield Figure("small requests beside one of 100,000 tokens, p50", middle, "x", most=1.5)
    yield Figure("small requests beside one of 100,000 tokens, p99", ratio, "x", most=1.5)


def streaming(active: Served, bodies: Sequence[Sequence[bytes]]) -> Iterator[Figure]:
    """The pace of streams while all scorers work, against that of an idle proxy; every byte of them."""
    streams = [post(CHAT, body_of([{"role": "user", "content": "Hi"}], stream=True))] * 20
    idle = asyncio.run(_with(active.port, lambda driver: driver.at_rate(streams, 10)))
    turns = [post(CHAT, body) for body in _interleaved(bodies)]
    busy = asyncio.run(_with(active.port, lambda driver: _while_busy(driver, streams, turns)))

    gaps = [percentile([gap for answer in answers for gap in answer.gaps], 99) for answers in (idle, busy)]
    yield Figure("between two events of a stream, p99, idle", 1000 * gaps[0], "ms")
    yield Figure("the same with all scorers at work", gaps[1] / gaps[0], "x", most=3)

    expected = b"".join(event_of(number) for number in range(EVENTS))
    equal = sum(answer.body == expected for answer in (*idle, *busy)) / len((*idle, *busy))
    yield Figure("streams equal to the last byte", 100 * equal, "%", least=100)


def lasting(active: Served, bodies: Sequence[Sequence[bytes]], count: int) -> Iterator[Figure]:
    """Memory after many requests, over that after a tenth of them."""
    turns = list(_interleaved(bodies))
    tenth = count // 10
    asyncio.run(_with(active.port, lambda driver: driver.in_turn(_numbered(turns, 0, tenth), 8)))
    before = active.resident
    asyncio.run(_with(active.port, lambda driver: driver.in_turn(_numbered(turns, tenth, count), 8)))
    name = f"memory of the front after {count:,} requests beside {tenth:,}"
    yield Figure(name, active.resident / before, "x", most=1.1)


def agents(root: Path, count: int) -> Iterator[list[bytes]]:
    """The requests of real sessions, turn by turn: each sends all messages before it."""
    sets = find_sets(root, "traj")
    sessions = [session for name, path in sets.items() for session in load_sessions(name, path, 6)]
    for session in islice(cycle(sessions), count):
        yield list(bodies_of(session.messages))[:30]


def bodies_of(messages: Sequence[Message]) -> Iterator[bytes]:
    """The body that an agent sent before each reply of the model."""
    for end, message in enumerate(messages):
        if end and message["role"] == "assistant":
            yield body_of([dict(earlier) for earlier in messages[:end]])


def _shortening_times(when: str, rounds: Sequence[Sequence[Answer]]) -> Iterator[Figure]:
    """Milliseconds that shortening took, by the answers that report it; medians of rounds."""
    took = [[float(answer.headers[_TOOK]) for answer in answers if _TOOK in answer.headers] for answers in rounds]
    took = [times for times in took if times]
    if not took:
        return

    yield Figure(f"{when}: time to shorten, p50", median(map(median, took)), "ms")
    spread = median(percentile(times, 99) / median(times) for times in took)
    yield Figure(f"{when}: its p99 beside the p50", spread, "x", most=3)
    late = [time > 1000 * (DEADLINE + CHUNK) for times in took for time in times]
    yield Figure(f"{when}: over the deadline by more than a block", 100 * sum(late) / len(late), "%", most=0.1)


async def _latency_and_rate(port: int, calls: Sequence[Call]) -> tuple[float, float]:
    """(p50 of one agent's calls, calls a second of eight agents)."""
    driver = Driver(port)
    try:
        answers, _ = await driver.in_turn(calls, 1)
        _, rate = await driver.in_turn([*calls, *calls], 8)
    finally:
        driver.close()
    return median(answer.late for answer in answers), rate


async def _with(port: int, work: Any) -> Any:
    driver = Driver(port)
    try:
        return await work(driver)
    finally:
        driver.close()


async def _next_to(driver: Driver, small: Sequence[Call], large: Call) -> list[Answer]:
    running = asyncio.create_task(driver.send(large))
    answers = await driver.at_rate(small, 40)
    await running
    return answers


async def _while_busy(driver: Driver, streams: Sequence[Call], turns: Sequence[Call]) -> list[Answer]:
    load = asyncio.create_task(driver.in_turn(turns, 4))
    answers = await driver.at_rate(streams, 10)
    load.cancel()
    return answers


def _interleaved(bodies: Sequence[Sequence[bytes]]) -> Iterator[bytes]:
    """The next request of each agent in turn."""
    for turn in range(max(map(len, bodies))):
        yield from (requests[turn] for requests in bodies if turn < len(requests))


def _numbered(turns: Sequence[bytes], start: int, end: int) -> list[Call]:
    """The requests again and again, each time round as other conversations."""
    calls = []
    for number in range(start, end):
        body = turns[number % len(turns)]
        calls.append(post(CHAT, body, [(_SESSION, f"{number // len(turns)}")]))
    return calls


def body_of(messages: Sequence[Mapping[str, Any]], **more: Any) -> bytes:
    """The body of a request with these messages."""
    return json.dumps({"model": "gpt-mock", "messages": messages, **more}, separators=(",", ":")).encode()


def _status(answer: Answer) -> str:
    return answer.headers.get(b"x-contextprune-status", b"no answer").decode()


def percentile(values: Sequence[float], percent: int) -> float:
    """The value below which so many percent of the values lie."""
    return quantiles(values, n=100, method="inclusive")[percent - 1]
