"""The file of the SQLite store: how it is created, recognised, brought up to date and opened.

Processes share it, so it keeps a write-ahead log, and whatever it counts it counts itself, by triggers. Nobody but
SQLite ever opens it: POSIX locks belong to the process, so closing any other descriptor of the file would drop all
locks that a connection of this process holds, and the next process to close would take the log away from under it.
"""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path
from urllib.parse import quote

from contextprune.errors import StoreError

_OURS = 0x43505231  # "CPR1": marks the file as ours, and the version of its tables
_SCHEMA = """
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS originals (
  key TEXT PRIMARY KEY, digest BLOB NOT NULL, size INTEGER NOT NULL, used REAL NOT NULL, body BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS by_use ON originals (used, size);
CREATE TRIGGER IF NOT EXISTS grow AFTER INSERT ON originals
  BEGIN UPDATE meta SET value = value + new.size WHERE name = 'size'; END;
CREATE TRIGGER IF NOT EXISTS shrink AFTER DELETE ON originals
  BEGIN UPDATE meta SET value = value - old.size WHERE name = 'size'; END;
INSERT OR IGNORE INTO meta VALUES ('size', 0);
"""
_NOTES = """
CREATE TABLE IF NOT EXISTS notes (
  key BLOB PRIMARY KEY, size INTEGER NOT NULL, used REAL NOT NULL, body BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS by_note_use ON notes (used, size);
CREATE TRIGGER IF NOT EXISTS note_grow AFTER INSERT ON notes BEGIN
  UPDATE meta SET value = value + 1 WHERE name = 'notes';
  UPDATE meta SET value = value + new.size WHERE name = 'notes size'; END;
CREATE TRIGGER IF NOT EXISTS note_change AFTER UPDATE OF size ON notes
  BEGIN UPDATE meta SET value = value + new.size - old.size WHERE name = 'notes size'; END;
CREATE TRIGGER IF NOT EXISTS note_shrink AFTER DELETE ON notes BEGIN
  UPDATE meta SET value = value - 1 WHERE name = 'notes';
  UPDATE meta SET value = value - old.size WHERE name = 'notes size'; END;
INSERT OR IGNORE INTO meta VALUES ('notes', 0), ('notes size', 0);
"""  # apart: files that an earlier version made have none of this yet
_OWNERS = """
CREATE TABLE IF NOT EXISTS owners (key TEXT PRIMARY KEY, tenant BLOB NOT NULL, used REAL NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_owner ON owners (tenant, used);
CREATE TABLE IF NOT EXISTS shares (tenant BLOB PRIMARY KEY, size INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_share ON shares (size);
CREATE TRIGGER IF NOT EXISTS own AFTER INSERT ON owners BEGIN
  INSERT OR IGNORE INTO shares VALUES (new.tenant, 0);
  UPDATE shares SET size = size + (SELECT size FROM originals WHERE key = new.key) WHERE tenant = new.tenant; END;
CREATE TRIGGER IF NOT EXISTS use AFTER UPDATE OF used ON originals
  BEGIN UPDATE owners SET used = new.used WHERE key = new.key; END;
CREATE TRIGGER IF NOT EXISTS disown AFTER DELETE ON originals BEGIN
  UPDATE shares SET size = size - old.size WHERE tenant = (SELECT tenant FROM owners WHERE key = old.key);
  DELETE FROM shares WHERE size <= 0 AND tenant = (SELECT tenant FROM owners WHERE key = old.key);
  DELETE FROM owners WHERE key = old.key; END;
"""  # apart for the same reason; originals that nobody owns have no row, so earlier versions can go on with the file
_NOTE_OWNERS = """
CREATE TABLE IF NOT EXISTS note_owners (key BLOB PRIMARY KEY, tenant BLOB NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_note_owner ON note_owners (tenant);
CREATE TABLE IF NOT EXISTS note_shares (
  tenant BLOB PRIMARY KEY, count INTEGER NOT NULL, size INTEGER NOT NULL) WITHOUT ROWID;
CREATE TRIGGER IF NOT EXISTS note_own AFTER INSERT ON note_owners BEGIN
  INSERT OR IGNORE INTO note_shares VALUES (new.tenant, 0, 0);
  UPDATE note_shares SET count = count + 1, size = size + (SELECT size FROM notes WHERE key = new.key)
    WHERE tenant = new.tenant; END;
CREATE TRIGGER IF NOT EXISTS note_resize AFTER UPDATE OF size ON notes BEGIN
  UPDATE note_shares SET size = size + new.size - old.size
    WHERE tenant = (SELECT tenant FROM note_owners WHERE key = new.key); END;
CREATE TRIGGER IF NOT EXISTS note_disown AFTER DELETE ON notes BEGIN
  UPDATE note_shares SET count = count - 1, size = size - old.size
    WHERE tenant = (SELECT tenant FROM note_owners WHERE key = old.key);
  DELETE FROM note_shares WHERE count <= 0 AND tenant = (SELECT tenant FROM note_owners WHERE key = old.key);
  DELETE FROM note_owners WHERE key = old.key; END;
"""  # the same for notes; those of earlier versions are nobody's
BUSY_SECONDS = 5.0
LOG_BYTES = 4 << 20
"""Size of the write-ahead log from which it is written back into the file."""

# NORMAL is the rule: what only saves time may be lost in a power cut. Whoever puts originals switches to FULL.
# A write-back that SQLite starts itself lets others write meanwhile; ours holds the lock for writing (see connection).
_PRAGMAS = f"""
PRAGMA synchronous = NORMAL;
PRAGMA fullfsync = ON;
PRAGMA secure_delete = ON;
PRAGMA wal_autocheckpoint = 0;
PRAGMA journal_size_limit = {LOG_BYTES};
"""  # fullfsync: on macOS a plain fsync leaves data in the drive's cache. secure_delete: what expired is overwritten


class DamageError(Exception):
    """The file is a store, and its content is broken."""


def open_database(path: Path, like: Path, busy_seconds: float, secret: bytes | None = None) -> sqlite3.Connection:
    """A connection to the store at `path`, which is created, with the permissions of the file `like`, if missing.

    busy_seconds   how long to wait where another process has locked the file
    secret         that of a new store; None draws one

    Raises sqlite3.Error, StoreError for the database of another program, DamageError where tables are missing.
    """
    address = f"{path.as_uri()}?modeof={quote(os.fsencode(like))}"  # SQLite gives its side files the same mode
    connection = sqlite3.connect(address, uri=True, timeout=busy_seconds, isolation_level=None, check_same_thread=False)
    try:
        _claim(connection, path, secret or os.urandom(32))
        _use_wal(connection, busy_seconds)
        connection.executescript(_PRAGMAS)
    except BaseException:
        connection.close()
        raise
    return connection


def secret_of(connection: sqlite3.Connection) -> bytes:
    """The secret of the store, which keys and checksums depend on. Raises DamageError where it is lost."""
    row = connection.execute("SELECT value FROM meta WHERE name = 'secret'").fetchone()
    if row is None or not isinstance(row[0], bytes) or not row[0]:
        raise DamageError("it has lost its secret")
    return row[0]


def _claim(connection: sqlite3.Connection, path: Path, secret: bytes) -> None:
    """Check that the database is ours, or make it so where it is empty; add what an earlier version left out."""
    application, tables, ours, later = connection.execute(
        "SELECT application_id, (SELECT count(*) FROM sqlite_master),"
        " (SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name IN ('meta', 'originals')),"
        " (SELECT count(*) FROM sqlite_master WHERE name IN ('notes', 'disown', 'note_disown'))"
        " FROM pragma_application_id"
    ).fetchone()
    if application == _OURS:
        if ours != 2:
            raise DamageError("its tables are missing")
        if later != 3:
            connection.executescript(f"BEGIN IMMEDIATE;{_NOTES}{_OWNERS}{_NOTE_OWNERS}COMMIT;")
        return
    if tables:
        raise StoreError(f"{path} belongs to another program or version; set CONTEXTPRUNE_STORE to another path")
    connection.executescript(_SCHEMA + _NOTES + _OWNERS + _NOTE_OWNERS)
    connection.execute("INSERT OR IGNORE INTO meta VALUES ('secret', ?)", (secret,))
    connection.execute(f"PRAGMA application_id = {_OURS}")
    connection.execute("COMMIT")


def _use_wal(connection: sqlite3.Connection, busy_seconds: float) -> None:
    """Switch to the write-ahead log. SQLite does not wait for a lock here, so two first openers need a few tries."""
    deadline = time.monotonic() + busy_seconds
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return
