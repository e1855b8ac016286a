"""The driver, against the upstream that it is used with."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from time import perf_counter

import pytest

from contextprune.bench.proxy.load import Answer, Driver, post
from contextprune.bench.proxy.processes import Served, run_upstream
from contextprune.bench.proxy.upstream import EVENTS, event_of

pytest.importorskip("uvicorn")


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with run_upstream() as one:
        yield one


async def _sent(port: int, bodies: list[bytes], rate: float) -> list[Answer]:
    driver = Driver(port)
    try:
        return await driver.at_rate([post("/v1/chat/completions", body) for body in bodies], rate)
    finally:
        driver.close()


def test_every_call_is_answered(served: Served) -> None:
    answers = asyncio.run(_sent(served.port, [b"{}"] * 20, 500))
    assert [answer.status for answer in answers] == [200] * 20


def test_a_stream_is_read_chunk_by_chunk(served: Served) -> None:
    [answer] = asyncio.run(_sent(served.port, [b'{"stream":true}'], 500))
    assert answer.body == b"".join(map(event_of, range(EVENTS)))
    assert len(answer.gaps) == EVENTS - 1
    assert answer.first < answer.late


def test_latency_counts_from_when_a_call_was_due(served: Served) -> None:
    async def overdue() -> Answer:
        driver = Driver(served.port)
        try:
            return await driver.send(post("/", b"{}"), perf_counter() - 5)
        finally:
            driver.close()

    assert asyncio.run(overdue()).late > 5


def test_where_nobody_listens_the_status_is_0() -> None:
    [answer] = asyncio.run(_sent(1, [b"{}"], 500))
    assert answer.status == 0
