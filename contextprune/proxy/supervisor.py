"""Several front processes behind one socket: started, restarted when they die, and ended together.

Each is a server of its own, with its own scorers and records; the store is shared, and what they count is added up.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import subprocess
import time
from dataclasses import asdict, replace
from tempfile import TemporaryDirectory
from types import FrameType

from contextprune.errors import SettingsError
from contextprune.interpreter import command, search_path
from contextprune.proxy.options import Options

_log = logging.getLogger("contextprune.proxy")
_START = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from contextprune.proxy.server import work; work()"
_PAUSE = 1.0  # seconds before a worker that died is started again
_PATIENCE = 10.0  # seconds beyond the drain until what still runs is killed


class Supervisor:
    """The front processes of one socket. Lives on the main thread, which catches the signals."""

    def __init__(self, options: Options, sock: socket.socket, folder: str) -> None:
        scorers = max(1, options.scorers // options.workers)
        values = asdict(replace(options, workers=1, scorers=scorers))
        self._line = json.dumps({"fd": sock.fileno(), "folder": folder, **values}).encode()
        self._options, self._sock = options, sock
        self._running: list[subprocess.Popen[bytes]] = []
        self._ending = 0

    def run(self) -> int:
        """Keep them running until a signal comes. The exit status: 0 where all ended in order."""
        before = {sig: signal.signal(sig, self._end) for sig in (signal.SIGINT, signal.SIGTERM)}
        try:
            self._running = [self._start() for _ in range(self._options.workers)]
            while not self._ending:
                time.sleep(0.1)
                self._restart()
            return self._wait()
        finally:
            for worker in self._running:
                worker.kill()
            for sig, handler in before.items():
                signal.signal(sig, handler)

    def _end(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - the signature of a handler
        self._ending += 1
        for worker in self._running:
            worker.send_signal(signal.SIGTERM)

    def _restart(self) -> None:
        for i, worker in enumerate(self._running):
            if worker.poll() is not None and not self._ending:
                _log.error("a front process ended with status %s; another is started", worker.returncode)
                time.sleep(_PAUSE)
                if not self._ending:
                    self._running[i] = self._start()

    def _wait(self) -> int:
        end = time.monotonic() + self._options.drain_seconds + _PATIENCE
        statuses = []
        for worker in self._running:
            try:
                statuses.append(worker.wait(max(0.0, end - time.monotonic())))
            except subprocess.TimeoutExpired:
                statuses.append(1)
        return int(any(statuses))

    def _start(self) -> subprocess.Popen[bytes]:
        worker = subprocess.Popen(  # noqa: S603 - our own interpreter and code
            command("-c", _START, json.dumps(search_path())),
            stdin=subprocess.PIPE,
            pass_fds=(self._sock.fileno(),),
            start_new_session=True,  # Ctrl-C reaches them through us, once
        )
        assert worker.stdin is not None
        worker.stdin.write(self._line + b"\n")  # not as an argument: others could read the token there
        worker.stdin.flush()
        return worker


def supervise(options: Options, sock: socket.socket) -> int:
    """Serve with `options.workers` processes. Raises SettingsError where the system cannot share a socket."""
    if os.name != "posix":
        raise SettingsError("several workers need a POSIX system; set workers to 1")
    with TemporaryDirectory(prefix="contextprune-") as folder:
        return Supervisor(options, sock, folder).run()
