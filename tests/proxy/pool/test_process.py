"""One process and its pipe: what is sent arrives whole, and its end is noticed."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import Any

import psutil
import pytest

from contextprune.proxy.job import Job, Task, pack_job, read_answer
from contextprune.proxy.pool.launch import Launched
from contextprune.proxy.pool.process import PIECE, ScorerProcess
from tests.proxy.in_process import until
from tests.proxy.pool.running_pool import body


class Heard:
    """What a process said, and whether it is gone."""

    def __init__(self) -> None:
        self.messages: asyncio.Queue[tuple[dict[str, Any], list[bytes | None]]] = asyncio.Queue()
        self.gone = asyncio.Event()

    def hear(self, _: ScorerProcess, head: dict[str, Any], parts: list[bytes | None]) -> None:
        self.messages.put_nowait((head, parts))

    def end(self, _: ScorerProcess) -> None:
        self.gone.set()


async def started() -> tuple[ScorerProcess, Heard]:
    heard = Heard()
    process = ScorerProcess(0, heard.hear, heard.end)
    await process.start({})
    head, _ = await asyncio.wait_for(heard.messages.get(), 60)
    assert head["word"] == "ready"
    return process, heard


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def busy(pid: int) -> None:
    """Wait until a process has worked for a while."""
    process = psutil.Process(pid)
    before = process.cpu_times().user
    await asyncio.to_thread(until, lambda: process.cpu_times().user > before + 0.05)


@pytest.fixture(autouse=True)
def _store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTEXTPRUNE_STORE", "memory")


def test_it_may_have_begun_before_the_loop() -> None:
    launched = Launched({})

    async def run() -> None:
        heard = Heard()
        process = ScorerProcess(0, heard.hear, heard.end)
        await process.start({}, launched)
        assert process.pid == launched.process.pid
        assert (await asyncio.wait_for(heard.messages.get(), 60))[0]["word"] == "ready"
        launched.end()  # it was taken
        process.send(pack_job(Job(1, Task.SHORTEN, body("p0"), "openai-chat", seconds=60.0)))
        assert read_answer(*await asyncio.wait_for(heard.messages.get(), 60)).status == "applied"
        await process.end(5.0)

    asyncio.run(run())


def test_large_bodies_go_there_and_back_and_the_loop_goes_on_meanwhile() -> None:
    async def run() -> None:
        process, heard = await started()
        turns = 0

        async def watch() -> None:
            nonlocal turns
            while True:
                await asyncio.sleep(0)
                turns += 1

        watching = asyncio.create_task(watch())
        large = body("p1", more="x" * (12 * PIECE))
        for number in range(3):
            process.send(pack_job(Job(number, Task.SHORTEN, large, "openai-chat", seconds=60.0)))
        for number in range(3):
            answer = read_answer(*await asyncio.wait_for(heard.messages.get(), 60))
            assert answer.number == number
            assert answer.body is not None
            assert answer.body.endswith(large[-12 * PIECE :])
        watching.cancel()
        assert turns > 12  # pieces of one body: others had their turn between them
        await process.end(5.0)

    asyncio.run(run())


def test_it_ends_when_its_pipe_is_closed_whatever_it_is_doing() -> None:
    async def run() -> None:
        process, heard = await started()
        process.send(pack_job(Job(1, Task.SHORTEN, body("p2", rows=20_000), "openai-chat", seconds=60.0)))
        await busy(process.pid)
        await process.end(5.0)
        assert not alive(process.pid)
        assert heard.messages.empty()  # it did not finish the job first
        await asyncio.wait_for(heard.gone.wait(), 60)

    asyncio.run(run())


def test_a_stopped_process_is_killed_when_its_patience_is_over() -> None:
    async def run() -> None:
        process, heard = await started()
        os.kill(process.pid, signal.SIGSTOP)
        await process.end(0.2)
        assert not alive(process.pid)
        await asyncio.wait_for(heard.gone.wait(), 60)

    asyncio.run(run())


def test_its_death_is_noticed() -> None:
    async def run() -> None:
        process, heard = await started()
        os.kill(process.pid, signal.SIGKILL)
        await asyncio.wait_for(heard.gone.wait(), 60)
        await process.end(1.0)

    asyncio.run(run())


def test_ctrl_c_in_a_terminal_does_not_reach_it() -> None:
    async def run() -> None:
        process, heard = await started()
        assert os.getpgid(process.pid) != os.getpgid(0)
        os.kill(process.pid, signal.SIGINT)  # nor does it mind
        process.send(pack_job(Job(1, Task.SHORTEN, body("p3"), "openai-chat", seconds=60.0)))
        answer = read_answer(*await asyncio.wait_for(heard.messages.get(), 60))
        assert answer.status == "applied"
        await process.end(5.0)

    asyncio.run(run())


def test_it_works_on_the_faster_loop_too() -> None:
    if sys.platform == "win32":
        pytest.skip("there is no uvloop for Windows")
    uvloop = pytest.importorskip("uvloop")

    async def run() -> None:
        process, heard = await started()
        process.send(pack_job(Job(1, Task.SHORTEN, body("p4", more="x" * 2_000_000), "openai-chat", seconds=60.0)))
        answer = read_answer(*await asyncio.wait_for(heard.messages.get(), 60))
        assert answer.status == "applied"
        os.kill(process.pid, signal.SIGKILL)
        await asyncio.wait_for(heard.gone.wait(), 60)
        await process.end(1.0)

    uvloop.run(run())
