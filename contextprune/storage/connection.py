"""The one connection that a process has to each SQLite store, whatever number of stores and threads uses it.

It notices when another process has put a new file in place of a damaged one, and does so itself where it meets damage.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from weakref import WeakSet, WeakValueDictionary

from contextprune.errors import StoreError
from contextprune.storage.damage import check, is_damage, salvage, secret_in, set_aside
from contextprune.storage.lock_file import locked, refuse_foreign, refuse_foreign_links
from contextprune.storage.schema import LOG_BYTES, DamageError, open_database, secret_of

_LOG = logging.getLogger("contextprune.store")

_ATTEMPTS = 4  # of one use: as it is, on a fresh connection, in a new store, and once more for another's new store
_SALVAGE_SECONDS = 2.0
_WRITE_BACK_SECONDS = 0.1  # a reader that has not ended by then may be one that hangs
_MOST_LOG_BYTES = 256 << 20  # with a reader that hangs the log cannot be written back, and would grow for ever
_DEFAULT_NAME = "originals.sqlite3"  # nobody else's file is called so: stores of earlier versions have no lock file

Identity = tuple[int, int]
"""The device and the number of a file: other ones, once a path leads to another file."""

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Opened:
    """An open store.

    secret     keys and checksums depend on it
    identity   of the file; None where it is gone already
    """

    connection: sqlite3.Connection
    secret: bytes
    identity: Identity | None

    @contextmanager
    def writing(self, busy_seconds: float, pause: float = 0.001) -> Iterator[sqlite3.Connection]:
        """A transaction that writes: committed at the end, rolled back after an exception.

        busy_seconds   that it waits where another process has locked the file
        pause          seconds between two tries

        SQLite's own waits for a lock grow to a tenth of a second, so where several processes write all the time some
        are never served. Short ones give each its turn.
        """
        deadline = time.monotonic() + busy_seconds
        (usual,) = self.connection.execute("PRAGMA busy_timeout").fetchone()
        self.connection.execute("PRAGMA busy_timeout = 0")
        try:
            while True:
                try:
                    self.connection.execute("BEGIN IMMEDIATE")
                    break
                except sqlite3.OperationalError as exc:
                    if exc.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                        raise
                time.sleep(pause)
        finally:
            self.connection.execute(f"PRAGMA busy_timeout = {usual}")

        with self.connection:  # commits or rolls back
            yield self.connection


class Database:
    """A store's file as a process sees it: opened at the first use, opened again after failures, forks and moves.

    Users are the `SQLiteStore`s that share it; it is closed when the last of them closes or is no more.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock = threading.Lock()  # held by whoever uses the connection, and around a fork
        self.secret: bytes | None = None  # of the file opened last
        self._lock_path = path.with_name(path.name + ".lock")
        self._log_path = path.with_name(path.name + "-wal")
        self._opened: Opened | None = None
        self._users: WeakSet[object] = WeakSet()
        self._checked: Identity | None = None
        self._busy_seconds = -1.0
        self._write_back_at = LOG_BYTES

    def __del__(self) -> None:
        """Close the file where nobody did."""
        self.disconnect()

    def use(
        self,
        user: object,
        work: Callable[[Opened], Result],
        busy_seconds: float,
        *,
        writes: bool = False,
        durable: bool = False,
    ) -> Result:
        """What `work` gives for the open store; it may be called again, after the store was opened afresh.

        writes    refuse where the write-ahead log cannot be written back and is too large
        durable   return only once what was written survives a power cut, in the file that lies at the path now

        A store that proves to be damaged is set aside and a new one begun. Raises StoreError.
        """
        with self.lock:
            self._users.add(user)

            try:
                return self._attempt(work, busy_seconds, writes=writes, durable=durable)
            except (sqlite3.Error, OSError, UnicodeDecodeError, DamageError) as exc:
                if not _is_refusal(exc):
                    self.disconnect()
                raise StoreError(
                    f"the store {self.path} cannot be used: {exc}. "
                    "Set CONTEXTPRUNE_STORE=memory or to a writable path, or move a damaged file away."
                ) from exc

    def close(self, user: object) -> None:
        """Close the file unless others use it."""
        with self.lock:
            self._users.discard(user)
            if not self._users:
                self.disconnect()
                self.secret = None

    def disconnect(self) -> None:
        """Close the file; the next use opens it again. For whoever holds `lock`."""
        opened, self._opened = self._opened, None
        if opened is not None:
            with suppress(sqlite3.Error):
                opened.connection.close()

    def _attempt(self, work: Callable[[Opened], Result], busy_seconds: float, *, writes: bool, durable: bool) -> Result:
        condemned, failed = None, False
        for attempt in range(_ATTEMPTS):
            opened = self._open(busy_seconds, condemned)
            try:
                if writes:
                    self._require_room(opened)
                opened.connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
                result = work(opened)
            except (sqlite3.Error, UnicodeDecodeError) as exc:
                # A fresh connection gets over the faults of the old one. What it meets again is in the file.
                if attempt == _ATTEMPTS - 1 or not (is_damage(exc) or (_is_broken(exc) and not failed)):
                    raise
                condemned = opened.identity if failed and is_damage(exc) else None
                failed, self._checked = True, None
                self.disconnect()
                continue

            if not durable or opened.identity == identity_of(self.path):
                self._write_back(opened)
                return result
        raise OSError("it is replaced again and again")

    def _open(self, busy_seconds: float, condemned: Identity | None) -> Opened:
        """The store that lies at the path now, opened where need be; one that is condemned is set aside before."""
        if self._opened is not None and self._opened.identity != identity_of(self.path):
            self.disconnect()  # another process has set it aside, or somebody has moved it away
        if self._opened is None:
            self._connect(busy_seconds, condemned)
            try:
                self._check()
            except (sqlite3.Error, UnicodeDecodeError, DamageError) as exc:
                identity = self._opened.identity if self._opened else None
                self.disconnect()
                if not is_damage(exc):
                    raise
                self._connect(busy_seconds, identity, str(exc))
        opened = self._opened
        assert opened is not None
        self._wait_at_most(opened, busy_seconds)
        return opened

    def _check(self) -> None:
        """Look once for damage in each file that is opened, while others may open it, too."""
        if self._opened is not None and self._checked != self._opened.identity:
            check(self._opened.connection)
            self._checked = self._opened.identity

    def _connect(self, busy_seconds: float, condemned: Identity | None, reason: str = "reading it fails") -> None:
        """Open the file, which lies there already or is created; one that is condemned is set aside before."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with locked(self._lock_path, busy_seconds) as descriptor:
            for suffix in ("", "-wal", "-shm"):
                refuse_foreign(self.path.with_name(self.path.name + suffix))
            if condemned is not None and condemned == identity_of(self.path):  # no other process was quicker
                opened = self._begin_anew(reason, busy_seconds)
            else:
                opened = self._connect_or_begin_anew(descriptor, busy_seconds)
            if not os.fstat(descriptor).st_size:
                os.write(descriptor, b"contextprune\n")
        self._opened, self.secret = opened, opened.secret
        self._busy_seconds, self._write_back_at = busy_seconds, LOG_BYTES

    def _connect_or_begin_anew(self, descriptor: int, busy_seconds: float) -> Opened:
        connection = None
        try:
            connection = open_database(self.path, self._lock_path, busy_seconds)
            return Opened(connection, secret_of(connection), identity_of(self.path))
        except BaseException as exc:
            if connection is not None:
                connection.close()
            ours = os.fstat(descriptor).st_size > 0 or self.path.name == _DEFAULT_NAME
            code = getattr(exc, "sqlite_errorcode", 0)
            if not is_damage(exc) or (code == sqlite3.SQLITE_NOTADB and not ours):
                raise
            return self._begin_anew(str(exc), busy_seconds)

    def _begin_anew(self, reason: str, busy_seconds: float) -> Opened:
        """Set the damaged file aside and begin a new one, with its secret and its originals as far as they are read.

        With the same secret the same texts get the same keys, so markers of running sessions stay what they are.
        """
        aside = set_aside(self.path)
        secret = secret_in(aside)
        connection = open_database(self.path, self._lock_path, busy_seconds, secret)
        try:
            count = salvage(aside, connection, _SALVAGE_SECONDS)
            opened = Opened(connection, secret_of(connection), identity_of(self.path))
        except BaseException:
            connection.close()
            raise

        _LOG.warning(
            "the store %s was damaged (%s): it lies aside as %s, and a new one was begun with %d of its originals; "
            "`contextprune doctor` says what is left of it",
            self.path,
            reason,
            aside.name,
            count,
        )
        self._checked = opened.identity
        return opened

    def _wait_at_most(self, opened: Opened, seconds: float) -> None:
        if seconds != self._busy_seconds:
            opened.connection.execute(f"PRAGMA busy_timeout = {round(1000 * seconds)}")
            self._busy_seconds = seconds

    def _require_room(self, opened: Opened) -> None:
        """Raise StoreError where the write-ahead log is larger than it may be and cannot be written back."""
        if _size(self._log_path) > _MOST_LOG_BYTES:
            self._write_back_at = _MOST_LOG_BYTES
            self._write_back(opened)
            if _size(self._log_path) > _MOST_LOG_BYTES:
                raise StoreError(
                    f"the store {self.path} takes nothing more: another process has been reading it for long, "
                    "so its write-ahead log cannot be written back; end that process"
                )

    def _write_back(self, opened: Opened) -> None:
        """Write a log that has grown large back into the file. What was written is durable whether or not it works.

        TRUNCATE holds the lock for writing all along, unlike SQLite's own write-back: before 3.51.3 that could take
        a log that another process began anew in the middle of it for one already written back.
        """
        size = _size(self._log_path)
        if size < self._write_back_at:
            return
        busy, usual = True, self._busy_seconds
        with suppress(sqlite3.Error):
            self._wait_at_most(opened, min(usual, _WRITE_BACK_SECONDS))
            busy = bool(opened.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0])
            self._wait_at_most(opened, usual)
        self._write_back_at = 2 * size if busy else LOG_BYTES  # with a reader that hangs, not after each write


# State of the module, against the rule of the house, because it is state of the process: a connection carried through
# a fork breaks SQLite's locks for both sides, and two connections wait for each other where one need not.
_DATABASES: WeakValueDictionary[Path, Database] = WeakValueDictionary()
_REGISTRY_LOCK = threading.Lock()
_HELD: list[Database] = []  # around a fork


def shared_database(path: Path) -> Database:
    """The database at `path`, one for each file in this process: links are followed.

    Raises StoreError for links of other users.
    """
    try:
        refuse_foreign_links(path)
    except OSError as exc:
        raise StoreError(f"the store {path} cannot be used: {exc}. Set CONTEXTPRUNE_STORE to another path.") from exc
    path = Path(os.path.realpath(path))
    with _REGISTRY_LOCK:
        database = _DATABASES.get(path)
        if database is None:
            database = _DATABASES[path] = Database(path)
        return database


def identity_of(path: Path) -> Identity | None:
    """Which file a path leads to; None where there is none. Opens no descriptor."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


def _before_fork() -> None:
    _REGISTRY_LOCK.acquire()
    _HELD.extend(_DATABASES.values())
    for database in _HELD:
        database.lock.acquire()
        database.disconnect()


def _after_fork() -> None:
    for database in _HELD:
        database.lock.release()
    _HELD.clear()
    _REGISTRY_LOCK.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork)


_REFUSALS = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR_WRITE,
    sqlite3.SQLITE_IOERR_FSYNC,
    sqlite3.SQLITE_IOERR_TRUNCATE,
}


def _is_refusal(error: BaseException) -> bool:
    """Whether a write was refused, and the connection is as good as before: a full disk can still be read from."""
    code = getattr(error, "sqlite_errorcode", 0)
    return code in _REFUSALS or code & 0xFF in _REFUSALS


def _is_broken(error: BaseException) -> bool:
    """Whether a fresh connection may do better, such as one that maps the side files anew."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_IOERR and not _is_refusal(error)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
