"""A real Redis on loopback for tests: started on a free port, stopped and hung at will."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis

from tests.children import END_WITH_US

BINARY = shutil.which("redis-server")
needed = pytest.mark.skipif(BINARY is None, reason="there is no redis-server on this machine")


@dataclass
class Server:
    """A running Redis, and what may happen to it."""

    port: int
    folder: Path
    options: tuple[str, ...]
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def admin(self) -> redis.Redis:
        return redis.Redis(port=self.port, password=self.password)

    @property
    def password(self) -> str | None:
        named = "--requirepass" in self.options
        return self.options[self.options.index("--requirepass") + 1] if named else None

    def start(self) -> None:
        assert BINARY is not None
        command = [BINARY, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self.folder)]
        self.process = subprocess.Popen([*command, *self.options], stdout=subprocess.DEVNULL, preexec_fn=END_WITH_US)  # noqa: PLW1509
        for _ in range(500):
            with suppress(redis.ConnectionError), self.admin as client:
                if client.ping():
                    return
            time.sleep(0.02)
        raise AssertionError("the Redis did not start")

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait()
            self.process = None

    def hang(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)


@contextmanager
def running(folder: Path, *options: str) -> Iterator[Server]:
    """A Redis with these options for the length of the block."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = Server(port, folder, options)
    server.start()
    try:
        yield server
    finally:
        server.stop()
