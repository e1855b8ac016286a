"""Room in a store file that tenants share: whoever holds the most gives way first, with what it used least recently.

A tenant that holds no more than the store divided by the number of tenants so loses nothing to the others, however much
they write; one that is alone has all of it. Originals that nobody owns, those of the command line and of earlier
versions, count as one tenant more.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator
from heapq import heapify, heappop, heappush

from contextprune.errors import StoreError

_NOBODY = b""
_LARGEST = 100  # tenants that are looked at at once: whoever makes up a million of them must not make writes slow


def own(connection: sqlite3.Connection, keys: Iterable[str], tenant: bytes, now: float) -> None:
    """Note whose originals these are, where that is not known yet."""
    missing = "INSERT INTO owners SELECT ?, ?, ? WHERE NOT EXISTS (SELECT 1 FROM owners WHERE key = ?)"
    connection.executemany(missing, [(key, tenant, now, key) for key in keys])


def evict(connection: sqlite3.Connection, max_bytes: int, spared: Collection[str]) -> None:
    """Delete originals until the rest fits; never those just written. Raises StoreError where that cannot be."""
    (size,) = connection.execute("SELECT value FROM meta WHERE name = 'size'").fetchone()
    while size > max_bytes:
        keys, freed = _to_give_up(connection, size, max_bytes, frozenset(spared))
        if not keys:
            raise StoreError(f"the originals of one call exceed the {max_bytes:,} bytes of the store")
        connection.executemany("DELETE FROM originals WHERE key = ?", [(key,) for key in keys])
        size -= freed


def _to_give_up(
    connection: sqlite3.Connection, size: int, max_bytes: int, spared: frozenset[str]
) -> tuple[list[str], int]:
    """The originals that give way for the rest to fit, as far as the largest tenants have such; and their bytes."""
    (owned,) = connection.execute("SELECT coalesce(sum(size), 0) FROM shares").fetchone()
    largest = connection.execute("SELECT size, tenant FROM shares ORDER BY size DESC LIMIT ?", (_LARGEST,)).fetchall()
    queue = [(-total, tenant) for total, tenant in [(size - owned, _NOBODY), *largest]]
    heapify(queue)
    oldest: dict[bytes, Iterator[tuple[str, int]]] = {}
    keys, freed = [], 0

    while queue and size - freed > max_bytes:
        negative, tenant = heappop(queue)
        if tenant not in oldest:
            oldest[tenant] = _by_use(connection, tenant)
        row = next((row for row in oldest[tenant] if row[0] not in spared), None)
        if row is not None:
            keys.append(row[0])
            freed += row[1]
            heappush(queue, (negative + row[1], tenant))
    return keys, freed


def _by_use(connection: sqlite3.Connection, tenant: bytes) -> Iterator[tuple[str, int]]:
    """Keys and sizes of what a tenant holds, what was used least lately first."""
    if tenant == _NOBODY:
        unowned = "NOT EXISTS (SELECT 1 FROM owners WHERE owners.key = originals.key)"
        return connection.execute(f"SELECT key, size FROM originals WHERE {unowned} ORDER BY used, rowid")  # noqa: S608
    its_own = "SELECT key FROM owners WHERE tenant = ? ORDER BY used, key"
    rows = f"SELECT o.key, o.size FROM ({its_own}) AS w CROSS JOIN originals AS o ON o.key = w.key"  # noqa: S608
    return connection.execute(rows, (tenant,))
