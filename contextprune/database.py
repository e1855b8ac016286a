"""The file of the SQLite store: how it is created, recognised, brought up to date and opened.

Processes share it, so it keeps a write-ahead log, and whatever it counts it counts itself, by triggers.
"""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path

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
BUSY_SECONDS = 5.0


def open_database(path: Path, busy_seconds: float = BUSY_SECONDS) -> sqlite3.Connection:
    """A connection to the store at `path`, which is created, readable by its owner alone, where it is missing.

    Whoever finds the file locked by another process waits so many seconds.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))  # SQLite gives its side files the same mode
    connection = sqlite3.connect(path, timeout=busy_seconds, isolation_level=None, check_same_thread=False)
    try:
        _claim(connection, path)
        _use_wal(connection, busy_seconds)
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA secure_delete = ON")  # what expired is overwritten, not only forgotten
    except BaseException:
        connection.close()
        raise
    return connection


def _claim(connection: sqlite3.Connection, path: Path) -> None:
    """Check that the database is ours, or make it so where it is empty; add what an earlier version left out."""
    found, tables, notes = connection.execute(
        "SELECT application_id, (SELECT count(*) FROM sqlite_master),"
        " (SELECT count(*) FROM sqlite_master WHERE name = 'notes') FROM pragma_application_id"
    ).fetchone()
    if found == _OURS:
        if not notes:
            connection.executescript(f"BEGIN IMMEDIATE;{_NOTES}COMMIT;")
        return
    if tables:
        raise StoreError(f"{path} belongs to another program or version; set CONTEXTPRUNE_STORE to another path")
    connection.executescript(_SCHEMA + _NOTES)
    connection.execute("INSERT OR IGNORE INTO meta VALUES ('secret', ?)", (os.urandom(32),))
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
