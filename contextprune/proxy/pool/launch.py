"""Starts scorer processes; the first one before all else, since its start is what a proxy waits for.

It imports next to nothing: the process is to be on its way while the server is still imported.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from os import cpu_count
from typing import Any

from contextprune.interpreter import command, search_path
from contextprune.proxy.options import Options

_START = (
    "import json, sys; arguments = json.loads(sys.argv[1]); sys.path[:] = arguments.pop('path');"
    "from contextprune.proxy.worker.main import main; main(**arguments)"
)


class Launched:
    """A process that runs, and its pipe, to which no loop listens yet. Raises OSError where it cannot be started.

    arguments   of `worker.main`
    """

    def __init__(self, arguments: Mapping[str, Any]) -> None:
        self.claimed = False
        self.pipe, far_end = socket.socketpair()
        with far_end:
            try:
                self.process = _popen(far_end, arguments)
            except BaseException:
                self.pipe.close()
                raise

    def claim(self) -> tuple[subprocess.Popen[bytes], socket.socket]:
        """Hand over the process and its pipe, which are the caller's from now on."""
        self.claimed = True
        return self.process, self.pipe

    def end(self) -> None:
        """End it, unless it was claimed."""
        if not self.claimed:
            self.pipe.close()
            self.process.kill()
            self.process.wait()


def launch_first(options: Options) -> Launched | None:
    """Start the first process, for `ScorerPool` to claim once there is a server.

    None where several fronts have processes of their own, and where it cannot be started: then the pool says why.
    """
    if options.workers == 1:
        with suppress(OSError):
            return Launched(worker_arguments(options))
    return None


def process_count(options: Options) -> int:
    """Number of scorer processes: as many as asked for, at most one a core, at least 1."""
    return max(1, min(options.scorers, cpu_count() or 1))


def worker_arguments(options: Options) -> dict[str, Any]:
    """Arguments of `worker.main`: the configuration file, and the threads of a model on a CPU."""
    return {"config": options.config, "threads": max(1, (cpu_count() or 1) // process_count(options))}


def _popen(stdin: socket.socket, arguments: Mapping[str, Any]) -> subprocess.Popen[bytes]:
    """Start the process, in a group of its own: Ctrl-C in a terminal is for the front alone."""
    text = json.dumps({**arguments, "path": search_path()})
    return subprocess.Popen(  # noqa: S603 - our own interpreter and code
        command("-c", _START, text),
        stdin=stdin.fileno(),
        stdout=subprocess.DEVNULL,
        process_group=None if sys.platform == "win32" else 0,
    )
