"""Room on a Redis that tenants share: where it is full, texts of whoever holds the most make room for those with less.

A Redis that is full refuses what is written, so one tenant that writes much would keep all others from having anything
shortened. What each holds is added up beside the texts. A tenant alone is refused as before: its markers stay true.
"""

from __future__ import annotations

import logging
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import redis
from redis.exceptions import NoPermissionError

_LOG = logging.getLogger("contextprune.redis_store")

_TOTALS = "contextprune:held"  # bytes by tenant
_ROUNDS = 64  # of a few texts each, in one attempt to make room
_A_FEW = 32
LARGEST = 100  # tenants that are looked at
_SLACK = 1 << 20  # bytes freed besides: values take more than their length, and the notes about the texts come next
LASTING = 60.0  # seconds by which a use may be newer than is noted here

NamesOf = Callable[[str, int], Sequence[str]]
"""The keys of all parts of an original, by its own key and its bytes."""


class Holdings:
    """What each tenant holds.

    location   of the Redis, for the log
    max_age    seconds that a text is kept after its last use
    names_of   see `NamesOf`
    """

    def __init__(self, location: str, max_age: int, names_of: NamesOf) -> None:
        self._location, self._max_age, self._names_of = location, max_age, names_of
        self._warned = False

    def add(self, client: Any, tenant: str, sizes: Mapping[str, int]) -> None:
        """Note that these originals are a tenant's; nothing where this user may not, or where there is no room."""
        now, texts = time.time(), _texts_of(tenant)
        adding = client.pipeline(transaction=False)
        adding.zadd(texts, {f"{size}:{key}": now for key, size in sizes.items()})
        adding.expire(texts, self._max_age)
        adding.zincrby(_TOTALS, sum(sizes.values()), tenant)
        try:
            adding.execute()
        except NoPermissionError:
            if not self._warned:
                _LOG.warning("%s lets this user not note who holds how much; see the rights it needs", self._location)
            self._warned = True
        except redis.ResponseError as exc:
            _LOG.debug("not noted who holds what: %s", exc)

    def make_room(self, client: Any, needed: int, tenant: str | None) -> bool:
        """Delete originals of those who hold the most until so many bytes are free; False where there are none.

        tenant   for whom, who must hold less than they do, with what is needed; None: for a note, which is small, and
                 which only has to be one of several tenants'
        """
        with suppress(redis.ResponseError):
            making = _Room(client, self._max_age, self._names_of)
            return making.take(needed + _SLACK, least=needed, tenant=tenant)
        return False


class _Room:
    """One attempt to make room. A full Redis lets nobody add anything, so what is noted comes at the end."""

    def __init__(self, client: Any, max_age: int, names_of: NamesOf) -> None:
        self._client, self._max_age, self._names_of = client, max_age, names_of
        largest = client.zrange(_TOTALS, 0, LARGEST - 1, desc=True, withscores=True)
        self._sizes = {tenant.decode(): size for tenant, size in largest}
        self._dropped: Counter[str] = Counter()  # bytes of texts that are no more, by tenant
        self._renewed: defaultdict[str, dict[bytes, float]] = defaultdict(dict)  # of texts that were used since

    def take(self, needed: int, least: int, tenant: str | None) -> bool:
        """Take so many bytes from those who hold the most; see `Holdings.make_room`."""
        fewest = 2 if tenant is None else 1
        least = least + int(self._client.zscore(_TOTALS, tenant) or 0) if tenant is not None else 0
        freed = 0
        for _ in range(_ROUNDS):
            if len(self._sizes) < fewest or freed >= needed:
                break
            largest = max(self._sizes, key=self._sizes.__getitem__)
            if self._sizes[largest] <= least:
                break
            freed += self._give_up(largest, needed - freed)
        self._note()
        return freed > 0

    def _give_up(self, tenant: str, needed: int) -> int:
        """Delete some of what a tenant used least recently; the bytes that this frees."""
        client, skipped = self._client, self._renewed[tenant]
        oldest = dict(client.zrange(_texts_of(tenant), len(skipped), len(skipped) + _A_FEW - 1, withscores=True))
        if not oldest:
            del self._sizes[tenant]
            if not skipped:
                client.zrem(_TOTALS, tenant)  # all has expired
            return 0
        names = {text: self._names_of(text.partition(b":")[2].decode(), size_in(text)) for text in oldest}
        asking = client.pipeline(transaction=False)
        for text in oldest:
            asking.ttl(names[text][0])
        left = dict(zip(oldest, asking.execute(), strict=True))

        going, freed = [], 0
        for text, noted in oldest.items():
            used = time.time() - self._max_age + left[text]
            if used > noted + LASTING:
                skipped[text] = used
            elif freed < needed:
                going.append(text)
                freed += size_in(text) if left[text] > 0 else 0
        self._delete(tenant, {text: names[text] for text in going})
        return freed

    def _delete(self, tenant: str, texts: Mapping[bytes, Sequence[str]]) -> None:
        """Delete texts, given with the keys of their parts."""
        if texts:
            deleting = self._client.pipeline(transaction=False)
            deleting.delete(*(name for names in texts.values() for name in names))
            deleting.zrem(_texts_of(tenant), *texts)
            deleting.execute()
            size = sum(map(size_in, texts))
            self._sizes[tenant] -= size
            self._dropped[tenant] += size

    def _note(self) -> None:
        """Note what is no more, and later uses, as far as there is room for that."""
        noting = self._client.pipeline(transaction=False)
        for tenant, size in self._dropped.items():
            noting.zincrby(_TOTALS, -size, tenant)
        for tenant, used in self._renewed.items():
            if used:
                noting.zadd(_texts_of(tenant), used, xx=True)
        with suppress(redis.ResponseError):
            noting.execute()


def size_in(entry: bytes | str) -> int:
    """Bytes of a text or a note by its entry, SIZE:KEY."""
    return int(entry.split(b":")[0] if isinstance(entry, bytes) else entry.split(":")[0])


def _texts_of(tenant: str) -> str:
    return f"contextprune:t:{tenant}"
