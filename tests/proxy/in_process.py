"""A running proxy for tests: a real server on loopback, real scorer processes, and the provider behind it."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx2

from contextprune.proxy.app import App
from contextprune.proxy.job import Answer, Job, Reason, pass_through
from contextprune.proxy.options import Options
from contextprune.proxy.pool.base import Pool, PoolStatus
from contextprune.proxy.pool.pool import ScorerPool
from contextprune.proxy.replay.replayer import Replayer
from contextprune.proxy.server import Server, address_of, listen, quiet, server
from contextprune.proxy.telemetry.monitor import Monitor, Watcher
from contextprune.storage.store import MemoryStore
from tests.proxy.provider import Provider, providing

HANGS = 180.0  # seconds after which a test that waits is taken to wait in vain


@dataclass
class Running:
    """What runs: `url` is where clients go, `provider` what stands behind it."""

    url: str
    provider: Provider
    app: App
    server: Server
    monitor: Monitor = field(init=False)

    def __post_init__(self) -> None:
        self.monitor = self.app.monitor

    def post(self, path: str, body: Any = None, **more: Any) -> httpx2.Response:
        """POST a JSON body, or `content`."""
        given = more if body is None else {"json": body, **more}
        return httpx2.post(self.url + path, timeout=HANGS, **given)

    def get(self, path: str, **more: Any) -> httpx2.Response:
        return httpx2.get(self.url + path, timeout=HANGS, **more)

    def records(self, count: int = 1) -> list[Any]:
        """The finished requests, the newest first, once there are `count`."""
        until(lambda: len(self.monitor.recent) >= count)
        return list(self.monitor.recent)

    def stop(self) -> None:
        """What SIGTERM does."""
        self.server.handle_exit(15, None)


@dataclass
class Scripted:
    """A scorer that says what a test wants: `say` makes an answer of a job. Without one, nothing is shortened."""

    say: Callable[[Job], Answer] = field(default=lambda job: pass_through(job, Reason.STARTING))
    ready: bool = True
    jobs: list[Job] = field(default_factory=list)
    refusals: list[Job] = field(default_factory=list)
    failures: list[Job] = field(default_factory=list)
    seconds: float = 0.0

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def ask(self, job: Job) -> Answer:
        self.jobs.append(job)
        if self.seconds:
            await asyncio.sleep(self.seconds)
        return self.say(job)

    def refused(self, job: Job) -> None:
        self.refusals.append(job)

    async def catch_up(self, job: Job) -> Answer:
        return pass_through(job, Reason.LATE)

    def failed(self, job: Job) -> None:
        self.failures.append(job)

    def status(self) -> PoolStatus:
        return PoolStatus(ready=1)


def edits(old: bytes, new: bytes) -> Scripted:
    """A scorer that replaces `old` by `new`."""

    def say(job: Job) -> Answer:
        body = job.body.replace(old, new)
        status = "audit" if job.audit else "applied"
        return Answer(job.number, None if job.audit else body, status, model="m", before=100, after=40)

    return Scripted(say)


@contextmanager
def running(
    provider: Provider | None = None,
    scorers: Pool | None = None,
    watchers: tuple[Watcher, ...] = (),
    secret: bytes = b"",
    **told: Any,
) -> Iterator[Running]:
    """A proxy on a free port in a thread of its own, ready. `told` are options; `scorers` default to a real one."""
    if provider is None:
        with providing() as own, running(own, scorers, watchers, secret, **told) as proxy:
            yield proxy
        return
    if scorers is None and "config" not in told:
        with TemporaryDirectory() as folder:
            settings = Path(folder) / "contextprune.toml"
            settings.write_text('store = "./originals.sqlite3"\nscorer = "lexical"\n')
            with running(provider, None, watchers, secret, config=str(settings), **told) as proxy:
                yield proxy
        return
    addresses = {"port": 0, "upstream_openai": provider.url, "upstream_anthropic": provider.url}
    options = Options(**{"scorers": 1, **addresses, **told})
    quiet()
    with listen(options) as sock:
        replayer = Replayer(MemoryStore) if scorers else None  # those have no store, and nobody's own is touched
        app = App(options, scorers or ScorerPool(options), Monitor(options, watchers=watchers), secret, replayer)
        serving = server(app, options)
        with in_a_thread(serving, app, sock):
            yield Running(address_of(options, sock), provider, app, serving)


@contextmanager
def in_a_thread(serving: Server, app: App, sock: socket.socket) -> Iterator[None]:
    """Serve until the end, from when the pool is ready on. What ends it otherwise fails the test."""
    failed: list[BaseException] = []

    def serve() -> None:
        try:
            serving.run([sock])
        except BaseException as exc:
            failed.append(exc)
            raise

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    until(lambda: bool(failed) or (serving.started and app.pool.ready))
    try:
        yield
    finally:
        serving.should_exit = True
        if app.in_flight:
            serving.force_exit = True
        thread.join(60)
    assert not failed
    assert not thread.is_alive()


def until(done: Callable[[], bool]) -> None:
    """Wait until something holds. Fails where it does not, after a time that no busy machine needs."""
    end = time.monotonic() + HANGS
    while not done():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)
