"""The lock file beside a store, held while the store is created, opened or set aside; and who must own the store.

It also says, by not being empty, that the file beside it was a store of ours, and its permissions are those of the
store. It is another file than the store, so a descriptor of it does no harm to SQLite's locks.
"""

from __future__ import annotations

import os
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

if sys.platform != "win32":
    import fcntl


@contextmanager
def locked(path: Path, seconds: float) -> Iterator[int]:
    """The descriptor of a lock file, made readable by its owner alone, once nobody else holds it. Raises OSError.

    On Windows nothing is locked: an open file cannot be renamed there, so no store that is in use is set aside.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
    try:
        if sys.platform != "win32":
            if os.geteuid() not in (0, os.fstat(descriptor).st_uid):
                raise OSError(f"{path.name} belongs to another user")
            os.fchmod(descriptor, 0o600)  # the store gets the same
            _lock(descriptor, seconds)
        yield descriptor
    finally:
        os.close(descriptor)


def _lock(descriptor: int, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while sys.platform != "win32":
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise OSError("it is locked by another process that opens it") from None
            time.sleep(0.01)
        else:
            return


def refuse_foreign_links(path: Path) -> None:
    """Raise OSError where another user's symbolic link leads to `path`: it may lead elsewhere tomorrow."""
    if sys.platform == "win32":
        return
    for step in (path, *path.parents):
        try:
            status = step.lstat()
        except OSError:
            continue  # nothing is there yet
        if stat.S_ISLNK(status.st_mode) and status.st_uid not in (0, os.geteuid()):
            raise OSError(f"{step} is a symbolic link of another user")


def refuse_foreign(path: Path) -> None:
    """Raise OSError where something else than a file of ours lies at `path`. Opens no descriptor."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return
    if not stat.S_ISREG(status.st_mode):
        raise OSError(f"{path.name} is not a regular file")
    if sys.platform != "win32":
        # Root may keep a store in the folder of another user, such as one mounted into a container.
        owners = {os.geteuid()} | ({path.parent.stat().st_uid} if os.geteuid() == 0 else set())
        if status.st_uid not in owners:
            raise OSError(f"{path.name} belongs to another user")
        if status.st_mode & 0o022:
            raise OSError(f"other users may write to {path.name} (chmod 600 it, if you trust what is in it)")
