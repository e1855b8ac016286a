"""A proxy that a bench disturbs: `contextprune serve` with its defaults, and the signals that its processes get."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

from contextprune.bench.proxy.processes import free_port, wait_for
from contextprune.interpreter import command

SCORER = b"contextprune.proxy.worker.main"  # in the command of a scorer process
LOCK = (
    "import sqlite3, sys, time; store = sqlite3.connect(sys.argv[1], timeout=60, isolation_level=None); "
    "store.execute('BEGIN EXCLUSIVE'); print('locked', flush=True); time.sleep(float(sys.argv[2])); "
    "store.execute('ROLLBACK')"
)
BURN = "while True: pass"
ENDING = 15.0  # seconds in which a proxy must end


class Replica:
    """One proxy before a provider, with a store in a folder; another one may use the same."""

    def __init__(self, provider: int, folder: Path, name: str = "proxy") -> None:
        self._url, self._folder = f"http://127.0.0.1:{provider}", folder
        self._name, self.starts = name, 0
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start(ready=True)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def store(self) -> Path:
        """The file of the store."""
        return self._folder / "store.sqlite3"

    def start(self, *, ready: bool) -> None:
        """Start it, and wait until it listens, or until it is ready."""
        serve = command("-m", "contextprune", "serve", "--port", str(self.port))
        serve += ["--upstream-openai", self._url, "--upstream-anthropic", self._url]
        own = [f"CONTEXTPRUNE_STORE={self.store}", f"XDG_DATA_HOME={self._folder}"]
        self.starts += 1
        with self._log(self.starts).open("wb") as log:
            self._process = subprocess.Popen(["env", *own, *serve], stderr=log, stdout=log)  # noqa: S603, S607
        path = "/readyz" if ready else "/livez"
        wait_for(self._process, f"http://127.0.0.1:{self.port}{path}", "contextprune serve")

    def stop(self) -> None:
        """End it as an operator does, and without mercy where that takes too long."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(ENDING)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def signal_scorers(self, number: signal.Signals) -> int:
        """Send a signal to each scorer process; how many there were."""
        scorers = list(self._scorers())
        for pid in scorers:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        return len(scorers)

    def epochs(self) -> set[tuple[int, int]]:
        """(start of the proxy, number of the request) of each request that its log calls an epoch."""
        epochs = set()
        for start in range(1, self.starts + 1):
            lines = self._log(start).read_text(encoding="utf-8", errors="replace").splitlines()
            requests = (json.loads(line) for line in lines if line.startswith("{") and line.endswith("}"))
            epochs |= {(start, int(request["number"])) for request in requests if request.get("epoch")}
        return epochs

    def _log(self, start: int) -> Path:
        return self._folder / f"{self._name}-{start}.log"

    def _scorers(self) -> Iterator[int]:
        assert self._process is not None
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                parent = int((folder / "stat").read_bytes().rpartition(b")")[2].split()[1])
                if parent == self._process.pid and SCORER in (folder / "cmdline").read_bytes():
                    yield int(folder.name)


def lock(store: Path, seconds: float) -> subprocess.Popen[bytes]:
    """A process that has locked a store for itself, and lets go after so many seconds."""
    process = subprocess.Popen(  # noqa: S603 - our own
        command("-c", LOCK, str(store), str(seconds)), stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    return process


@contextmanager
def busy_cores() -> Iterator[None]:
    """Keep every core busy."""
    cores = len(os.sched_getaffinity(0))
    burners = [subprocess.Popen(command("-c", BURN)) for _ in range(cores)]  # noqa: S603 - our own
    try:
        time.sleep(0.5)
        yield
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()
