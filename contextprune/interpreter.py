"""Starts Python processes of our own, which import nothing from the folder that the user stands in.

For `-c` and `-m`, Python looks there first: a `json.py` in a cloned repository would be run in place of the real one.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path


def command(*arguments: str) -> list[str]:
    """The command line of this interpreter with `arguments`, without the working folder among its places of modules."""
    return [sys.executable, "-P", *arguments]


def search_path() -> list[str]:
    """The places of this process's modules, for a child to look in, without the working folder.

    `python -m` has put that there. It stays where this package itself lies in it, since its code is run in any case.
    """
    try:
        folder = os.path.realpath(Path.cwd())
    except FileNotFoundError:  # it has been deleted
        return [place for place in sys.path if place]
    if folder == os.path.realpath(Path(__file__).parents[1]):
        return [place or folder for place in sys.path]
    return [place for place in sys.path if os.path.realpath(place) != folder]


def isolate_children() -> None:
    """Have all Python processes that this one starts from now on do without the working folder, whoever starts them.

    `multiprocessing` and libraries that use it start theirs without `-P`, and offer no other way.
    """
    os.putenv("PYTHONSAFEPATH", "1")


def leave_interrupts_to_parent() -> None:
    """Let Ctrl-C be for the parent of this process alone, which ends it: for the workers of pools.

    A terminal sends it to all of them, and each would print a traceback over the one line that tells what to do.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
