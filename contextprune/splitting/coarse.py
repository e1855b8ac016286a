"""Fewer and longer spans where a text falls into very many short ones.

To decide a span takes as long however short it is, so a text of tiny lines or numbers would take a hundred times as
long as another of its size. Short lines that need the same are joined; where that does not help, a text stays in one.
"""

from __future__ import annotations

from collections.abc import Sequence

from contextprune.context import Cut, Syntax, Unit

MOST_SPANS = 8_000  # of a text that may be short; by hand: a third of a second
FINE = 30  # characters of a span, on average, below which they are short; by hand: 1.5 seconds a megabyte
_LONGEST = 120  # characters of lines that are joined


def coarsened(text: str, cuts: Sequence[Cut]) -> Sequence[Cut]:
    """The cuts of a text as they are, or with short lines joined where they are too many, or all of it as one."""
    if not _too_many(text, cuts):
        return cuts
    joined = _joined(text, cuts)
    return [Cut(0, len(text), Unit.WHOLE, Syntax.LINES)] if _too_many(text, joined) else joined


def _too_many(text: str, cuts: Sequence[Cut]) -> bool:
    return len(cuts) > MOST_SPANS and len(text) < FINE * len(cuts)


def _joined(text: str, cuts: Sequence[Cut]) -> list[Cut]:
    """The cuts with neighbours made one that are whole lines of one kind, need the same, and are needed by none."""
    needed = {anchor for each in cuts for anchor in each.anchors}
    joined: list[Cut] = []
    numbers: list[int] = []  # of the cut that stands for each, in the new list

    for i, each in enumerate(cuts):
        before = joined[-1] if joined else None
        if (
            before is not None
            and not needed.intersection((i - 1, i))
            and (before.unit, before.syntax, before.anchors) == (each.unit, each.syntax, each.anchors)
            and each.end - before.start <= _LONGEST
            and text[each.start - 1] == text[each.end - 1] == "\n"
        ):
            joined[-1] = Cut(before.start, each.end, each.unit, each.syntax, each.anchors)
        else:
            joined.append(each)
        numbers.append(len(joined) - 1)
    return [each._replace(anchors=tuple(numbers[anchor] for anchor in each.anchors)) for each in joined]
