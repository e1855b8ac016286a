"""A scorer process that is started before there is anybody to talk to it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator

import psutil
import pytest

from contextprune.proxy.options import Options
from contextprune.proxy.pool.launch import Begun, arguments, early, processes
from contextprune.proxy.pool.pool import Scorers
from tests.proxy.pool.running_pool import until


@pytest.fixture(autouse=True)
def _store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTEXTPRUNE_STORE", "memory")


@pytest.fixture
def begun() -> Iterator[Begun]:
    found = early(Options(scorers=1))
    assert found is not None
    yield found
    found.end()


def test_it_is_the_first_of_the_scorers(begun: Begun) -> None:
    async def run() -> None:
        scorers = Scorers(Options(scorers=2), begun=begun)
        await asyncio.wait_for(scorers.start(), 60)
        pids = [seat.process.pid for seat in scorers._seats if seat.process]
        assert begun.process.pid == pids[-1]
        assert len(set(pids)) == processes(Options(scorers=2))
        assert scorers.figures().restarts == 0
        await scorers.stop()
        assert begun.process.returncode == 0

    asyncio.run(run())


def test_one_that_died_meanwhile_is_replaced(begun: Begun) -> None:
    async def run() -> None:
        begun.process.kill()
        begun.process.wait(10)
        scorers = Scorers(Options(scorers=1), begun=begun)
        await asyncio.wait_for(scorers.start(), 60)
        await asyncio.to_thread(until, lambda: scorers.ready)
        assert scorers.figures().restarts == 1
        await scorers.stop()

    asyncio.run(run())


def test_one_that_nobody_takes_is_ended(begun: Begun) -> None:
    begun.end()
    assert not psutil.pid_exists(begun.process.pid)
    begun.end()  # twice does no harm


def test_it_ends_by_itself_when_the_front_dies(begun: Begun) -> None:
    begun.pipe.close()
    assert begun.process.wait(30) == 0


def test_ctrl_c_in_a_terminal_does_not_reach_it(begun: Begun) -> None:
    assert os.getpgid(begun.process.pid) != os.getpgid(0)


def test_several_fronts_start_their_own() -> None:
    assert early(Options(workers=2)) is None


def test_the_cores_are_shared_among_the_processes() -> None:
    cores = os.cpu_count() or 1
    assert processes(Options(scorers=1000)) == cores
    assert arguments(Options(scorers=1, config="a.toml")) == {"config": "a.toml", "threads": cores}
    assert arguments(Options(scorers=1000))["threads"] == 1
