"""Damaged stores: how damage is recognised, how the file is set aside, and what can still be read of it.

A file that is set aside keeps its bytes under another name, `NAME.damaged-YYYYMMDD-HHMMSS`, with its side files.
"""

from __future__ import annotations

import re
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from contextprune.errors import StoreError
from contextprune.storage.codec import checksum, unpacked
from contextprune.storage.schema import DamageError, secret_of

CHECK_SECONDS = 0.1
"""The longest check of a file that is opened: enough for all of some 100 MB, and for the beginning of a larger one."""

_NAME = re.compile(r"\.damaged-\d{8}-\d{6}(-\d)?")
_MOST_ASIDE = 5
_ERRORS = (sqlite3.Error, UnicodeDecodeError)  # the latter: messages that quote damaged bytes

Row = tuple[str, bytes, int, float, bytes]
"""A row of the table of originals: key, digest, size, time of the last use, body."""


@dataclass(frozen=True, slots=True)
class SetAside:
    """A damaged store that lies beside the one in use.

    path       where it lies
    size       bytes of the file and of its side files
    readable   originals whose bytes are still whole; at least so many, where counting took too long
    total      originals that were in it; None where that cannot be read
    """

    path: Path
    size: int
    readable: int
    total: int | None


def is_damage(error: BaseException) -> bool:
    """Whether an error says that the file's content is broken: not that it is locked, full, missing or forbidden."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the rest of an extended code says where it was noticed
    return isinstance(error, DamageError | UnicodeDecodeError) or code in (
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
    )


def check(connection: sqlite3.Connection, seconds: float = CHECK_SECONDS) -> None:
    """Look for damage for at most so long. Raises DamageError or sqlite3.Error where there is some."""
    # SQLite calls no progress handler within a check, so a thread interrupts it.
    alarm = threading.Timer(seconds, connection.interrupt)
    alarm.daemon = True
    try:
        alarm.start()
    except RuntimeError:  # while the interpreter ends no thread can be started
        return
    try:
        (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.OperationalError as exc:
        if exc.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
            raise
        return
    finally:
        alarm.cancel()
        alarm.join()
    if verdict != "ok":
        raise DamageError(" ".join(str(verdict).replace("*** in database main ***", "").split()))


def set_aside(path: Path) -> Path:
    """Rename the store at `path`; its new path. Raises StoreError where several lie there already, or OSError.

    Only for whoever holds the store's lock file and has no connection to the store.
    """
    if len(_paths_aside(path)) >= _MOST_ASIDE:
        raise StoreError(
            f"the store {path} is damaged, and {_MOST_ASIDE} damaged ones lie beside it already: "
            "see to the disk, and delete them, or set CONTEXTPRUNE_STORE to another path"
        )
    aside = path.with_name(path.name + time.strftime(".damaged-%Y%m%d-%H%M%S"))
    stem, number = aside.name, 1
    while aside.exists():
        number += 1
        aside = aside.with_name(f"{stem}-{number}")
    # The log goes first: a new file at `path` must never meet the log of the old one.
    for suffix in ("-wal", "-shm", ""):
        with suppress(FileNotFoundError):
            path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
    return aside


def secret_in(aside: Path) -> bytes | None:
    """The secret of a damaged store; None where it cannot be read."""
    with suppress(*_ERRORS, DamageError), closing(_read_only(aside)) as connection:
        return secret_of(connection)
    return None


def salvage(aside: Path, connection: sqlite3.Connection, seconds: float) -> int:
    """Copy originals that are whole into the store of `connection`, which has the same secret; how many they were.

    Those used last come first, and after so many seconds no more: others wait meanwhile.
    """
    count = 0
    try:
        connection.execute("PRAGMA synchronous = FULL")
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            for row in _whole_rows(aside, seconds):
                count += connection.execute("INSERT OR IGNORE INTO originals VALUES (?, ?, ?, ?, ?)", row).rowcount
    except sqlite3.OperationalError:  # no room for them: the new store is as good without
        return 0
    return count


def find_set_aside(path: Path, seconds: float = 5.0) -> list[SetAside]:
    """The damaged stores that lie beside the one at `path`, the oldest first; each is read for so many seconds."""
    return [
        SetAside(aside, _size(aside), sum(1 for _ in _whole_rows(aside, seconds)), _total(aside))
        for aside in _paths_aside(path)
    ]


def _paths_aside(path: Path) -> list[Path]:
    with suppress(OSError):
        siblings = sorted(path.parent.iterdir())
        return [
            other
            for other in siblings
            if other.name.startswith(path.name) and _NAME.fullmatch(other.name, len(path.name))
        ]
    return []


def _size(aside: Path) -> int:
    size = 0
    for suffix in ("", "-wal", "-shm"):
        with suppress(OSError):
            size += aside.with_name(aside.name + suffix).stat().st_size
    return size


def _total(aside: Path) -> int | None:
    with suppress(*_ERRORS), closing(_read_only(aside)) as connection:
        (count,) = connection.execute("SELECT count(*) FROM originals").fetchone()
        return int(count)
    return None


def _read_only(aside: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(f"{aside.as_uri()}?mode=ro", uri=True, timeout=0.1, isolation_level=None)
    connection.execute("PRAGMA writable_schema = ON")  # else SQLite reads nothing of a file that is cut off
    return connection


def _whole_rows(aside: Path, seconds: float) -> Iterator[Row]:
    """The rows that can be read and that hold their checksum, for at most so long."""
    secret, deadline = secret_in(aside), time.monotonic() + seconds
    if secret is None:
        return
    with suppress(*_ERRORS), closing(_read_only(aside)) as connection:
        for rowid in _rowids(connection):
            if time.monotonic() > deadline:
                return
            row = None
            with suppress(*_ERRORS):  # this row is on a broken page; others may not be
                row = connection.execute("SELECT * FROM originals WHERE rowid = ?", (rowid,)).fetchone()
            if row is not None and _is_whole(row, secret):
                yield row


def _rowids(connection: sqlite3.Connection) -> Iterator[int]:
    """The numbers of all rows, those used last first; where the index is broken, all numbers that there may be."""
    try:
        rowids = [rowid for (rowid,) in connection.execute("SELECT rowid FROM originals ORDER BY used DESC")]
    except _ERRORS:
        (last,) = connection.execute("SELECT max(rowid) FROM originals").fetchone()
        yield from range(last or 0, 0, -1)
    else:
        yield from rowids


def _is_whole(row: Row, secret: bytes) -> bool:
    key, digest, _, _, body = row
    data = unpacked(body)
    return data is not None and isinstance(key, str) and checksum(secret, key, data) == digest
