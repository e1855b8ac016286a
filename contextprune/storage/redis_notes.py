"""Room for notes on a Redis that tenants share: as in a store file, whoever holds the most gives way first.

Without a bound, whoever asks for many decisions would fill the Redis with notes of them, and then no original could be
kept for anybody. What each tenant holds is added up as it writes, so no write looks at other keys than its own: only
one that goes beyond the room reads the oldest notes of the largest. Losing notes costs time, never a text.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any

import redis
from redis.exceptions import NoPermissionError

from contextprune.storage.redis_shares import LARGEST, LASTING, NamesOf, size_in

_LOG = logging.getLogger("contextprune.redis_store")

_TOTALS = "contextprune:noted"  # bytes by tenant, and of all
_ALL = ""
_WRITERS = "contextprune:writers"  # when each tenant wrote last
_KEPT_APART = 1e-6  # seconds between notes of one write: of a conversation the last goes first
_EXPIRED = 32  # old entries that one write looks at
_AT_ONCE = 250  # notes in one round of making room
_ROUNDS = 64
_SLACK = 100  # a hundredth of the room is freed besides: not each of the next notes has to make room

OVERHEAD = 512
"""Bytes that a note counts beside its value: its keys, its entry here, and what a Redis needs for each."""


class NoteRoom:
    """What each tenant's notes take.

    location   of the Redis, for the log
    max_age    seconds that a note is kept after its last use
    names_of   the keys of all parts of a note
    """

    def __init__(self, location: str, max_age: int, names_of: NamesOf) -> None:
        self._location, self._max_age, self._names_of = location, max_age, names_of
        self._warned = False

    def add(self, client: Any, tenant: str, new: Mapping[str, int], old: Mapping[str, int], max_bytes: int) -> None:
        """Count what a tenant has just noted, and make room where all notes take more than `max_bytes`.

        new   sizes in bytes by key
        old   the same of what stood there before

        Nothing where this user may not, or where the Redis is full.
        """
        try:
            total = self._count(client, tenant, new, old)
            if total > max_bytes:
                self._make_room(client, total, max_bytes)
        except NoPermissionError:
            if not self._warned:
                _LOG.warning("%s lets this user not count its notes; see the rights it needs", self._location)
            self._warned = True
        except redis.ResponseError as exc:
            _LOG.debug("not counted whose notes these are: %s", exc)

    def _count(self, client: Any, tenant: str, new: Mapping[str, int], old: Mapping[str, int]) -> float:
        """Add up what changed; the bytes that all tenants hold."""
        now, notes = time.time(), _notes_of(tenant)
        replaced = [f"{size}:{key}" for key, size in old.items() if new.get(key) != size]
        counting = client.pipeline(transaction=True)
        for entry in replaced:
            counting.zrem(notes, entry)
        for rank, (key, size) in enumerate(new.items()):
            counting.zadd(notes, {f"{size}:{key}": now - rank * _KEPT_APART})
        counting.expire(notes, self._max_age)
        counting.zadd(_WRITERS, {tenant: now})
        too_old = now - self._max_age
        counting.zrange(notes, "-inf", too_old, byscore=True, offset=0, num=_EXPIRED, withscores=True)
        *answers, _, _, expired = counting.execute()

        less, more = answers[: len(replaced)], answers[len(replaced) :]
        grown = sum(_charged(entry) for entry, removed in zip(replaced, less, strict=True) if removed)
        grown = sum(size + OVERHEAD for size, added in zip(new.values(), more, strict=True) if added) - grown
        total = self._charge(client, tenant, grown)
        return total - self._drop(client, tenant, dict(expired), 0) if expired else total

    def _charge(self, client: Any, tenant: str, grown: float) -> float:
        charging = client.pipeline(transaction=True)
        charging.zincrby(_TOTALS, grown, tenant)
        charging.zincrby(_TOTALS, grown, _ALL)
        return float(charging.execute()[1])

    def _make_room(self, client: Any, total: float, max_bytes: int) -> None:
        """Delete notes of those who hold the most, a few at a time, until a hundredth of the room is free."""
        needed = total - self._forget_silent(client) - max_bytes * (1 - 1 / _SLACK)
        largest = client.zrange(_TOTALS, 0, LARGEST, desc=True, withscores=True)
        sizes = {tenant.decode(): size for tenant, size in largest if tenant.decode() != _ALL}
        share = needed / max(1, len(sizes))
        for _ in range(_ROUNDS):
            if not sizes or needed <= 0:
                return
            tenant = max(sizes, key=sizes.__getitem__)
            second = max((size for other, size in sizes.items() if other != tenant), default=0.0)
            oldest = dict(client.zrange(_notes_of(tenant), 0, _AT_ONCE - 1, withscores=True))
            if oldest:
                freed = self._drop(client, tenant, oldest, min(needed, max(share, sizes[tenant] - second)))
                sizes[tenant] -= freed
            else:
                freed = sizes.pop(tenant)
                self._strike(client, tenant, freed)
            needed -= freed

    def _forget_silent(self, client: Any) -> float:
        """Strike those off who wrote nothing for so long that all has expired; the bytes that counted as theirs."""
        limit = time.time() - self._max_age - LASTING
        silent = client.zrange(_WRITERS, "-inf", limit, byscore=True, offset=0, num=LARGEST)
        sizes = {tenant.decode(): float(client.zscore(_TOTALS, tenant) or 0) for tenant in silent}
        for tenant, size in sizes.items():
            self._strike(client, tenant, size)
        return sum(sizes.values())

    def _strike(self, client: Any, tenant: str, size: float) -> None:
        striking = client.pipeline(transaction=True)
        striking.delete(_notes_of(tenant))
        striking.zrem(_WRITERS, tenant)
        striking.zrem(_TOTALS, tenant)
        striking.zincrby(_TOTALS, -size, _ALL)
        striking.execute()

    def _drop(self, client: Any, tenant: str, oldest: Mapping[bytes, float], wanted: float) -> float:
        """Of these entries, with the time of their last use, delete what has expired and as many as are wanted.

        The bytes that this frees. Of what was used since, the time is noted.
        """
        names = {entry: self._names_of(entry.partition(b":")[2].decode(), size_in(entry)) for entry in oldest}
        asking = client.pipeline(transaction=False)
        for entry in oldest:
            asking.ttl(names[entry][0])
        left = dict(zip(oldest, asking.execute(), strict=True))

        going: list[bytes] = []
        used: dict[bytes, float] = {}
        for entry, noted in oldest.items():
            last = time.time() - self._max_age + left[entry]
            if left[entry] > 0 and last > noted + LASTING:
                used[entry] = last
            elif left[entry] <= 0 or wanted > 0:
                going.append(entry)
                wanted -= _charged(entry)
        return self._delete(client, tenant, {entry: names[entry] for entry in going}, used)

    def _delete(self, client: Any, tenant: str, going: Mapping[bytes, Any], used: Mapping[bytes, float]) -> float:
        """Delete notes, given with the keys of their parts. What another proxy struck off just now counts there."""
        deleting = client.pipeline(transaction=True)
        for entry in going:
            deleting.zrem(_notes_of(tenant), entry)
        for names in going.values():
            deleting.delete(*names)
        if used:
            deleting.zadd(_notes_of(tenant), used, xx=True)
        answers = deleting.execute()[: len(going)]
        freed = sum(_charged(entry) for entry, removed in zip(going, answers, strict=True) if removed)
        self._charge(client, tenant, -freed)
        return freed


def _charged(entry: bytes | str) -> int:
    """Bytes that a note takes by its entry."""
    return size_in(entry) + OVERHEAD


def _notes_of(tenant: str) -> str:
    return f"contextprune:m:{tenant}"
