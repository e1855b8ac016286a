"""Processes of the proxy's benchmark: an upstream, the plain proxy and ours, each on a port of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from contextprune.errors import ContextPruneError
from contextprune.interpreter import command

UPSTREAM, PLAIN = "contextprune.bench.proxy.upstream", "contextprune.bench.proxy.plain_proxy"
PATIENCE = 60.0  # seconds until a process must listen


@dataclass(frozen=True, slots=True)
class Served:
    """A process that listens on `port`; `ready` is how many seconds it took until it did."""

    port: int
    pid: int
    ready: float

    @property
    def resident(self) -> int:
        """Bytes of memory of the process alone, without its children."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def run_upstream() -> Iterator[Served]:
    """The provider that answers at once."""
    port = free_port()
    with _served(command("-m", UPSTREAM, str(port)), port, "/") as served:
        yield served


@contextmanager
def run_plain_proxy(provider: Served) -> Iterator[Served]:
    """The baseline in front of an upstream."""
    port = free_port()
    with _served(command("-m", PLAIN, str(port), f"http://127.0.0.1:{provider.port}"), port, "/") as served:
        yield served


@contextmanager
def run_our_proxy(
    provider: Served, store: Path, *flags: str, scorer: str = "lexical", variables: Sequence[str] = ()
) -> Iterator[Served]:
    """`contextprune serve` in front of an upstream, ready for requests; `variables` read NAME=value."""
    port, url = free_port(), f"http://127.0.0.1:{provider.port}"
    serve = command("-m", "contextprune", "serve", "--port", str(port))
    serve += ["--upstream-openai", url, "--upstream-anthropic", url, *flags]
    environment = [f"CONTEXTPRUNE_SCORER={scorer}", f"CONTEXTPRUNE_STORE={store}", *variables]
    with _served(["env", *environment, *serve], port, "/readyz") as served:
        yield served


@contextmanager
def _served(program: Sequence[str], port: int, path: str) -> Iterator[Served]:
    began = time.perf_counter()
    process = subprocess.Popen(program, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603 - our own
    try:
        wait_for(process, f"http://127.0.0.1:{port}{path}", " ".join(program))
        yield Served(port, process.pid, time.perf_counter() - began)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(process: subprocess.Popen[bytes], url: str, program: str) -> None:
    """Wait until a process answers at a URL. Raises ContextPruneError where it ends, or takes too long."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if process.poll() is not None:
            raise ContextPruneError(f"`{program}` ended with status {process.returncode} before it listened")
        try:
            with urlopen(url, timeout=1) as response:  # noqa: S310 - loopback
                if response.status == 200:
                    return
        except (URLError, OSError):
            time.sleep(0.02)
    raise ContextPruneError(f"`{program}` did not listen within {PATIENCE:.0f} seconds")


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
