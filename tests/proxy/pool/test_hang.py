"""A process that hangs is told from one that is slow by its CPU time."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from contextprune.proxy.pool.hang import AGAIN, LONGEST, PROGRESS, Watch, cpu_seconds

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the system tells no CPU times")


@contextmanager
def process(code: str, *, says: bytes = b"") -> Iterator[int]:
    """A process that runs `code`, and has said `says` by now."""
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert child.stdout is not None
    try:
        assert child.stdout.read(len(says)) == says
        yield child.pid
    finally:
        child.kill()
        child.wait()
        child.stdout.close()


def after_work(pid: int, seconds: float) -> None:
    """Return once a process has had so much more CPU time."""
    before = cpu_seconds(pid) or 0.0
    while (cpu_seconds(pid) or 0.0) < before + seconds:
        time.sleep(0.01)


def test_one_that_works_but_had_little_cpu_time_is_only_slow() -> None:
    with process("while True: pass") as pid:
        watch = Watch(pid, 100.0, 0.0)
        after_work(pid, 5 * PROGRESS)
        assert watch.seconds_left(150.0) > AGAIN


def test_one_that_had_its_cpu_time_hangs() -> None:
    with process("while True: pass") as pid:
        watch = Watch(pid, 0.05, 0.0)
        after_work(pid, 0.1)
        assert watch.seconds_left(0.1) == 0.0


def test_one_that_stands_still_hangs() -> None:
    with process(
        "import time; print('up', end='', flush=True); time.sleep(60)", says=b"up"
    ) as pid:  # its start is work
        assert Watch(pid, 1.0, 0.0).seconds_left(1.0) == 0.0


def test_one_that_takes_many_times_as_long_by_the_clock_hangs() -> None:
    with process("while True: pass") as pid:
        watch = Watch(pid, 100.0, 0.0)
        after_work(pid, 5 * PROGRESS)
        assert watch.seconds_left(100.0 * LONGEST + 1) == 0.0


def test_where_the_system_tells_nothing_the_clock_decides() -> None:
    watch = Watch(2**22 + os.getpid(), 10.0, 0.0)
    assert watch.seconds_left(4.0) == 6.0
    assert watch.seconds_left(10.0) == 0.0
