"""Room for notes in a store file that tenants share: as for originals, whoever holds the most gives way first.

A tenant that fills neither of the two bounds (number and bytes) by more than nine tenths of its equal share loses no
note to the others, however many decisions they have made. Notes that nobody owns count as one tenant more.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from heapq import heapify, heappop, heappush

_NOBODY = b""
_LARGEST = 100  # tenants that are looked at at once: whoever makes up a million of them must not make writes slow
_LEFT = 0.9  # of the room: the next notes find some, and not each of them has to make it


@dataclass(frozen=True, slots=True)
class _Room:
    """What notes may take: their number and their bytes."""

    count: int
    size: int

    def filled(self, count: int, size: int) -> float:
        """How full that many notes, of so many bytes, make the room; 1.0 is full."""
        return max(count / max(1, self.count), size / max(1, self.size))


def own_notes(connection: sqlite3.Connection, keys: Iterable[bytes], tenant: bytes) -> None:
    """Say whose these notes are, where that is not known yet."""
    connection.executemany("INSERT OR IGNORE INTO note_owners VALUES (?, ?)", [(key, tenant) for key in keys])


def forget(connection: sqlite3.Connection, most: int, max_bytes: int) -> None:
    """Where there are more notes than may be, delete until a tenth of the room is free."""
    room = _Room(most, max_bytes)
    count, size = _total(connection)
    if count <= most and size <= max_bytes:
        return

    while room.filled(count, size) > _LEFT:
        rows = _to_give_up(connection, room, count, size)
        if not rows:
            return
        connection.executemany("DELETE FROM notes WHERE rowid = ?", rows)
        count, size = _total(connection)


def _total(connection: sqlite3.Connection) -> tuple[int, int]:
    """The number of all notes, and their bytes."""
    counts = "SELECT (SELECT value FROM meta WHERE name = 'notes'), (SELECT value FROM meta WHERE name = 'notes size')"
    count, size = connection.execute(counts).fetchone()
    return count, size


def _to_give_up(connection: sqlite3.Connection, room: _Room, count: int, size: int) -> list[tuple[int]]:
    """The rows of notes that give way, as far as the largest tenants have such."""
    tenants = _largest(connection, room, count, size)
    queue = [(-room.filled(held, taken), tenant) for tenant, (held, taken) in tenants.items()]
    heapify(queue)
    oldest: dict[bytes, Iterator[tuple[int, int]]] = {}
    rows: list[tuple[int]] = []

    while queue and room.filled(count, size) > _LEFT:
        _, tenant = heappop(queue)
        if tenant not in oldest:
            oldest[tenant] = _by_use(connection, tenant)
        row = next(oldest[tenant], None)
        if row is not None:
            rows.append((row[0],))
            count, size = count - 1, size - row[1]
            held, taken = tenants[tenant]
            tenants[tenant] = held - 1, taken - row[1]
            heappush(queue, (-room.filled(*tenants[tenant]), tenant))
    return rows


def _largest(connection: sqlite3.Connection, room: _Room, count: int, size: int) -> dict[bytes, tuple[int, int]]:
    """Number and bytes of the notes of those tenants that fill most of the room."""
    asked = "SELECT coalesce(sum(count), 0), coalesce(sum(size), 0) FROM note_shares"
    owned, taken = connection.execute(asked).fetchone()
    by_room = "SELECT tenant, count, size FROM note_shares ORDER BY max(count * 1.0 / ?, size * 1.0 / ?) DESC LIMIT ?"
    rows = connection.execute(by_room, (max(1, room.count), max(1, room.size), _LARGEST)).fetchall()
    return {_NOBODY: (count - owned, size - taken)} | {tenant: (held, own) for tenant, held, own in rows}


def _by_use(connection: sqlite3.Connection, tenant: bytes) -> Iterator[tuple[int, int]]:
    """Rows and sizes of a tenant's notes, those unused for longest first; of one conversation the last first."""
    if tenant == _NOBODY:
        unowned = "NOT EXISTS (SELECT 1 FROM note_owners AS w WHERE w.key = notes.key)"
        return connection.execute(f"SELECT rowid, size FROM notes WHERE {unowned} ORDER BY used, rowid DESC")  # noqa: S608
    joined = "SELECT n.rowid, n.size FROM note_owners AS w CROSS JOIN notes AS n ON n.key = w.key WHERE w.tenant = ?"
    return connection.execute(f"{joined} ORDER BY n.used, n.rowid DESC", (tenant,))
