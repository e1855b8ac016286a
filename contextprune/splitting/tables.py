"""Cut tables (CSV and its kin, Markdown) into rows that each need the header row."""

from __future__ import annotations

import re
from collections.abc import Iterable

from contextprune.context import Cut, Syntax, Unit
from contextprune.splitting.delimited import pattern_of
from contextprune.splitting.logs import record_groups
from contextprune.splitting.pieces import break_points

_ROW_LIMIT = 1500  # characters: a cut row is worth less than a long one, so rows may be longer than other spans
_RULE = re.compile(r"[ \t]*\|?[ \t]*:?-[-: \t|]*+\r?\n?")
_LINE = re.compile(r"[^\n]*\n|[^\n]+")


def cut_csv(text: str) -> list[Cut]:
    """The header row, then one cut a record, anchored to it; quoted fields may hold line breaks.

    `group` is set for records that differ in numbers and dates alone, where there are three or more of them.
    """
    cuts = _rows(text, (m.end() for m in pattern_of(text).finditer(text)), header=1, syntax=Syntax.LINES)
    groups = record_groups(text[each.start : each.end] for each in cuts)
    return [each._replace(group=group) if group else each for each, group in zip(cuts, groups, strict=True)]


def cut_table(text: str) -> list[Cut]:
    """The header row with the rule under it as one cut, then one cut a row, anchored to it."""
    first = text.find("\n") + 1
    ruled = first > 0 and _RULE.match(text, first)
    return _rows(text, (m.end() for m in _LINE.finditer(text)), header=2 if ruled else 1, syntax=Syntax.TABLE)


def _rows(text: str, ends: Iterable[int], header: int, syntax: Syntax) -> list[Cut]:
    """Cuts at `ends`: the first `header` lines are one, blank lines belong to the row above."""
    cuts: list[Cut] = []
    unit, start, line = Unit.ROW, 0, 0
    anchors: tuple[int, ...] = ()
    for end in ends:
        line += 1
        if line < header or end == start:
            continue
        if cuts and end - start <= 2 and text[start:end].isspace() and end - cuts[-1].start <= _ROW_LIMIT:
            cuts[-1] = cuts[-1]._replace(end=end)
        else:
            _append_row(cuts, text, Cut(start, end, unit, syntax, anchors))
            anchors = (0,)
        start = end
    if start < len(text):
        _append_row(cuts, text, Cut(start, len(text), unit, syntax, anchors))
    return cuts


def _append_row(cuts: list[Cut], text: str, row: Cut) -> None:
    """Append a row; the pieces of an endless one need the header and its first."""
    if row.end - row.start <= _ROW_LIMIT:
        cuts.append(row)
        return
    start, anchors, index = row.start, row.anchors, len(cuts)
    for point in break_points(text, start, row.end, _ROW_LIMIT):
        cuts.append(Cut(start, point, row.unit, row.syntax, anchors))
        start, anchors = point, (*row.anchors, index)
