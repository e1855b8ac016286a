"""A soak: the proxy under the same traffic for a long time, to see whether anything of it grows.

Agents come round again and again with the same conversations, so that after the first round nothing in the store has to
grow; idle connections stay open all the while, and waves of streams pass. Memory, descriptors and the store's files are
read at equal steps. The first quarter of the time warms up; growth is that of the last quarter beside the second.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

from contextprune.bench.proxy.load import Answer, Call, Driver, post
from contextprune.bench.proxy.measure import CHAT, Figure, body_of, percentile
from contextprune.bench.proxy.processes import Served, run_our_proxy, run_upstream
from contextprune.bench.proxy.upstream import EVENTS, event_of

MINUTES = 20.0
A_MINUTE = 1500  # requests: 30,000 in 20 minutes
STEPS = 40  # readings, and waves of streams
GROWTH = 1.05  # the last quarter beside the second
_TURNS = 10  # of a conversation
_ROUNDS = 10  # times that every conversation comes
_TOUCH = 45.0  # seconds after which an idle connection asks for something, before the server closes it
_OPENED_AT_ONCE = 50
_REASON = b"x-contextprune-reason"
_ALIVE = b"GET /livez HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Load:
    """A load: so many requests in so many minutes, streams in each wave, and connections that stay idle."""

    minutes: float = MINUTES
    requests: int = 30_000
    streams: int = 300
    idle: int = 2_000

    @property
    def step(self) -> float:
        """Seconds between two readings."""
        return self.minutes * 60 / STEPS


@dataclass(frozen=True, slots=True)
class Reading:
    """State at a moment: bytes of memory of the front and of its scorers, its descriptors, bytes of the store."""

    front: int
    scorers: int
    descriptors: int
    store: int


def soak(load: Load) -> Iterator[Figure]:
    """Run a load and give its figures at the end. Reads /proc, so it needs Linux."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        provider = stack.enter_context(run_upstream())
        served = stack.enter_context(run_our_proxy(provider, folder / "originals.sqlite3"))
        answers, streams, readings = asyncio.run(_soak(served, folder, load))

    yield Figure("requests", len(answers), "")
    answered = sum(answer.status == 200 for answer in answers) / len(answers)
    yield Figure("answered", 100 * answered, "%", least=100)
    statuses = Counter(answer.status for answer in (*answers, *streams) if answer.status != 200)
    for status, count in statuses.most_common():
        yield Figure(f"failed, {f'with {status}' if status else 'the connection broke'}", count, "")
    late = [answer.late for answer in answers if answer.status == 200]
    yield Figure("latency, p50", 1000 * median(late), "ms")
    yield Figure("latency, p99", 1000 * percentile(late, 99), "ms")
    reasons = Counter(answer.headers[_REASON].decode() for answer in answers if _REASON in answer.headers)
    for reason, count in reasons.most_common():
        yield Figure(f"not all was shortened: {reason}", 100 * count / len(answers), "%")

    expected = b"".join(event_of(number) for number in range(EVENTS))
    equal = sum(answer.body == expected for answer in streams)
    yield Figure(f"{len(streams):,} streams: equal to the last byte", 100 * equal / len(streams), "%", least=100)
    yield from growths(readings)


def growths(readings: Sequence[Reading]) -> Iterator[Figure]:
    """What the last quarter of the readings has beside the second, the first being the warm-up."""
    quarter = len(readings) // 4
    names = {"front": "memory of the front", "scorers": "memory of the scorers", "store": "files of the store"}
    for field, name in {**names, "descriptors": "descriptors of the front"}.items():
        values = [getattr(reading, field) for reading in readings]
        before, after = median(values[quarter : 2 * quarter]), median(values[-quarter:])
        unit, scale = ("", 1) if field == "descriptors" else ("MB", 1e6)
        yield Figure(f"{name} at the end", after / scale, unit)
        yield Figure(f"{name}: growth after the warm-up", after / max(before, 1), "x", most=GROWTH)


def conversations(requests: int) -> list[Call]:
    """The requests of agents in the order in which they come; all of them together come round again and again."""
    agents = max(1, requests // _TURNS // _ROUNDS)
    return [post(CHAT, _turn(agent, turn)) for turn in range(_TURNS) for agent in range(agents)]


async def _soak(served: Served, folder: Path, load: Load) -> tuple[list[Answer], list[Answer], list[Reading]]:
    """The answers to all requests, those to the streams, and the readings."""
    calls = conversations(load.requests)
    calls = (calls * (load.requests // len(calls) + 1))[: load.requests]
    idle = asyncio.create_task(_stay(served.port, load.idle))
    watching = asyncio.create_task(_watch(served, folder, load))
    driver = Driver(served.port)
    try:
        answers = await driver.at_rate(calls, load.requests / load.minutes / 60)
        streams, readings = await watching
    finally:
        idle.cancel()
        driver.close()
        await asyncio.gather(idle, return_exceptions=True)
    return answers, streams, readings


async def _watch(served: Served, folder: Path, load: Load) -> tuple[list[Answer], list[Reading]]:
    """At each step a wave of streams, and a reading once it has passed."""
    hello = post(CHAT, body_of([{"role": "user", "content": "Hi"}], stream=True))
    streams: list[Answer] = []
    readings: list[Reading] = []
    began = perf_counter()
    for step in range(1, STEPS + 1):
        driver = Driver(served.port)
        streams += await asyncio.gather(*(driver.send(hello) for _ in range(load.streams)))
        driver.close()
        await asyncio.sleep(max(0.0, began + step * load.step - perf_counter()))
        readings.append(await asyncio.to_thread(read_state, served.pid, folder))
    return streams, readings


async def _stay(port: int, count: int) -> None:
    """Hold so many connections open, which ask for next to nothing."""
    slots = asyncio.Semaphore(_OPENED_AT_ONCE)
    await asyncio.gather(*(_stay_one(port, slots) for _ in range(count)))


async def _stay_one(port: int, slots: asyncio.Semaphore) -> None:
    while True:
        with suppress(OSError, asyncio.IncompleteReadError):
            async with slots:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                while True:
                    writer.write(_ALIVE)
                    await reader.readuntil(b"}")
                    await asyncio.sleep(_TOUCH)
            finally:
                writer.close()
        await asyncio.sleep(1)


def read_state(pid: int, folder: Path) -> Reading:
    """The state of a proxy and of its store now."""
    children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]
    store = sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
    descriptors = len(list(Path(f"/proc/{pid}/fd").iterdir()))
    return Reading(_resident(pid), sum(map(_resident, children)), descriptors, store)


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:  # it has just ended
        return 0


def _turn(agent: int, turns: int) -> bytes:
    """The request of an agent after so many turns, each of which read a log of its own."""
    messages: list[dict[str, object]] = [{"role": "user", "content": f"Which request on host {agent} was slow?"}]
    for turn in range(turns + 1):
        call = {"name": "logs", "arguments": f'{{"host": {agent}, "page": {turn}}}'}
        messages += [
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": f"c{turn}", "type": "function", "function": call}],
            },
            {"role": "tool", "tool_call_id": f"c{turn}", "content": _log(agent, turn)},
        ]
    return body_of(messages)


def _log(agent: int, turn: int) -> str:
    lines = (
        f"2026-01-01 12:{turn:02}:{row % 60:02} INFO host{agent} request {row * 7919 % 9973} took {row * 37 % 211} ms"
        for row in range(60)
    )
    return "\n".join(lines)
