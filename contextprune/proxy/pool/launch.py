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
    "import json, sys; told = json.loads(sys.argv[1]); sys.path[:] = told.pop('path');"
    "from contextprune.proxy.worker.main import main; main(**told)"
)


class Begun:
    """A process that runs, and its pipe, to which no loop listens yet. Raises OSError where it cannot be started.

    told   the arguments of `worker.main`
    """

    def __init__(self, told: Mapping[str, Any]) -> None:
        self.taken = False
        self.pipe, theirs = socket.socketpair()
        with theirs:
            try:
                self.process = _popen(theirs, told)
            except BaseException:
                self.pipe.close()
                raise

    def take(self) -> tuple[subprocess.Popen[bytes], socket.socket]:
        """The process and its pipe, which are the caller's from now on."""
        self.taken = True
        return self.process, self.pipe

    def end(self) -> None:
        """End it, unless somebody has taken it."""
        if not self.taken:
            self.pipe.close()
            self.process.kill()
            self.process.wait()


def early(options: Options) -> Begun | None:
    """The first process, for `Scorers` to take once there is a server.

    None where several fronts have their own, and where it cannot be started: then `Scorers` will say why.
    """
    if options.workers == 1:
        with suppress(OSError):
            return Begun(arguments(options))
    return None


def processes(options: Options) -> int:
    """How many scorer processes there are to be."""
    return max(1, min(options.scorers, cpu_count() or 1))


def arguments(options: Options) -> dict[str, Any]:
    """The arguments of `worker.main`."""
    return {"config": options.config, "threads": max(1, (cpu_count() or 1) // processes(options))}


def _popen(stdin: socket.socket, told: Mapping[str, Any]) -> subprocess.Popen[bytes]:
    """The process, in a group of its own: Ctrl-C in a terminal is for the front alone."""
    text = json.dumps({**told, "path": search_path()})
    return subprocess.Popen(  # noqa: S603 - our own interpreter and code
        command("-c", _START, text),
        stdin=stdin.fileno(),
        stdout=subprocess.DEVNULL,
        process_group=None if sys.platform == "win32" else 0,
    )
