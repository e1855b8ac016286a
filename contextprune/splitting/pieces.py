"""Break spans that are too long, and place the cuts of a part in the text that holds it.

Every cutter ends here, so that one endless line costs linear time and no cut tears a character from its accents.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from contextprune.context import Cut

LIMIT = 600  # characters: a longer span would be an all-or-nothing choice about a whole paragraph

_CLAUSE_ENDS = ("\n", "; ", ", ", ";", "，", "、", ",", " ", "\t")  # noqa: RUF001 - full-width on purpose; best first
_JOINER = "\u200d"  # glues the parts of one emoji


def break_points(text: str, start: int, end: int, limit: int = LIMIT) -> list[int]:
    """Ends of the pieces of `text[start:end]`, each at most `limit` characters; the last one is `end`."""
    points = []
    while end - start > limit:
        start = _best_break(text, start, start + limit)
        points.append(start)
    points.append(end)
    return points


def _best_break(text: str, start: int, high: int) -> int:
    low = start + (high - start) // 2
    for mark in _CLAUSE_ENDS:
        index = text.rfind(mark, low, high)
        if index >= 0:
            return _whole_character(text, low, index + len(mark))
    return _whole_character(text, low, high)


def _whole_character(text: str, low: int, point: int) -> int:
    """The nearest offset at or before `point` that does not part a character from its marks."""
    for at in range(point, max(low, point - 32), -1):
        if not _continues(text[at - 1], text[at]):
            return at
    return point


def _continues(before: str, after: str) -> bool:
    if after < "\u0300":
        return before == _JOINER or (before == "\r" and after == "\n")
    if _JOINER in (before, after) or "\U0001f3fb" <= after <= "\U0001f3ff":  # skin tones
        return True
    return unicodedata.category(after)[0] == "M"


def append_cuts(cuts: list[Cut], text: str, cut: Cut) -> None:
    """Append `cut`, or its pieces with the same anchors where it is too long for one span."""
    start, end, unit, syntax, anchors, group = cut
    if end - start <= LIMIT:
        cuts.append(cut)
        return
    for point in break_points(text, start, end):
        cuts.append(Cut(start, point, unit, syntax, anchors, group))
        start = point


def rebase(cuts: Sequence[Cut], offset: int, base: int, anchors: tuple[int, ...] = ()) -> list[Cut]:
    """Cuts of a part, as cuts of the whole: `offset` characters and `base` cuts come first.

    `anchors` (indices in the whole) are added to every cut.
    """
    if not (offset or base or anchors):
        return list(cuts)
    return [
        Cut(start + offset, end + offset, unit, syntax, (*(anchor + base for anchor in within), *anchors), group)
        for start, end, unit, syntax, within, group in cuts
    ]
