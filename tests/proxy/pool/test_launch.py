"""A scorer process that is started before there is anybody to talk to it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from contextprune.proxy.options import Options
from contextprune.proxy.pool.launch import Launched, launch_first, process_count, worker_arguments
from contextprune.proxy.pool.pool import ScorerPool
from tests.proxy.in_process import until


@pytest.fixture(autouse=True)
def _store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTEXTPRUNE_STORE", "memory")


@pytest.fixture
def launched() -> Iterator[Launched]:
    found = launch_first(Options(scorers=1))
    assert found is not None
    yield found
    found.end()


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A store that processes share."""
    monkeypatch.setenv("CONTEXTPRUNE_STORE", str(tmp_path / "originals.sqlite3"))


def test_with_a_store_in_memory_one_process_is_all_there_are() -> None:
    async def run() -> None:
        scorers = ScorerPool(Options(scorers=2))
        await asyncio.wait_for(scorers.start(), 60)
        assert len(scorers.pids()) == 1
        await scorers.stop()

    asyncio.run(run())


@pytest.mark.usefixtures("shared")
def test_it_is_the_first_of_the_scorers(launched: Launched) -> None:
    async def run() -> None:
        scorers = ScorerPool(Options(scorers=2), launched=launched)
        await asyncio.wait_for(scorers.start(), 60)
        pids = scorers.pids()
        assert launched.process.pid == pids[-1]
        assert len(set(pids)) == process_count(Options(scorers=2))
        assert scorers.status().restarts == 0
        await scorers.stop()
        assert launched.process.returncode == 0

    asyncio.run(run())


def test_one_that_died_meanwhile_is_replaced(launched: Launched) -> None:
    async def run() -> None:
        launched.process.kill()
        launched.process.wait(60)
        scorers = ScorerPool(Options(scorers=1), launched=launched)
        await asyncio.wait_for(scorers.start(), 60)
        await asyncio.to_thread(until, lambda: scorers.ready)
        assert scorers.status().restarts == 1
        await scorers.stop()

    asyncio.run(run())


def test_one_that_nobody_takes_is_ended(launched: Launched) -> None:
    launched.end()
    assert not psutil.pid_exists(launched.process.pid)
    launched.end()  # twice does no harm


def test_it_ends_by_itself_when_the_front_dies(launched: Launched) -> None:
    launched.pipe.close()
    assert launched.process.wait(60) == 0


def test_ctrl_c_in_a_terminal_does_not_reach_it(launched: Launched) -> None:
    assert os.getpgid(launched.process.pid) != os.getpgid(0)


def test_several_fronts_start_their_own() -> None:
    assert launch_first(Options(workers=2)) is None


def test_the_cores_are_shared_among_the_processes() -> None:
    cores = os.cpu_count() or 1
    assert process_count(Options(scorers=1000)) == cores
    assert worker_arguments(Options(scorers=1, config="a.toml")) == {"config": "a.toml", "threads": cores}
    assert worker_arguments(Options(scorers=1000))["threads"] == 1
