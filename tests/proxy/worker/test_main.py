"""The scorer process: what it needs to be ready, what it makes of its pipe, and that it does not grow."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
from safetensors.torch import load_file, save_file

from contextprune.proxy.job import PREFIX, Job, Task, pack, pack_job, read_answer, unpack
from contextprune.proxy.worker.main import prepare
from contextprune.scoring.folder import write_manifest
from contextprune.settings import Settings
from tests.proxy.in_process import until
from tests.proxy.pool.running_pool import Asking, asking, body
from tests.scoring.folders import write_trained

CODE = "from contextprune.proxy.worker.main import main; main()"


class Front:
    """The other end of the pipe, without anything of the front's."""

    def __init__(self) -> None:
        self.pipe, theirs = socket.socketpair()
        self.pipe.settimeout(60)
        with theirs:
            command = [sys.executable, "-c", CODE]
            self.process = subprocess.Popen(command, stdin=theirs.fileno(), stderr=subprocess.PIPE)

    def send(self, pieces: list[bytes]) -> None:
        for piece in pieces:
            self.pipe.sendall(piece)

    def hear(self) -> tuple[dict[str, Any], list[bytes | None]]:
        head, rest = PREFIX.unpack(self._exactly(PREFIX.size))
        return unpack(self._exactly(head), memoryview(self._exactly(rest)))

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            got = self.pipe.recv(size - len(data))
            assert got, "the process has closed its pipe"
            data += got
        return data

    def end(self) -> None:
        self.pipe.close()
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def front(monkeypatch: pytest.MonkeyPatch) -> Iterator[Front]:
    monkeypatch.setenv("CONTEXTPRUNE_STORE", "memory")
    found = Front()
    yield found
    found.end()


@pytest.fixture(scope="module")
def shared() -> Iterator[Front]:
    """One that is ready, for tests that leave it running and speak of conversations of their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONTEXTPRUNE_STORE", "memory")
        found = Front()
    assert found.hear()[0]["word"] == "ready"
    yield found
    found.end()


def shorten(number: int, sent: bytes, seconds: float = 60.0) -> list[bytes]:
    return pack_job(Job(number, Task.SHORTEN, sent, "openai-chat", seconds=seconds))


def test_it_answers_jobs_in_order_and_ends_with_its_pipe(front: Front) -> None:
    assert front.hear()[0]["word"] == "ready"
    for number in range(3):
        front.send(shorten(number, body("o1", number + 1)))
    assert [read_answer(*front.hear()).number for _ in range(3)] == [0, 1, 2]
    front.pipe.close()
    assert front.process.wait(60) == 0


def test_it_ends_in_the_middle_of_a_job_when_the_front_dies(front: Front) -> None:
    front.hear()
    process = psutil.Process(front.process.pid)
    before = process.cpu_times().user
    front.send(shorten(1, body("o2", rows=30_000)))
    until(lambda: process.cpu_times().user > before + 0.1)
    front.pipe.shutdown(socket.SHUT_WR)
    assert front.process.wait(60) == 0
    assert front.pipe.recv(1) == b""  # no answer came first


def test_told_that_nobody_waits_it_stops_between_two_blocks(shared: Front) -> None:
    shared.send(shorten(1, body("o3", 1)))
    first = read_answer(*shared.hear())
    assert first.body is not None
    shared.send(shorten(2, body("many", 1, rows=100)))
    shared.hear()
    shared.send(shorten(3, body("o3", 40, rows=400)))
    shared.send(pack({"word": "cancel", "number": 3}))
    answer = read_answer(*shared.hear())
    assert answer.reason == "late"


def test_a_late_answer_is_taken_back(shared: Front) -> None:
    shared.send(shorten(1, body("o4", 1)))
    assert read_answer(*shared.hear()).status == "applied"
    shared.send(pack({"word": "late", "number": 1}))
    shared.send(shorten(2, body("o4", 1)))
    assert read_answer(*shared.hear()).status == "noop"


def test_a_refused_conversation_is_left_alone(shared: Front) -> None:
    refused = Job(1, Task.SHORTEN, body("o5", 1), "openai-chat")
    shared.send(pack_job(refused, "refused"))
    shared.send(shorten(2, body("o5", 2)))
    assert read_answer(*shared.hear()).reason == "refused"


def test_settings_that_make_no_sense_are_told_and_end_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTEXTPRUNE_SCORER", "lexcal")
    front = Front()
    try:
        head, _ = front.hear()
        assert head["word"] == "failed"
        assert "did you mean 'lexical'" in head["why"]
        assert front.process.wait(60) == 1
    finally:
        front.end()


def test_one_that_cannot_score_is_not_ready_and_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_trained(tmp_path / "scorer")
    weights = load_file(folder / "model.safetensors")
    save_file({**weights, "bias": torch.full_like(weights["bias"], torch.nan)}, folder / "model.safetensors")
    write_manifest(folder, "tiny.v2", {"pieces": len(weights["table.weight"])})
    monkeypatch.setenv("CONTEXTPRUNE_SCORER", str(folder))
    monkeypatch.setenv("CONTEXTPRUNE_STORE", "memory")
    front = Front()
    try:
        head, _ = front.hear()
        assert head["word"] == "failed"
        assert "some of its weights are no numbers: bias" in head["why"]
        assert front.process.wait(60) == 1
    finally:
        front.end()


def test_a_store_that_cannot_be_used_is_told_when_it_is_ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "folder"
    place.write_text("a file")
    monkeypatch.setenv("CONTEXTPRUNE_STORE", str(place / "store.sqlite3"))
    front = Front()
    try:
        head, _ = front.hear()
        assert head["word"] == "ready"
        assert "cannot be used" in head["trouble"]
        front.send(shorten(1, body("o8")))
        assert read_answer(*front.hear()).reason == "store"
    finally:
        front.end()


def test_a_store_that_cannot_be_opened_does_not_keep_it_from_starting(tmp_path: Path) -> None:
    place = tmp_path / "folder"
    place.write_text("a file")
    engine, _ = prepare(Settings(scorer="lexical", store=str(place / "store.sqlite3")), 1)
    answer = engine(Job(1, Task.SHORTEN, body("o6"), "openai-chat", seconds=9.0), lambda: False)
    assert answer.reason == "store"


def test_without_the_model_it_never_imports_torch(tmp_path: Path) -> None:
    code = (
        "import sys; from contextprune.settings import Settings; from contextprune.proxy.worker.main import prepare;"
        f"prepare(Settings(scorer='lexical', store={str(tmp_path / 's')!r}), 1); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_hundreds_of_jobs_do_not_make_it_grow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTEXTPRUNE_STORE", str(tmp_path / "store.sqlite3"))
    with asking() as scorers:
        _jobs(scorers, range(120))
        before = _resident(scorers.pids()[0])
        _jobs(scorers, range(120, 480))
        assert _resident(scorers.pids()[0]) <= 1.1 * before + 10
        assert scorers.status().restarts == 0


def _jobs(scorers: Asking, numbers: range) -> None:
    """A session each, of small bodies, some at a time."""
    for start in range(numbers.start, numbers.stop, 40):
        coming = [scorers.begin(scorers.job(body(f"g{n}", rows=10))) for n in range(start, start + 40)]
        assert {each.result(180).status for each in coming} <= {"applied", "noop"}


def _resident(pid: int) -> float:
    """MiB of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


@pytest.mark.skipif(sys.platform == "win32", reason="there is no niceness there")
def test_it_gives_way_to_the_front(shared: Front) -> None:
    assert psutil.Process(shared.process.pid).nice() >= min(19, os.nice(0) + 10)


def test_reading_the_pipe_takes_one_thread_and_no_more(shared: Front) -> None:
    for number in range(20):
        shared.send(shorten(number, body("o7")))
        shared.hear()
    if Path("/proc").exists():
        assert len(list(Path(f"/proc/{shared.process.pid}/task").iterdir())) <= 2 + threading.active_count()
