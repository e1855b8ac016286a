"""Runs the application: one listener, and an end that lets answers finish.

uvicorn speaks HTTP here. It ends by the signal that asked it to, and lets nothing finish that takes long: both are put
right below.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic
from types import FrameType

from contextprune.errors import MissingExtra, SettingsError
from contextprune.proxy.app import App
from contextprune.proxy.inherited import Inherited
from contextprune.proxy.options import Options, is_loopback
from contextprune.proxy.pool.launch import Launched
from contextprune.proxy.pool.pool import ScorerPool
from contextprune.proxy.supervisor import supervise
from contextprune.proxy.telemetry.logs import Log, log_to
from contextprune.proxy.telemetry.monitor import Monitor, Watcher
from contextprune.proxy.telemetry.peers import Peers
from contextprune.proxy.telemetry.totals import Totals, totals_path
from contextprune.proxy.wire.connection import bounded_connections
from contextprune.settings import load_settings

try:
    import uvicorn
except ImportError as exc:
    raise MissingExtra("the proxy", extra="proxy") from exc

_BACKLOG = 2048
_KEEP_ALIVE = 75  # seconds: longer than clients and balancers keep theirs, so that they close first
_LINGER = 2.0  # seconds in which a load balancer sees that we are not ready before we stop listening
_LAST_WORDS = 1.0  # seconds for the errors that end streams
_EXPECTED = (  # what uvicorn calls errors is how an answer is cut off, and how a client is told to use HTTP
    "ASGI callable returned without completing response.",
    "Unsupported upgrade request.",
    "No supported WebSocket library detected.",
    "Invalid HTTP request received.",
)


class Server(uvicorn.Server):
    """uvicorn's server, ending as a load balancer and a user want it."""

    def __init__(self, config: uvicorn.Config, app: App) -> None:
        super().__init__(config)
        self._app = app

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Catch the signals that end us, and do not raise them again: an orderly end is no failure."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {sig: signal.signal(sig, self.handle_exit) for sig in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for sig, handler in before.items():
                signal.signal(sig, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - the signature of a handler
        """Drain at the first signal, end at once at the second one."""
        self.force_exit = self.should_exit
        self.should_exit = self._app.draining = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Be unready, stop listening, let answers finish, and end those that do not."""
        app = self._app
        app.draining = True
        if app.watched:
            await self._until(lambda: False, _LINGER)
        for listener in self.servers:
            listener.close()
        for sock in sockets or ():
            sock.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        await self._until(lambda: not self.server_state.tasks, app.options.drain_seconds)
        app.stop()
        self.force_exit = False
        await self._until(lambda: not self.server_state.tasks, _LAST_WORDS)
        for task in list(self.server_state.tasks):
            task.cancel()
        await self.lifespan.shutdown()

    async def _until(self, condition: Callable[[], bool], seconds: float) -> None:
        end = monotonic() + seconds
        while not condition() and not self.force_exit and monotonic() < end:  # noqa: ASYNC110 - a signal sets the flag
            await asyncio.sleep(0.02)


def server(app: App, options: Options) -> Server:
    """Make a server for `app`, which is given its sockets when it runs."""
    config = uvicorn.Config(
        app,
        http=bounded_connections(options.header_seconds, options.idle_seconds),  # type: ignore[arg-type]  # it is only called
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE,
    )
    return Server(config, app)


def listen(options: Options) -> socket.socket:
    """Bind the socket that the proxy listens on. Raises SettingsError where it cannot be had."""
    sock = None
    try:
        family, kind, proto, _, address = socket.getaddrinfo(
            options.host, options.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        sock = socket.socket(family, kind, proto)
        if sys.platform == "win32":  # there, SO_REUSEADDR would let others take the port away from us
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        elif options.port:  # so that it can be had again at once after a restart
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)

        sock.bind(address)
        sock.listen(_BACKLOG)
        sock.setblocking(False)
    except OSError as exc:
        if sock is not None:
            sock.close()
        raise SettingsError(
            f"cannot listen on {options.host}:{options.port}: {exc.strerror or exc}. Choose another with --port, "
            "or stop what listens there."
        ) from exc
    return sock


def take(fd: int) -> socket.socket:
    """Listen on the socket that another process has bound for us. Raises SettingsError where it is none."""
    try:
        sock = socket.socket(fileno=fd)
        sock.set_inheritable(False)
        sock.listen(_BACKLOG)
        sock.setblocking(False)
    except OSError as exc:
        raise SettingsError(f"cannot listen on the socket that was passed on: {exc.strerror or exc}") from exc
    return sock


def quiet() -> None:
    """Keep uvicorn from reporting what is no error here."""
    log = logging.getLogger("uvicorn.error")
    log.setLevel(logging.ERROR)
    if _unexpected not in log.filters:
        log.addFilter(_unexpected)


def _unexpected(entry: logging.LogRecord) -> bool:
    return not str(entry.msg).startswith(_EXPECTED)


def application(
    options: Options, folder: Path | None = None, launched: Launched | None = None, secret: bytes = b""
) -> App:
    """Make the application with its scorers, and with all that watches it.

    folder   where several processes of one server tell each other what they have counted
    launched a scorer process that has been started already
    secret   see `App`
    """
    watchers: list[Watcher] = [Log()]
    if "opentelemetry" in sys.modules:  # else nobody can have set up where spans go
        from contextprune.proxy.telemetry.otel import Telemetry, configured  # noqa: PLC0415 - an extra

        if configured():
            watchers.append(Telemetry())
    peers = Peers(folder) if folder else None
    settings = load_settings(file=Path(options.config) if options.config else None, tell=lambda _: None)  # it was said
    monitor = Monitor(options, watchers=watchers, peers=peers, totals=Totals(totals_path(settings.store)))
    return App(options, ScorerPool(options, launched=launched), monitor, secret)


def run(
    options: Options,
    announce: Callable[[str], None],
    launched: Launched | None = None,
    inherited: Inherited | None = None,
) -> int:
    """Serve until a signal ends it; `announce` is called with the address once it listens. The exit status, 0.

    `launched` is a scorer process that has been started already; `inherited` comes from the program that started this
    one. Raises SettingsError where it cannot listen.
    """
    fd = inherited.fd if inherited else None
    secret = inherited.secret if inherited else b""

    with listen(options) if fd is None else take(fd) as sock:
        end = log_to(sys.stderr)
        try:
            announce(address_of(options, sock))
            if options.workers > 1:
                return supervise(options, sock)
            serve(options, sock, launched=launched, secret=secret)
        finally:
            end()
    return 0


def serve(
    options: Options,
    sock: socket.socket,
    folder: Path | None = None,
    launched: Launched | None = None,
    secret: bytes = b"",
) -> None:
    """Serve in this process until a signal ends it. `folder`, `launched` and `secret`: see `application`."""
    quiet()
    server(application(options, folder, launched, secret), options).run([sock])


def address_of(options: Options, sock: socket.socket) -> str:
    """URL at which clients on this machine find what listens on `sock`."""
    host, port = sock.getsockname()[:2]
    if host in ("0.0.0.0", "::"):  # noqa: S104 - told apart, not listened on
        host = "127.0.0.1"
    elif not is_loopback(host):
        host = options.host
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def work() -> None:
    """Serve as one of several fronts: all of it comes on standard input, which closes when the supervisor dies."""
    values = json.loads(sys.stdin.buffer.readline())
    sock = socket.socket(fileno=values.pop("fd"))
    folder = Path(values.pop("folder"))
    sock.setblocking(False)
    threading.Thread(target=_end_with_supervisor, daemon=True).start()
    end = log_to(sys.stderr)
    try:
        serve(Options(**values), sock, folder)
    finally:
        end()


def _end_with_supervisor() -> None:
    while os.read(0, 1 << 12):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
