"""A load driver: requests sent when they are due, whether earlier ones have come back or not, and streams read event
by event.

A driver that waits for an answer before it sends the next one hides every stall from its own figures; so latency counts
from when a request was due.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from time import perf_counter


@dataclass(frozen=True, slots=True)
class Call:
    """The bytes of one HTTP/1.1 request."""

    raw: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one call.

    late       seconds from when it was due to the last byte
    first      seconds from when it was due to the first byte of the body
    gaps       seconds between the chunks of a stream
    status     0 where the connection failed
    """

    late: float
    first: float
    status: int
    headers: dict[bytes, bytes] = field(default_factory=dict)
    body: bytes = b""
    gaps: tuple[float, ...] = ()


def post(path: str, body: bytes, headers: Sequence[tuple[str, str]] = ()) -> Call:
    """A call: a POST of JSON."""
    more = "".join(f"{name}: {value}\r\n" for name, value in headers)
    head = (
        f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\n{more}\r\n"
    )
    return Call(head.encode() + body)


class Driver:
    """Sends calls to one loopback port over connections that stay open."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def send(self, call: Call, due: float | None = None) -> Answer:
        """Send one call now; `due` is when it should have been sent (`perf_counter`)."""
        due = perf_counter() if due is None else due
        while self._free and self._free[-1][0].at_eof():  # the server has closed it, as it does after a while
            self._free.pop()[1].close()
        try:
            reader, writer = self._free.pop() if self._free else await self._opened()
            writer.write(call.raw)
            answer = await _read_answer(reader, due)
        except (OSError, asyncio.IncompleteReadError):
            return Answer(perf_counter() - due, perf_counter() - due, 0)

        if answer.headers.get(b"connection") == b"close":
            writer.close()
        else:
            self._free.append((reader, writer))
        return answer

    async def at_rate(self, calls: Sequence[Call], rate: float, seed: int = 0) -> list[Answer]:
        """Send all calls, so many a second on average, at random moments that a seed fixes."""
        dice = random.Random(seed)  # noqa: S311 - arrival times are no secret
        due, tasks = perf_counter(), []
        for call in calls:
            due += dice.expovariate(rate)
            if (wait := due - perf_counter()) > 0:
                await asyncio.sleep(wait)
            tasks.append(asyncio.create_task(self.send(call, due)))
        return list(await asyncio.gather(*tasks))

    async def in_turn(self, calls: Sequence[Call], agents: int) -> tuple[list[Answer], float]:
        """Send all calls by so many agents, each of which waits for its answer; the answers, and calls a second."""
        queue, answers = iter(calls), []

        async def work() -> None:
            for call in queue:  # shared: each agent takes the next one
                answers.append(await self.send(call))  # noqa: PERF401 - answers of all agents go into one list

        began = perf_counter()
        await asyncio.gather(*(work() for _ in range(agents)))
        return answers, len(calls) / (perf_counter() - began)

    def close(self) -> None:
        """Close the connections."""
        for _, writer in self._free:
            writer.close()
        self._free.clear()

    async def _opened(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self._port, limit=1 << 22)


async def _read_answer(reader: asyncio.StreamReader, due: float) -> Answer:
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head[:-4].split(b"\r\n")
    pairs = (line.split(b":", 1) for line in lines[1:])
    headers = {name.strip().lower(): value.strip() for name, value in pairs}
    status = int(lines[0].split(b" ", 2)[1])

    if headers.get(b"transfer-encoding") != b"chunked":
        body = await reader.readexactly(int(headers.get(b"content-length", b"0")))
        now = perf_counter()
        return Answer(now - due, now - due, status, headers, body)

    chunks: list[bytes] = []
    times: list[float] = []
    while size := int(await reader.readline(), 16):
        chunks.append((await reader.readexactly(size + 2))[:-2])
        times.append(perf_counter())
    await reader.readline()
    gaps = tuple(after - before for before, after in pairwise(times))
    now = perf_counter()
    return Answer(now - due, (times[0] if times else now) - due, status, headers, b"".join(chunks), gaps)
