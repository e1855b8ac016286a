"""HTML and XML: blocks (paragraphs, items, rows, headings, scripts) are spans, and no cut falls into a tag.

Pages that agents fetch are broken more often than not, so this is a forgiving scanner of its own: it never looks twice
at the same text, needs no closing tags, and takes all that it does not understand for text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from contextprune.context import Cut, Syntax, Unit
from contextprune.splitting.lines import LONG, pieces

_NAME = re.compile(r"</?([a-zA-Z][\w:.-]{0,60})")
_ATTRIBUTES = re.compile(r"(?:[^<>\"']++|\"[^\"]*+\"|'[^']*+')*+")
_ENTITY = re.compile(r"&#?\w{1,31};")
_SPECIAL = (("<!--", "-->"), ("<![CDATA[", "]]>"), ("<?", "?>"), ("<!", ">"))
_RAW = frozenset({"script", "style"})
_BLOCK_NAMES = """
    address article aside base blockquote body br button caption center dd details dialog div dl dt fieldset figcaption
    figure footer form h1 h2 h3 h4 h5 h6 head header hr html iframe legend li link main menu meta nav noscript ol
    optgroup option p pre script section select style summary table tbody template textarea tfoot thead title tr ul
    video
"""
_BLOCKS = frozenset(_BLOCK_NAMES.split())
_SOLID = frozenset(
    {"button", "iframe", "img", "input", "link", "meta", "option", "script", "select", "style", "svg", "video"}
)
_CELLS = frozenset({"td", "th"})
_UNITS = {"tr": Unit.ROW, "li": Unit.ITEM, "script": Unit.BLOCK, "style": Unit.BLOCK}


class Tag(NamedTuple):
    """A tag, or a comment, a declaration and the like."""

    start: int
    end: int
    name: str  # "" for comments, declarations and the like
    closing: bool


def cut_html(text: str) -> list[Cut]:
    """Cut a page into its blocks; long ones fall into sentences. Cuts tile `text`.

    A table's rows are anchored to its header row, the pieces of a row to its first piece.
    """
    page = _Page(text)
    for tag in tags(text):
        page.take(tag)
    return page.cuts()


class _Page:
    """The blocks of a page while it is read. A block begins at a block's tag if the one before it says something."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.blocks: list[tuple[int, Unit, int]] = []  # start, unit, block of the table's header row (-1: none)
        self.atoms: list[tuple[int, int]] = []
        self.start = self.last = 0  # of the open block; where the last tag ended
        self.unit = Unit.SENTENCE
        self.header = -1
        self.says = False  # whether the open block has any content
        self.closed = False  # whether a block's tag closed and content of another would begin
        self.tables: list[int | None] = []  # block of the header row; None before the first row
        self.cells: set[str] = set()  # kinds of cells in the open row
        self.row = -1  # block of the open row

    def take(self, tag: Tag) -> None:
        """Read the text before `tag`, then the tag."""
        gap = self.text[self.last : tag.start]
        if gap and not gap.isspace():
            if self.closed and self.row < 0:
                self._begin(self.last + len(gap) - len(gap.lstrip()), Unit.SENTENCE)
            self.says, self.closed = True, False
        name, boundary = tag.name, tag.name in _BLOCKS
        if boundary and not tag.closing and (self.row < 0 or name == "tr" or tag.start - self.start > LONG):
            indent = len(gap) - len(gap.rstrip(" \t"))
            indent = indent if indent < len(gap) and gap[-indent - 1] == "\n" else 0
            self._begin(tag.start - indent, _UNITS.get(name, Unit.SENTENCE))
        self.says = self.says or name in _SOLID
        self.closed = (self.closed or tag.closing) if boundary else self.closed
        self._table(name, tag.closing)
        self.atoms.append((tag.start, tag.end))
        self.last = tag.end

    def cuts(self) -> list[Cut]:
        if not self.text:
            return []
        self.says = True
        self._begin(len(self.text), Unit.SENTENCE)

        ends = [block[0] for block in self.blocks[1:]] + [len(self.text)]
        firsts: list[int] = []  # index of each block's first cut
        cuts: list[Cut] = []
        atom = 0
        for (begin, unit, header), end in zip(self.blocks, ends, strict=True):
            start, first = begin, atom
            while atom < len(self.atoms) and self.atoms[atom][0] < end:
                atom += 1
            firsts.append(len(cuts))

            anchors = (firsts[header],) if 0 <= header < len(firsts) - 1 else ()
            for point in _points(self.text, begin, end, unit, self.atoms[first:atom]):
                cuts.append(Cut(start, point, unit, Syntax.HTML, anchors))
                start = point
                anchors = (firsts[-1],) if unit is Unit.ROW else anchors
        return cuts

    def _begin(self, at: int, unit: Unit) -> None:
        """End the open block at `at`, if it has anything to say or has grown long without."""
        if at > self.start and (self.says or at - self.start > LONG):
            self.blocks.append((self.start, self.unit, self.header))
            self.start, self.says = at, False
            self.unit, self.header = unit, -1
        elif unit is not Unit.SENTENCE:
            self.unit = unit
        self.closed = False

    def _table(self, name: str, closing: bool) -> None:
        """Keep account of tables: the first row is the header row if it has header cells and no others."""
        if name in _CELLS and not closing:
            self.cells.add(name)
        elif name == "table":
            self._end_row()
            if not closing:
                self.tables.append(None)
            elif self.tables:
                self.tables.pop()
        elif name == "tr":
            self._end_row()
            if not closing:
                self.row = len(self.blocks)
                self.unit = Unit.ROW
                header = self.tables[-1] if self.tables else None
                self.header = -1 if header is None else header

    def _end_row(self) -> None:
        if self.row >= 0 and self.tables and self.tables[-1] is None:
            self.tables[-1] = self.row if self.cells == {"th"} else -1
        self.row = -1
        self.cells.clear()


def _points(text: str, start: int, end: int, unit: Unit, tags: list[tuple[int, int]]) -> list[int]:
    """Ends of the pieces of a block: at line ends in code, at sentence ends in text, never in a tag or an entity."""
    if end - start <= LONG:
        return [end]
    if unit is Unit.BLOCK:
        return _line_points(text, start, end)
    atoms = sorted([*tags, *(entity.span() for entity in _ENTITY.finditer(text, start, end))])
    apart = [atom for atom, before in zip(atoms, [(0, 0), *atoms], strict=False) if atom[0] >= before[1]]
    return [*pieces(text, start, end, apart), end]


def _line_points(text: str, start: int, end: int) -> list[int]:
    points: list[int] = []
    while (newline := text.find("\n", start + LONG, end - 1)) >= 0:
        start = newline + 1
        points.append(start)
    return [*points, end]


def tags(text: str) -> Iterator[Tag]:
    """Yield the tags of `text` in order. A start of a tag without an end is text."""
    hopeless: set[str] = set()  # closers that do not occur any more: not to be looked for again
    at = text.find("<")
    while 0 <= at < len(text):
        end, name = _tag_end(text, at, hopeless)
        if end > 0:
            closing = text.startswith("</", at)
            yield Tag(at, end, name, closing)
            if name in _RAW and not closing:
                end = _raw_end(text, end, name, hopeless)
            at = text.find("<", end)
        else:
            at = text.find("<", max(at + 1, -end))


def _tag_end(text: str, at: int, hopeless: set[str]) -> tuple[int, str]:
    """(end, name) of the tag at `at`; where none is, minus the offset up to which nothing needs another look."""
    named = _NAME.match(text, at)
    if named:
        end = _ATTRIBUTES.match(text, named.end())
        stop = end.end() if end else named.end()
        return (stop + 1, named[1].lower()) if text.startswith(">", stop) else (-stop, "")
    for opener, closer in _SPECIAL:
        if text.startswith(opener, at):
            close = -1 if closer in hopeless else text.find(closer, at + len(opener))
            if close >= 0:
                return close + len(closer), ""
            hopeless.add(closer)
            return -(at + len(opener)), ""
    return -(at + 1), ""


def _raw_end(text: str, at: int, name: str, hopeless: set[str]) -> int:
    """Start of the closing tag of a script or style that opened before `at`; `at` if it never closes."""
    closer = "</" + name
    for spelled in (closer, closer.upper()):
        close = -1 if spelled in hopeless else text.find(spelled, at)
        if close >= 0:
            return close
        hopeless.add(spelled)
    return at
