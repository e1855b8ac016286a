"""Where the originals are kept: what a marker stands for, byte for byte, under a short keyed hash.

The write comes before the marker, so `put` returns only when the texts are safe from the death of the process. Keys
are hashed with a secret of the store: nobody can find out by guessing whether a text was seen. The file also keeps
the ledger's notes of what was decided, which may be lost at any time.
"""

from __future__ import annotations

import os
import re
import sqlite3
import threading
import time
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from contextprune.database import BUSY_SECONDS, open_database
from contextprune.errors import SettingsError, StoreError
from contextprune.settings import data_folder
from contextprune.storage.codec import as_bytes, checksum, key_of, opened, packed, size_of, unpacked


class Store(Protocol):
    """Keeps originals by key."""

    def key(self, text: str) -> str:
        """The key of `text`: 12 characters of a-z and 2-7. Writes no original."""
        ...

    def put(self, texts: Mapping[str, str]) -> None:
        """Keep each original under its key, all or none, durable on return. Raises StoreError."""
        ...

    def get(self, key: str) -> str | None:
        """The original under `key`; None where it expired, was evicted or never was. Raises StoreError."""
        ...


def open_store(location: str | None = None, folder: Path | None = None, busy_seconds: float = BUSY_SECONDS) -> Store:
    """The store at `location`: "memory", a path, the URL of a Redis, or None (or "") for a file in `folder`.

    The file is created, the Redis asked, at the first use; where another process has locked the file, a use waits at
    most `busy_seconds`. Raises SettingsError for an address of a kind that is not
    known, MissingExtra where a package for it is missing.
    """
    if location == "memory":
        return MemoryStore()
    if location and location.startswith(("redis://", "rediss://")):
        from contextprune.storage.redis import RedisStore  # noqa: PLC0415 - an extra

        return RedisStore(location)
    if location and "://" in location:
        kind = location.partition("://")[0]
        raise SettingsError(f"the store is 'memory', a path, redis://HOST:PORT or rediss://..., not {kind}://...")
    path = Path(location) if location else (folder or data_folder()) / "originals.sqlite3"
    return SQLiteStore(path, busy_seconds=busy_seconds)


def place(store: Store) -> str:
    """Where a store keeps what it keeps, as far as it tells: its path or its address, else its kind."""
    told = getattr(store, "path", None) or getattr(store, "place", None)
    return str(told or type(store).__name__)


class MemoryStore:
    """Originals for as long as the process lives, the least recently used given up first."""

    def __init__(self, secret: bytes = b"contextprune", max_bytes: int = 256 << 20) -> None:
        self._secret = secret
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._texts: dict[str, str] = {}  # in order of last use
        self._size = 0

    def key(self, text: str) -> str:
        """See `Store`."""
        return key_of(self._secret, text)

    def put(self, texts: Mapping[str, str]) -> None:
        """See `Store`; StoreError where the texts alone are larger than the store."""
        if sum(map(size_of, texts.values())) > self._max_bytes:
            raise StoreError(f"the originals of one call exceed the {self._max_bytes:,} bytes of the memory store")
        with self._lock:
            for key, text in texts.items():
                if self._texts.get(key, text) != text:
                    raise StoreError(f"the key {key!r} already stands for another text")
            for key, text in texts.items():
                self._size += 0 if key in self._texts else size_of(text)
                self._texts.pop(key, None)
                self._texts[key] = text
            while self._size > self._max_bytes:
                self._size -= size_of(self._texts.pop(next(iter(self._texts))))

    def get(self, key: str) -> str | None:
        """See `Store`."""
        with self._lock:
            text = self._texts.pop(key, None)
            if text is not None:
                self._texts[key] = text
            return text


_REFRESH_SECONDS = 60.0  # a read counts as a use, but not every read is worth a write
_AT_ONCE = 500  # keys in one statement: SQLite allows 999 variables at the least
_NOTE = (
    "INSERT INTO notes VALUES (?, ?, ?, ?) ON CONFLICT (key)"
    " DO UPDATE SET size = excluded.size, used = excluded.used, body = excluded.body"
)


class SQLiteStore:
    """Originals in one file that processes share: WAL, so a killed process loses nothing that `put` acknowledged.

    (A power cut may lose the last moments.) Bodies are compressed; `max_bytes` bounds them, `max_age_seconds` counts
    from the last use. The file is opened at the first use, closed around a fork, and usable from any thread.
    It keeps notes, too (`ledger.Notes`): at most `max_notes`, and `max_note_bytes` of them.
    """

    def __init__(
        self,
        path: Path | str,
        max_bytes: int = 1 << 30,
        max_age_seconds: float = 30 * 86_400.0,
        max_notes: int = 500_000,
        max_note_bytes: int = 256 << 20,
        busy_seconds: float = BUSY_SECONDS,
    ) -> None:
        self.path = Path(path).expanduser().absolute()
        self._max_bytes = max_bytes
        self._max_age = max_age_seconds
        self._max_notes, self._max_note_bytes = max_notes, max_note_bytes
        self._busy_seconds = busy_seconds
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._secret: bytes | None = None
        _close_around_forks(self)

    def key(self, text: str) -> str:
        """See `Store`. The first call opens the file, for its secret. Raises StoreError."""
        return key_of(self._own_secret(), text)

    def put(self, texts: Mapping[str, str]) -> None:
        """See `Store`. A text that is already there only counts as used again."""
        if not texts:
            return
        secret, now = self._own_secret(), time.time()
        rows = [(key, as_bytes(text)) for key, text in texts.items()]
        sealed = [(key, checksum(secret, key, data), packed(data)) for key, data in rows]
        with self._connected() as connection, connection:  # the second one commits or rolls back
            connection.execute("BEGIN IMMEDIATE")
            for key, digest, body in sealed:
                _insert(connection, key, digest, body, now)
            connection.execute("DELETE FROM originals WHERE used < ?", (now - self._max_age,))
            _evict(connection, self._max_bytes, spared=texts.keys())

    def get(self, key: str) -> str | None:
        """See `Store`; StoreError where the stored bytes are damaged."""
        if not key.isascii():  # keys come from models, and SQLite takes no lone surrogates
            return None
        secret, now = self._own_secret(), time.time()
        with self._connected() as connection:
            row = connection.execute("SELECT digest, used, body FROM originals WHERE key = ?", (key,)).fetchone()
            if row is None or row[1] < now - self._max_age:
                return None
            if now - row[1] > _REFRESH_SECONDS:
                with suppress(sqlite3.OperationalError):  # full or busy: the text is here all the same
                    connection.execute("UPDATE originals SET used = ? WHERE key = ?", (now, key))
        data = unpacked(row[2])
        if data is None or checksum(secret, key, data) != row[0]:
            raise StoreError(f"the original under {key!r} in {self.path} is damaged; it cannot be given back")
        return data.decode("utf-8", "surrogatepass")

    def note(self, notes: Mapping[bytes, bytes]) -> None:
        """Keep each value under its key; the values used least recently give way. Raises StoreError."""
        if not notes:
            return
        secret, now = self._own_secret(), time.time()
        bodies = ((key, checksum(secret, key.hex(), data) + packed(data)) for key, data in notes.items())
        rows = [(key, len(body), now, body) for key, body in bodies]
        with self._connected() as connection, connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(_NOTE, rows)
            connection.execute("DELETE FROM notes WHERE used < ?", (now - self._max_age,))
            _forget(connection, self._max_notes, self._max_note_bytes)

    def noted(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        """The values that are known; a damaged one is not. Raises StoreError."""
        if not keys:
            return {}
        secret, now = self._own_secret(), time.time()
        rows: list[tuple[bytes, float, bytes]] = []
        with self._connected() as connection:
            for start in range(0, len(keys), _AT_ONCE):
                some = keys[start : start + _AT_ONCE]
                asked = f"SELECT key, used, body FROM notes WHERE key IN ({', '.join('?' * len(some))})"  # noqa: S608
                rows += connection.execute(asked, some)
            rows = [row for row in rows if row[1] >= now - self._max_age]
            old = [(now, key) for key, used, _ in rows if now - used > _REFRESH_SECONDS]
            if old:
                with suppress(sqlite3.OperationalError), connection:  # full or busy: the values are here all the same
                    connection.execute("BEGIN IMMEDIATE")
                    connection.executemany("UPDATE notes SET used = ? WHERE key = ?", old)
        found = ((key, opened(secret, key, body)) for key, _, body in rows)
        return {key: value for key, value in found if value is not None}

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _own_secret(self) -> bytes:
        if self._secret is None:
            with self._connected() as connection:
                row = connection.execute("SELECT value FROM meta WHERE name = 'secret'").fetchone()
            if row is None or not isinstance(row[0], bytes):
                raise StoreError(f"the store {self.path} has lost its secret; move the file away to begin a new one")
            self._secret = row[0]
        return self._secret

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        """The connection, for one thread at a time. After any failure the next use opens the file afresh."""
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = open_database(self.path, self._busy_seconds)
                yield self._connection
            except (sqlite3.Error, OSError, UnicodeDecodeError) as exc:  # the last: an error that quotes damaged bytes
                with suppress(sqlite3.Error):
                    self._close()
                raise StoreError(
                    f"the store {self.path} cannot be used: {exc}. "
                    "Set CONTEXTPRUNE_STORE=memory or to a writable path, or move a damaged file away."
                ) from exc


def _insert(connection: sqlite3.Connection, key: str, digest: bytes, body: bytes, now: float) -> None:
    row = connection.execute("SELECT digest FROM originals WHERE key = ?", (key,)).fetchone()
    if row is None:
        connection.execute("INSERT INTO originals VALUES (?, ?, ?, ?, ?)", (key, digest, len(body), now, body))
    elif row[0] == digest:
        connection.execute("UPDATE originals SET used = ? WHERE key = ?", (now, key))
    else:
        raise StoreError(f"the key {key!r} already stands for another text")


def _evict(connection: sqlite3.Connection, max_bytes: int, spared: Iterable[str]) -> None:
    """Delete the rows unused for longest until the rest fits; never those just written."""
    (size,) = connection.execute("SELECT value FROM meta WHERE name = 'size'").fetchone()
    if size <= max_bytes:
        return
    spared, gone = frozenset(spared), []
    for key, freed in connection.execute("SELECT key, size FROM originals ORDER BY used, rowid"):
        if size <= max_bytes:
            break
        if key not in spared:
            gone.append((key,))
            size -= freed
    if size > max_bytes:
        raise StoreError(f"the originals of one call exceed the {max_bytes:,} bytes of the store")
    connection.executemany("DELETE FROM originals WHERE key = ?", gone)


def _forget(connection: sqlite3.Connection, most: int, max_bytes: int) -> None:
    """Delete the notes unused for longest until a tenth of the room is free; of one conversation the last first."""
    counts = "SELECT (SELECT value FROM meta WHERE name = 'notes'), (SELECT value FROM meta WHERE name = 'notes size')"
    count, size = connection.execute(counts).fetchone()
    if count <= most and size <= max_bytes:
        return
    gone = []
    for rowid, freed in connection.execute("SELECT rowid, size FROM notes ORDER BY used, rowid DESC"):
        if count <= 0.9 * most and size <= 0.9 * max_bytes:
            break
        gone.append((rowid,))
        count, size = count - 1, size - freed
    connection.executemany("DELETE FROM notes WHERE rowid = ?", gone)


def _close_around_forks(store: SQLiteStore) -> None:
    """Close the file before every fork: a connection carried into a child breaks SQLite's locks for both."""
    if not hasattr(os, "register_at_fork"):
        return
    kept, lock = weakref.ref(store), store._lock  # noqa: SLF001 - part of the class, apart for length

    def before() -> None:
        held = kept()
        if held is not None:
            lock.acquire()
            held._close()  # noqa: SLF001 - see above

    def after() -> None:
        if lock.locked():
            lock.release()

    os.register_at_fork(before=before, after_in_parent=after, after_in_child=after)


_RANGES = re.compile(r"\s*(\d{1,9})\s*(?:-\s*(\d{1,9})\s*)?")


def recall_text(text: str, query: str | None = None, lines: str | None = None) -> str:
    r"""The part of an original that was asked for: verbatim lines, with a line "…" where lines between are left out.

    lines    "12", "12-40" or "12-40,60": counted from 1, ends included; lines end at "\n" only
    query    only lines that hold every word of it, in any letter case
    Raises SettingsError for `lines` that are no line numbers.
    """
    if query is None and lines is None:
        return text
    rows = [row for row in re.split(r"(?<=\n)", text) if row]
    chosen: Iterable[int] = range(len(rows)) if lines is None else _line_indices(lines, len(rows))
    terms = (query or "").casefold().split()
    out, previous = [], None
    for index in chosen:
        if all(term in rows[index].casefold() for term in terms):
            if previous is not None and index > previous + 1:
                out.append("…\n")
            out.append(rows[index])
            previous = index
    return "".join(out)


def _line_indices(lines: str, count: int) -> list[int]:
    """Indices from 0, in order, of the lines named that exist among `count` lines."""
    found: set[int] = set()
    for part in lines.split(","):
        match = _RANGES.fullmatch(part)
        first = int(match[1]) if match else 0
        last = int(match[2] or match[1]) if match else 0
        if not 1 <= first <= last:
            raise SettingsError(f"lines are counted from 1 and written like '12', '12-40' or '12-40,60', not {lines!r}")
        found.update(range(first - 1, min(last, count)))
    return sorted(found)
