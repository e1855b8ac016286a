"""Jobs that wait for a scorer process: small ones first, none for ever, and only so many tokens of them.

A job's rank is its arrival, as tokens at a fixed rate, plus its own tokens, plus what its tenant had of the processes
lately. Where there is no room, the tenant with the most in the queue gives up its largest job: a tenant that sends more
than its share, and a block that is new and large, are what the others can best do without.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

SMALL = 16_000
"""Tokens up to which a job is small, so that the process kept for small ones takes it."""

AGEING = 200_000.0
"""Tokens by which a job may be larger for each second that it came earlier, or that its tenant had less of late."""


@dataclass(frozen=True, slots=True)
class _Entry(Generic[T]):
    number: int
    tokens: int
    arrived: float
    tenant: str
    item: T

    def rank(self, seconds: float) -> tuple[float, int]:
        """Its place, the lowest first; `seconds` are what its tenant had lately."""
        return (self.arrived + seconds) * AGEING + self.tokens, self.number


def _nothing(_: str) -> float:
    return 0.0


class JobQueue(Generic[T]):
    """A queue bounded by `capacity` tokens. Items are told apart by their number.

    lately   seconds of the processes that a tenant had lately
    """

    def __init__(self, capacity: int, lately: Callable[[str], float] = _nothing) -> None:
        self._capacity, self._lately = capacity, lately
        self._entries: dict[int, _Entry[T]] = {}
        self._by_tenant: Counter[str] = Counter()  # tokens
        self.tokens = 0

    def __len__(self) -> int:
        return len(self._entries)

    def put(self, number: int, tokens: int, item: T, now: float, tenant: str = "") -> list[T]:
        """Let `item` wait; those that are to wait no longer for it, which may be itself. `now`: seconds.

        One item may wait, whatever its size.
        """
        self._entries[number] = _Entry(number, tokens, now, tenant, item)
        self._by_tenant[tenant] += tokens
        self.tokens += tokens
        shed: list[T] = []
        while self.tokens > self._capacity and len(self._entries) > 1:
            entry = max(self._entries.values(), key=lambda e: (self._by_tenant[e.tenant], e.tokens, e.number))
            self.drop(entry.number)
            shed.append(entry.item)
        return shed

    def ahead(self, tokens: int, now: float, tenant: str = "") -> int:
        """Tokens of all that would be taken out before an item that comes now."""
        rank = (now + self._lately(tenant)) * AGEING + tokens
        return sum(e.tokens for e in self._entries.values() if e.rank(self._lately(e.tenant))[0] <= rank)

    def take(self, *, small: bool = False) -> T | None:
        """Take out the next item; with `small`, the next small one. None where there is none."""
        entries = [entry for entry in self._entries.values() if not small or entry.tokens <= SMALL]
        if not entries:
            return None
        entry = min(entries, key=lambda e: e.rank(self._lately(e.tenant)))
        self.drop(entry.number)
        return entry.item

    def drop(self, number: int) -> bool:
        """Let an item wait no more; False where it did not."""
        entry = self._entries.pop(number, None)
        if entry is None:
            return False
        self.tokens -= entry.tokens
        self._by_tenant[entry.tenant] -= entry.tokens
        if not self._by_tenant[entry.tenant]:
            del self._by_tenant[entry.tenant]
        return True
