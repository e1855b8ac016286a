"""What shortening a segment costs and saves, while a fill decides which of its spans stay."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from dataclasses import dataclass, field

BAR = 1, 2  # tokens and characters of what parts a marker's words from its identifiers


@dataclass(slots=True)
class Account:
    """One movable segment's account: spans first..end, what is removed, its markers and identifiers, its gaps.

    homes    the spans whose gaps' markers name identifiers, in order
    changes  to what is kept and named of the segment so far
    """

    first: int
    end: int
    key: int = 0
    key_chars: int = 0
    removed: int = 0
    chars: int = 0
    markers: int = 0
    marker_chars: int = 0
    identifiers: int = 0
    identifier_chars: int = 0
    gaps: list[int] = field(default_factory=list)
    ends: dict[int, int] = field(default_factory=dict)
    homes: list[int] = field(default_factory=list)
    changes: int = 0

    def gap_at(self, i: int) -> tuple[int, int]:
        """The bounds of the gap that span `i` lies in."""
        first = self.gaps[bisect_right(self.gaps, i) - 1]
        return first, self.ends[first]

    def open(self, first: int, end: int) -> None:
        """Spans first..end are a gap from now on."""
        insort(self.gaps, first)
        self.ends[first] = end

    def close(self, first: int) -> None:
        """The gap that begins with span `first` is none any more."""
        del self.gaps[bisect_left(self.gaps, first)]
        del self.ends[first]
