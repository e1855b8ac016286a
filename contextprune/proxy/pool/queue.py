"""Jobs that wait for a scorer process: small ones first, none for ever, and only so many tokens of them.

A job's rank is its arrival, as tokens at a fixed rate, plus its own tokens: so the order of two jobs never changes
while they wait, and a heap will do.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from typing import Generic, TypeVar

T = TypeVar("T")

SMALL = 16_000
"""Tokens up to which a job is small, so that the process kept for small ones takes it."""

AGEING = 200_000.0
"""Tokens by which a job may be larger for each second that it came earlier."""


@dataclass(slots=True, order=True)
class _Entry(Generic[T]):
    rank: float
    number: int
    tokens: int = field(compare=False)
    item: T | None = field(compare=False)  # None once it was dropped


class JobQueue(Generic[T]):
    """A queue bounded by `capacity` tokens. Items are told apart by their number."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._small: list[_Entry[T]] = []
        self._large: list[_Entry[T]] = []
        self._entries: dict[int, _Entry[T]] = {}
        self.tokens = 0

    def __len__(self) -> int:
        return len(self._entries)

    def put(self, number: int, tokens: int, item: T, now: float) -> bool:
        """Let `item` wait; False where it does not fit. An empty queue takes an item of any size. `now`: seconds."""
        if self._entries and self.tokens + tokens > self._capacity:
            return False
        entry = _Entry(now * AGEING + tokens, number, tokens, item)
        heappush(self._small if tokens <= SMALL else self._large, entry)
        self._entries[number] = entry
        self.tokens += tokens
        return True

    def take(self, *, small: bool = False) -> T | None:
        """Take out the next item; with `small`, the next small one. None where there is none."""
        candidates = (self._small,) if small else (self._small, self._large)
        heaps = [heap for heap in candidates if _clear_top(heap)]
        if not heaps:
            return None
        entry = heappop(min(heaps, key=lambda heap: heap[0]))
        item = entry.item
        self._forget(entry)
        return item

    def drop(self, number: int) -> bool:
        """Let an item wait no more; False where it did not."""
        entry = self._entries.get(number)
        if entry is None:
            return False
        self._forget(entry)
        for heap in (self._small, self._large):
            if len(heap) > 2 * len(self._entries) + 16:  # those dropped still lie in it, emptied
                heap[:] = [kept for kept in heap if kept.item is not None]
                heapify(heap)
        return True

    def _forget(self, entry: _Entry[T]) -> None:
        del self._entries[entry.number]
        self.tokens -= entry.tokens
        entry.item = None


def _clear_top(heap: list[_Entry[T]]) -> bool:
    """Take dropped entries from the top of a heap; True where one that waits is left."""
    while heap and heap[0].item is None:
        heappop(heap)
    return bool(heap)
