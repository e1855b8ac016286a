"""Fewer and longer spans where a text falls into very many short ones.

To decide a span takes as long however short it is, so a text of tiny lines or numbers would take a hundred times as
long as another of its size. Short lines that need the same are joined; where that does not help, a text stays in one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from contextprune.context import BLOCKS, Cut, Segment, Span, Syntax, Unit
from contextprune.splitting.pieces import append_cuts

MOST_SPANS = 8_000  # of a text that may be short; by hand: a third of a second
FINE = 30  # characters of a span, on average, below which they are short; by hand: 1.5 seconds a megabyte
SHORT_LINE = 12  # characters of a line, on average, below which very many are joined unread; by hand: no code has such
_LONGEST = 120  # characters of lines that are joined
_STRUCTURE = re.compile(r"\A\s*+[\[{\"]|^(?:[ \t]*+[\[{][ \t]*+$|`{3}|~{3}|diff |--- |\+\+\+ |@@ )", re.MULTILINE)
"""How a text begins, or one of its lines, that must not be torn at any line."""


def most_cuts(characters: int) -> int:
    """Cuts of a text of so many characters beyond which it falls into too many."""
    return max(MOST_SPANS, characters // FINE)


def short_lines(text: str) -> list[Cut] | None:
    """The cuts of a text of very many very short lines, as many joined as go into one; None for any other text."""
    lines = text.count("\n") + 1
    if lines <= MOST_SPANS or len(text) >= SHORT_LINE * lines or _STRUCTURE.search(text):
        return None
    cuts: list[Cut] = []
    start = 0
    while start < len(text):
        end = text.rfind("\n", start, start + _LONGEST) + 1 or text.find("\n", start) + 1 or len(text)
        append_cuts(cuts, text, Cut(start, end, Unit.LINE, Syntax.LINES))
        start = end
    return cuts


def is_uncut(segment: Segment, span: Span) -> bool:
    """Whether a span is a text, or a part of one, that was not cut since it falls into too many pieces."""
    return span.unit is Unit.WHOLE and len(span.text) > MOST_SPANS and segment.editable and segment.kind in BLOCKS


def coarsened(text: str, cuts: Sequence[Cut]) -> Sequence[Cut]:
    """The cuts of a text as they are, or with short lines joined where they are too many, or all of it as one."""
    if not _too_many(text, cuts):
        return cuts
    joined = _joined(text, cuts)
    return [Cut(0, len(text), Unit.WHOLE, Syntax.LINES)] if _too_many(text, joined) else joined


def _too_many(text: str, cuts: Sequence[Cut]) -> bool:
    return len(cuts) > most_cuts(len(text))


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
