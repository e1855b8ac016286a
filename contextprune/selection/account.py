"""What shortening a segment costs and saves, while a fill decides which of its spans stay."""

from __future__ import annotations

from dataclasses import dataclass, field

BAR = 1, 2  # tokens and characters of what parts a marker's words from its identifiers


@dataclass(slots=True)
class Account:
    """One movable segment's account: spans first..end, what is removed, its markers and identifiers, its gaps.

    homes   the spans whose gaps' markers name identifiers, in order
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
