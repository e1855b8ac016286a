"""The driver, against the upstream that it is used with."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from time import perf_counter

import pytest

from contextprune.bench.proxy.load import Driver, Got, call
from contextprune.bench.proxy.processes import Served, upstream
from contextprune.bench.proxy.upstream import EVENTS, event_of

pytest.importorskip("uvicorn")


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with upstream() as one:
        yield one


async def _sent(port: int, bodies: list[bytes], rate: float) -> list[Got]:
    driver = Driver(port)
    try:
        return await driver.at_rate([call("/v1/chat/completions", body) for body in bodies], rate)
    finally:
        driver.close()


def test_every_call_is_answered(served: Served) -> None:
    got = asyncio.run(_sent(served.port, [b"{}"] * 20, 500))
    assert [one.status for one in got] == [200] * 20


def test_a_stream_is_read_chunk_by_chunk(served: Served) -> None:
    [got] = asyncio.run(_sent(served.port, [b'{"stream":true}'], 500))
    assert got.body == b"".join(map(event_of, range(EVENTS)))
    assert len(got.gaps) == EVENTS - 1
    assert got.first < got.late


def test_latency_counts_from_when_a_call_was_due(served: Served) -> None:
    async def overdue() -> Got:
        driver = Driver(served.port)
        try:
            return await driver.one(call("/", b"{}"), perf_counter() - 5)
        finally:
            driver.close()

    assert asyncio.run(overdue()).late > 5


def test_where_nobody_listens_the_status_is_0() -> None:
    [got] = asyncio.run(_sent(1, [b"{}"], 500))
    assert got.status == 0
