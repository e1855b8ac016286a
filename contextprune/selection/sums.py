"""Sums over ranges of a list of numbers that change: both take a logarithm of its length (Fenwick 1994)."""

from __future__ import annotations


class Sums:
    """Pairs of whole numbers by index, all 0 at first."""

    def __init__(self, size: int) -> None:
        self._first = [0] * (size + 1)
        self._second = [0] * (size + 1)

    def add(self, index: int, first: int, second: int) -> None:
        """Add to the pair at `index`."""
        index += 1
        while index < len(self._first):
            self._first[index] += first
            self._second[index] += second
            index += index & -index

    def between(self, start: int, end: int) -> tuple[int, int]:
        """The sums of the pairs at start..end."""
        first = second = 0
        while end > start:
            first += self._first[end]
            second += self._second[end]
            end &= end - 1
        while start > end:
            first -= self._first[start]
            second -= self._second[start]
            start &= start - 1
        return first, second
