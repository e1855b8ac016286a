"""The file of the totals: sums by day and by session, which any number of processes add to and read.

Every addition is one transaction, so a process that dies takes nothing with it but what it had not written yet. It
holds numbers, days, hashes of sessions, and names of clients and models; the oldest go, so that it stays small.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from contextprune.errors import StoreError
from contextprune.proxy.telemetry.series import BOUNDS, Sums

NAME = "totals.sqlite3"
DAYS, SESSIONS = 800, 5000  # days that are kept, and sessions, each day of one for itself
_MARK = 0x43505431  # "CPT1": marks the file as ours, and the version of its tables
_BUSY_SECONDS = 2.0
_SCHEMA = f"""
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS sums (
  day TEXT NOT NULL, key TEXT NOT NULL, value REAL NOT NULL, PRIMARY KEY (day, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sessions (
  session TEXT NOT NULL, day TEXT NOT NULL, client TEXT NOT NULL, model TEXT NOT NULL, first REAL NOT NULL,
  last REAL NOT NULL, PRIMARY KEY (session, day)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_last ON sessions (last);
CREATE TABLE IF NOT EXISTS session_sums (
  session TEXT NOT NULL, day TEXT NOT NULL, key TEXT NOT NULL, value REAL NOT NULL,
  PRIMARY KEY (session, day, key)) WITHOUT ROWID;
PRAGMA application_id = {_MARK};
COMMIT;
"""
_ADD = "INSERT INTO sums VALUES (?, ?, ?) ON CONFLICT (day, key) DO UPDATE SET value = value + excluded.value"
_ADD_TO_SESSION = (
    "INSERT INTO session_sums VALUES (?, ?, ?, ?)"
    " ON CONFLICT (session, day, key) DO UPDATE SET value = value + excluded.value"
)
_MEET = "INSERT OR IGNORE INTO sessions VALUES (?, ?, '', '', ?, ?)"
_SEE = (
    "UPDATE sessions SET client = coalesce(nullif(?, ''), client), model = coalesce(nullif(?, ''), model),"
    " first = min(first, ?), last = max(last, ?) WHERE session = ? AND day = ?"
)
_TOO_MANY = "SELECT session, day FROM sessions ORDER BY last DESC LIMIT -1 OFFSET ?"
_WHOSE = (  # in one statement, so that what another process creates is seen wholly or not at all
    "SELECT application_id, (SELECT count(*) FROM sqlite_master) FROM pragma_application_id"
)
_SUM, _BEYOND = "sum", "inf"  # of a time: all seconds, and the class of those beyond BOUNDS
_CLASSES = {**{repr(bound): i for i, bound in enumerate(BOUNDS)}, _BEYOND: len(BOUNDS), _SUM: len(BOUNDS) + 1}
_TIME = "time"


class Facts(NamedTuple):
    """A session: the client and the model of its last request, "" where unknown, first and last time since 1970."""

    client: str
    model: str
    first: float
    last: float

    def then(self, later: Facts) -> Facts:
        """The same, and what is known later."""
        first, last = min(self.first, later.first), max(self.last, later.last)
        return Facts(later.client or self.client, later.model or self.model, first, last)


class SessionTotal(NamedTuple):
    """A session with the sums of its requests."""

    session: str
    facts: Facts
    sums: Sums


class Addition(NamedTuple):
    """Sums to add: of each day, and of each session on each day (session, day)."""

    days: Mapping[str, Sums]
    sessions: Mapping[tuple[str, str], tuple[Facts, Sums]]


class TotalsFile:
    """The totals at `path`; None keeps them in memory. Days are written 2026-11-30, in the machine's own time zone.

    Everything raises StoreError where the file cannot be used. Thread-safe; it blocks, so an event loop uses a thread.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._memory = None if path is not None else _prepared(_connected(":memory:"))

    def add(self, addition: Addition) -> None:
        """Add sums, all or none. Raises StoreError."""
        with self._opened(create=True) as connection:
            connection.execute("BEGIN IMMEDIATE")
            with connection:
                connection.executemany(_ADD, _rows(addition.days))
                is_new = [_note(connection, *key, facts) for key, (facts, _) in addition.sessions.items()]
                for (_, day), new in zip(addition.sessions, is_new, strict=True):
                    if new:
                        connection.execute(_ADD, (day, "sessions", 1))

                sessions = {key: sums for key, (_, sums) in addition.sessions.items()}
                rows = ((*key, name, value) for key, sums in sessions.items() for name, value in _fields(sums))
                connection.executemany(_ADD_TO_SESSION, rows)
                if any(is_new):
                    _forget(connection)

    def days(self, first: str = "", last: str = "9999") -> dict[str, Sums]:
        """The sums of each day from `first` to `last`, both included; days without requests are left out."""
        days: dict[str, Sums] = {}
        with self._opened() as connection:
            query = "SELECT day, key, value FROM sums WHERE day BETWEEN ? AND ? ORDER BY day"
            for day, key, value in connection.execute(query, (first, last)):
                _put(days.setdefault(day, Sums()), key, value)
        return days

    def sessions(self, limit: int) -> list[SessionTotal]:
        """The sessions seen last, the newest first, each with the sums of all its days that are kept."""
        with self._opened() as connection:
            sessions: dict[str, Facts] = {}
            query = "SELECT session, client, model, first, last FROM sessions ORDER BY last"
            for session, *facts in connection.execute(query):
                later = Facts(*facts)
                sessions[session] = sessions.pop(session, later).then(later)
            newest = list(sessions.items())[: -limit - 1 : -1]
            return [SessionTotal(session, facts, _sums_of(connection, session)) for session, facts in newest]

    @contextmanager
    def _opened(self, *, create: bool = False) -> Iterator[sqlite3.Connection]:
        """A connection, for one thread at a time. Without `create` a file that is absent is empty, and stays absent."""
        with self._lock:
            try:
                if self._memory is not None or self.path is None:
                    assert self._memory is not None
                    yield self._memory
                elif not create and not self.path.exists():
                    with closing(_prepared(_connected(":memory:"))) as connection:
                        yield connection
                else:
                    with closing(_open(self.path)) as connection:
                        yield connection
            except (sqlite3.Error, OSError) as exc:
                raise StoreError(f"the totals {self.path} cannot be used: {exc}") from exc


def _open(path: Path) -> sqlite3.Connection:
    """A connection to the file, which is created where it is absent; a damaged one is set aside before."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    connection = _connected(path.as_posix())
    try:
        return _prepared(connection)
    except sqlite3.DatabaseError as exc:
        connection.close()
        if exc.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            raise
        path.replace(path.with_name(f"{path.name}.damaged"))
        return _prepared(_connected(path.as_posix()))
    except BaseException:
        connection.close()
        raise


def _connected(address: str) -> sqlite3.Connection:
    return sqlite3.connect(address, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)


def _prepared(connection: sqlite3.Connection) -> sqlite3.Connection:
    """The connection, with its tables. Raises StoreError for the database of another program or version."""
    mark, tables = connection.execute(_WHOSE).fetchone()
    if mark != _MARK:
        if mark or tables:
            raise StoreError("the file of the totals belongs to another program or version; move it away")
        connection.executescript(_SCHEMA)

    with suppress(sqlite3.OperationalError):  # another process is at it: the next one to open the file tries again
        connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")  # a power cut may cost the last seconds, never the file
    return connection


def _note(connection: sqlite3.Connection, session: str, day: str, facts: Facts) -> bool:
    """Note a session; True where it is new on this day."""
    is_new = connection.execute(_MEET, (session, day, facts.first, facts.last)).rowcount > 0
    connection.execute(_SEE, (*facts, session, day))
    return is_new


def _forget(connection: sqlite3.Connection) -> None:
    """Delete what is beyond DAYS and SESSIONS."""
    surplus = connection.execute(_TOO_MANY, (SESSIONS,)).fetchall()
    for table in ("sessions", "session_sums"):
        connection.executemany(f"DELETE FROM {table} WHERE session = ? AND day = ?", surplus)  # noqa: S608 - ours
    beyond = "SELECT day FROM (SELECT DISTINCT day FROM sums ORDER BY day DESC LIMIT -1 OFFSET ?)"
    connection.execute(f"DELETE FROM sums WHERE day IN ({beyond})", (DAYS,))  # noqa: S608 - ours


def _sums_of(connection: sqlite3.Connection, session: str) -> Sums:
    sums = Sums()
    query = "SELECT key, sum(value) FROM session_sums WHERE session = ? GROUP BY key"
    for key, value in connection.execute(query, (session,)):
        _put(sums, key, value)
    return sums


def _rows(days: Mapping[str, Sums]) -> Iterator[tuple[str, str, float]]:
    return ((day, key, value) for day, sums in days.items() for key, value in _fields(sums))


def _fields(sums: Sums) -> Iterator[tuple[str, float]]:
    """The sums as (key, value): labels are from closed sets, and none has a bar; a time has a key for each class."""
    for key, value in sums.numbers.items():
        yield "|".join(key), value
    for key, classes in sums.times.items():
        for label, count in zip(_CLASSES, classes, strict=True):
            if count:
                yield "|".join((_TIME, label, *key)), count


def _put(sums: Sums, key: str, value: float) -> None:
    """Put a field into sums; what another version counted in other classes is left out."""
    name, *labels = key.split("|")
    if name != _TIME:
        sums.numbers[name, *labels] = value
    elif labels and labels[0] in _CLASSES:
        sums.times.setdefault(tuple(labels[1:]), [0.0] * len(_CLASSES))[_CLASSES[labels[0]]] = value
