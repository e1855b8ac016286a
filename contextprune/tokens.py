"""Token counters. Counting works offline: the o200k vocabulary ships with the package, and a labelled estimate is the
last resort; nothing here ever downloads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Counter(Protocol):
    """Counts tokens. `name` is part of every cache key, so it changes when the counts would."""

    name: str

    def __call__(self, text: str) -> int:
        """Tokens of `text`."""
        ...

    def pieces(self, text: str, ends: Sequence[int]) -> list[int]:
        """Tokens that start in each piece of `text`; `ends` are the pieces' end offsets, rising, the last `len(text)`.

        The sum equals `self(text)`: the text is encoded once, however many pieces it has.
        """
        ...
