"""Cut text whose indentation, or whose headings in brackets, say what belongs to what.

YAML, described resources, INI, TOML, plans of changes and trees of roles: one rule serves them all, and their
fragments, which a parser refuses. A line needs the line that it is indented under. A dash opens an item, which may
stand in the column of the key above it; an item needs the line that names it. Where signs mark changes (`~`, `+`,
`-/+`), they are part of the indentation.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from contextprune.context import Cut, Syntax, Unit
from contextprune.splitting.columns import headed_rows, is_rule
from contextprune.splitting.lines import LONG, TRIVIAL, escapes, pieces
from contextprune.splitting.logs import template_groups
from contextprune.splitting.opaque import block_length, is_minified

_SECTION = re.compile(r"\[{1,2}[^\[\]\n]{1,200}\]{1,2}\s*(?:[#;][^\n]*+)?$")
_ITEM = re.compile(r"[ \t]*+((?:-[ \t]++)+|-$)")
_SIGN = re.compile(r"[ \t]*+(?:-/\+|\+/-|<=|[-+~!])[ \t]++")
_CHANGES = re.compile(r"^[ \t]{0,40}(?:~|\+|-/\+|\+/-)[ \t]++[\w\"#]", re.MULTILINE)
_STAGE = re.compile(r"[ \t]*+->[ \t]")
"""A stage of a plan: it says all that it is, and only its details need it."""
_NAME = re.compile(r"""["']?(?:name|id|key|title|role|uses|Name|ID)["']?[ \t]*+[:=]""")


class _Level(NamedTuple):
    """A line that later ones may be indented under. `item`: it is the dash of an item, not the key behind it."""

    column: int
    cut: int
    item: bool


def cut_outline(text: str) -> list[Cut]:
    """One cut a line, anchored to the line that it is indented under and to the name of its item; cuts tile `text`.

    Under a section in brackets, lines at the margin need its header; rows of an aligned table need the header row.
    """
    if not text:
        return []
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    outline = _Outline(text, headed_rows(lines), signed=_CHANGES.search(text) is not None)
    row = at = 0
    while row < len(lines):
        length = block_length(lines, row) or 1
        end = min(len(text), at + sum(map(len, lines[row : row + length])) + length)
        outline.take(row, lines[row], at, end)
        row, at = row + length, end
    groups = template_groups(text, outline.covers)
    return [each._replace(group=group) if group else each for each, group in zip(outline.cuts, groups, strict=True)]


class _Outline:
    """The cuts of one text while it is read."""

    def __init__(self, text: str, headers: dict[int, int], *, signed: bool) -> None:
        self.text, self.headers, self.signed = text, headers, signed
        self.cuts: list[Cut] = []
        self.levels: list[_Level] = []  # columns rising
        self.section: tuple[int, ...] = ()
        self.cut_of_row: dict[int, int] = {}  # of header rows
        self.header_rows = frozenset(headers.values())
        self.named: set[int] = set()  # items whose name has been read
        self.covers: list[tuple[int, int]] = []  # (row, number of rows) of the template of each cut

    def take(self, row: int, line: str, start: int, end: int) -> None:
        """Read one line, or a block that is one."""
        if self.cuts and ((not line.strip(TRIVIAL) and not _ITEM.match(line)) or is_rule(line)):
            self.cuts[-1] = self.cuts[-1]._replace(end=end)
            return
        if row in self.header_rows:
            self.cut_of_row[row] = len(self.cuts)
        if row in self.headers:
            self._append(line, row, start, end, (self.cut_of_row[self.headers[row]],))
        elif line[:1] == "[" and _SECTION.match(line):
            self.levels.clear()
            self._append(line, row, start, end, ())
            self.section = (len(self.cuts) - 1,)
        else:
            self._nested(line, row, start, end)

    def _nested(self, line: str, row: int, start: int, end: int) -> None:
        column, content, item = self._columns(line)
        while self.levels and (
            self.levels[-1].column > column or (self.levels[-1].column == column and (self.levels[-1].item or not item))
        ):
            self.levels.pop()
        parent = self.levels[-1] if self.levels else None
        index = len(self.cuts)
        if item:
            self._name(index, line, content - column + len(line) - len(line.lstrip()))
        elif parent and parent.item:
            self._name(parent.cut, line, len(line) - len(line.lstrip()))
        apart = _STAGE.match(line) is not None
        self._append(line, row, start, end, (parent.cut,) if parent and not apart else self.section)
        self.levels.append(_Level(column, index, item))
        if item:
            self.levels.append(_Level(content, index, item=False))

    def _columns(self, line: str) -> tuple[int, int, bool]:
        """The column of a line, the column of what stands behind its dashes, and whether it has any."""
        sign = _SIGN.match(line) if self.signed else None
        item = None if self.signed else _ITEM.match(line)
        if sign:
            return sign.end(), sign.end(), False
        blanks = len(line) - len(line.lstrip())
        width = blanks + 3 * line.count("\t", 0, blanks)  # a tab is four columns
        if item is None:
            return width, width, False
        return width, width + len(item[1]) + (item[1] == "-"), True

    def _name(self, item: int, line: str, content: int) -> None:
        """Where a line names the item that opened at `item`, the item needs it."""
        if item not in self.named and _NAME.match(line, content):
            self.named.add(item)
            if item < len(self.cuts):
                opening = self.cuts[item]
                self.cuts[item] = opening._replace(anchors=(*opening.anchors, len(self.cuts)))

    def _append(self, line: str, row: int, start: int, end: int, anchors: tuple[int, ...]) -> None:
        if end - start <= LONG or "\n" in self.text[start : end - 1] or is_minified(line):
            self.cuts.append(Cut(start, end, Unit.LINE, Syntax.LINES, anchors))
            self.covers.append((row, 1))
            return
        for point in (*pieces(self.text, start, end, escapes(self.text, start, end)), end):
            self.cuts.append(Cut(start, point, Unit.SENTENCE, Syntax.PROSE, anchors))
            self.covers.append((row, 0))
            start = point
