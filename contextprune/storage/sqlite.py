"""Originals and notes in one SQLite file, which the processes of a machine share."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contextprune.errors import StoreError
from contextprune.storage.codec import as_bytes, checksum, key_of, opened, packed, tenant_id, unpacked
from contextprune.storage.connection import Opened, Result, shared_database
from contextprune.storage.note_shares import forget, own_notes
from contextprune.storage.schema import BUSY_SECONDS
from contextprune.storage.shares import evict, own

_REFRESH_SECONDS = 60.0  # a read counts as a use, but not every read is worth a write
_AT_ONCE = 500  # keys in one statement: SQLite allows 999 variables at the least
_NEW_NOTE = "INSERT INTO notes VALUES (?, ?, ?, ?) ON CONFLICT (key) DO "
_NOTE = f"{_NEW_NOTE} UPDATE SET size = excluded.size, used = excluded.used, body = excluded.body"
_FIRST_NOTE = f"{_NEW_NOTE} NOTHING"


@dataclass(frozen=True, slots=True)
class Patience:
    """How a use waits for a file that another process has locked.

    seconds   at most
    again     at most after one that waited in vain, until a write succeeds; None: as before
    pause     seconds between two tries to write: of two processes that wait, the one with the longer pause is second
    """

    seconds: float = BUSY_SECONDS
    again: float | None = None
    pause: float = 0.001


USUAL = Patience()


class SQLiteStore:
    """Originals in one file that processes share: what `put` acknowledged survives a killed process and a power cut.

    Bodies are compressed; `max_bytes` bounds them, and whoever holds the most gives way first; `max_age_seconds` counts
    from the last use. The file is opened at
    the first use, closed around a fork, and usable from any thread; all stores of a process at one path share one
    connection. A damaged file is set aside under another name, and a new one begun.
    It keeps notes, too (`Notes`): at most `max_notes`, and `max_note_bytes` of them, room that tenants share in the
    same way. A power cut may take the last of them: losing them costs time.
    """

    def __init__(
        self,
        path: Path | str,
        max_bytes: int = 1 << 30,
        max_age_seconds: float = 30 * 86_400.0,
        max_notes: int = 500_000,
        max_note_bytes: int = 256 << 20,
        patience: Patience = USUAL,
    ) -> None:
        self.path = Path(path).expanduser().absolute()
        self.location = str(self.path)
        self._max_bytes = max_bytes
        self._max_age = max_age_seconds
        self._max_notes, self._max_note_bytes = max_notes, max_note_bytes
        self._patience, self._in_vain = patience, False
        self._database = shared_database(self.path)
        self._key_secret: bytes | None = None  # of the keys given out last

    def __reduce__(self) -> tuple[Any, ...]:
        """By the path and the bounds: the file is there for every process."""
        bounds = self._max_bytes, self._max_age, self._max_notes, self._max_note_bytes, self._patience
        return SQLiteStore, (self.path, *bounds)

    def key(self, text: str) -> str:
        """See `Store`. The first call opens the file, for its secret. Raises StoreError."""
        secret = self._database.secret
        if secret is None:
            secret = self._use(lambda opened: opened.secret)
        self._key_secret = secret
        return key_of(secret, text)

    def put(self, texts: Mapping[str, str]) -> None:
        """See `Store`. A text that is already there only counts as used again. The texts are nobody's: see `put_for`.

        Raises StoreError, too, where keys were given out that a new store in place of a damaged one does not know.
        """
        self.put_for("", texts)

    def put_for(self, tenant: str, texts: Mapping[str, str]) -> None:
        """See `Shared`."""
        if not texts:
            return
        now = time.time()
        rows = [(key, data := as_bytes(text), packed(data)) for key, text in texts.items()]

        def write(opened: Opened) -> None:
            self._require_same_secret(opened)
            sealed = [(key, checksum(opened.secret, key, data), body) for key, data, body in rows]
            with self._writing(opened) as connection:
                _expire(connection, "originals", self._max_age, now)
                for key, digest, body in sealed:
                    _insert(connection, key, digest, body, now)
                if tenant:
                    own(connection, texts, tenant_id(opened.secret, tenant), now)
                evict(connection, self._max_bytes, spared=texts.keys())

        self._use(write, writes=True, durable=True)

    def get(self, key: str) -> str | None:
        """See `Store`; StoreError where the stored bytes are damaged."""
        if not key.isascii():  # keys come from models, and SQLite takes no lone surrogates
            return None
        now = time.time()

        def read(opened: Opened) -> tuple[bytes, bytes, bytes] | None:
            asked = "SELECT digest, used, body FROM originals WHERE key = ?"
            row = opened.connection.execute(asked, (key,)).fetchone()
            if row is None or row[1] < now - self._max_age:
                return None
            if now - row[1] > _REFRESH_SECONDS:
                with suppress(sqlite3.OperationalError):  # full or busy: the text is here all the same
                    opened.connection.execute("UPDATE originals SET used = ? WHERE key = ?", (now, key))
            return opened.secret, row[0], row[2]

        row = self._use(read)
        if row is None:
            return None
        secret, digest, body = row
        data = unpacked(body)
        if data is None or checksum(secret, key, data) != digest:
            raise StoreError(f"the original under {key!r} in {self.path} is damaged; it cannot be given back")
        return data.decode("utf-8", "surrogatepass")

    def stored(self, keys: Sequence[str]) -> Collection[str]:
        """See `Knowing`."""
        asked = [key for key in keys if key.isascii()]

        def read(opened: Opened) -> list[str]:
            rows: list[tuple[str]] = []
            for start in range(0, len(asked), _AT_ONCE):
                some = asked[start : start + _AT_ONCE]
                query = f"SELECT key FROM originals WHERE key IN ({', '.join('?' * len(some))})"  # noqa: S608
                rows += opened.connection.execute(query, some)
            return [key for (key,) in rows]

        return self._use(read)

    def count(self) -> int:
        """How many originals the file holds. Raises StoreError."""

        def read(opened: Opened) -> int:
            return int(opened.connection.execute("SELECT count(*) FROM originals").fetchone()[0])

        return self._use(read)

    def note(self, notes: Mapping[bytes, bytes]) -> None:
        """Keep each value under its key, for nobody; see `SharedNotes`. Raises StoreError."""
        self.note_for("", notes)

    def note_first(self, notes: Mapping[bytes, bytes]) -> bool:
        """See `FirstNotes`."""
        return self.note_first_for("", notes)

    def note_for(self, tenant: str, notes: Mapping[bytes, bytes]) -> None:
        """See `SharedNotes`; of whoever holds the most, the values used least recently give way."""
        self._note(_NOTE, tenant, notes)

    def note_first_for(self, tenant: str, notes: Mapping[bytes, bytes]) -> bool:
        """See `SharedNotes`."""
        return self._note(_FIRST_NOTE, tenant, notes) == len(notes)

    def _note(self, statement: str, tenant: str, notes: Mapping[bytes, bytes]) -> int:
        """Keep notes by `statement`; how many rows it wrote."""
        if not notes:
            return 0
        now = time.time()

        def write(opened: Opened) -> int:
            bodies = ((key, checksum(opened.secret, key.hex(), data) + packed(data)) for key, data in notes.items())
            rows = [(key, len(body), now, body) for key, body in bodies]
            with self._writing(opened) as connection:
                _expire(connection, "notes", self._max_age, now)
                written = connection.executemany(statement, rows).rowcount
                if tenant:
                    own_notes(connection, notes, tenant_id(opened.secret, tenant))
                forget(connection, self._max_notes, self._max_note_bytes)
            return written

        return self._use(write, writes=True)

    def noted(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        """The values that are known; a damaged one is not. Raises StoreError."""
        if not keys:
            return {}
        now = time.time()

        def read(opened: Opened) -> tuple[bytes, list[tuple[bytes, float, bytes]]]:
            rows: list[tuple[bytes, float, bytes]] = []
            for start in range(0, len(keys), _AT_ONCE):
                some = keys[start : start + _AT_ONCE]
                asked = f"SELECT key, used, body FROM notes WHERE key IN ({', '.join('?' * len(some))})"  # noqa: S608
                rows += opened.connection.execute(asked, some)
            rows = [row for row in rows if row[1] >= now - self._max_age]
            old = [(now, key) for key, used, _ in rows if now - used > _REFRESH_SECONDS]
            if old:
                # full or busy: the values are here all the same, and no read waits for another process
                with suppress(sqlite3.OperationalError), opened.writing(0.0) as connection:
                    connection.executemany("UPDATE notes SET used = ? WHERE key = ?", old)
            return opened.secret, rows

        secret, rows = self._use(read)
        values = ((key, opened(secret, key, body)) for key, _, body in rows)
        return {key: value for key, value in values if value is not None}

    def close(self) -> None:
        """Close the file, unless another store of this process uses it; the next use opens it again."""
        self._database.close(self)

    def _use(self, work: Callable[[Opened], Result], *, writes: bool = False, durable: bool = False) -> Result:
        return self._database.use(self, work, self._seconds, writes=writes, durable=durable)

    @property
    def _seconds(self) -> float:
        """How long a use waits now."""
        patience = self._patience
        return patience.again if self._in_vain and patience.again is not None else patience.seconds

    @contextmanager
    def _writing(self, opened: Opened) -> Iterator[sqlite3.Connection]:
        """A transaction that writes, for which it waits as long as it is patient."""
        try:
            with opened.writing(self._seconds, self._patience.pause) as connection:
                self._in_vain = False
                yield connection
        except sqlite3.OperationalError as exc:
            self._in_vain = self._in_vain or exc.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
            raise

    def _require_same_secret(self, opened: Opened) -> None:
        """Raise StoreError, once, where the keys given out last are those of a store that is no more."""
        if self._key_secret not in (None, opened.secret):
            self._key_secret = None
            raise StoreError(
                f"the store {self.path} was begun anew, and earlier keys lead nowhere; the next call gives new ones"
            )


def _expire(connection: sqlite3.Connection, table: str, max_age: float, now: float) -> None:
    """Delete what is too old in one of our tables, a tenth of the rows at most.

    A clock that is wrong by a month, once, must not delete everything: age is counted from the last use of any row
    where that is earlier than the clock.
    """
    (newest,) = connection.execute(f"SELECT max(used) FROM {table}").fetchone()  # noqa: S608 - a name of ours
    if newest is None:
        return
    too_old = f"FROM {table} WHERE used < ?"
    limit = min(now, newest) - max_age
    if connection.execute(f"SELECT 1 {too_old} LIMIT 1", (limit,)).fetchone() is None:
        return
    (count,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608 - as above
    oldest = f"SELECT rowid {too_old} ORDER BY used LIMIT ?"
    connection.execute(f"DELETE FROM {table} WHERE rowid IN ({oldest})", (limit, max(1, count // 10)))  # noqa: S608


def _insert(connection: sqlite3.Connection, key: str, digest: bytes, body: bytes, now: float) -> None:
    row = connection.execute("SELECT digest FROM originals WHERE key = ?", (key,)).fetchone()
    if row is None:
        connection.execute("INSERT INTO originals VALUES (?, ?, ?, ?, ?)", (key, digest, len(body), now, body))
    elif row[0] == digest:
        connection.execute("UPDATE originals SET used = ? WHERE key = ?", (now, key))
    else:
        raise StoreError(f"the key {key!r} already stands for another text")
