"""Find the shapes in a text: tool results mix commands, code, diffs, JSON and logs in one block.

One expression gives each line a letter. A part that opens unmistakably (a diff, a fence, a JSON value, a page, a trace)
is followed to its end; runs of letters make listings and tables; all other lines are judged by their look.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from itertools import accumulate, pairwise
from typing import NamedTuple

from contextprune.splitting.columns import headed_rows, is_table
from contextprune.splitting.data import is_printed
from contextprune.splitting.delimited import delimited_end, may_head
from contextprune.splitting.diff import diff_end
from contextprune.splitting.logs import trace_length
from contextprune.splitting.opaque import block_length, may_be_block
from contextprune.splitting.shapes import Shape, by_name, judge

__all__ = ["Part", "Shape", "parts"]


class Part(NamedTuple):
    """A stretch of a text that has one shape; `language` is set for code whose language is known."""

    start: int
    end: int
    shape: Shape
    language: str | None


class _Rows(NamedTuple):
    """Like `Part`, in lines."""

    first: int
    last: int
    shape: Shape


_LETTER = re.compile(
    r"""(?P<b>\s*$)                                                               # blank
    |(?P<f>[ ]{0,3}(?:```|~~~))                                                   # a fence
    |(?P<d>diff\ --|commit\ [0-9a-f]{7,40}\b|Index:\ |---\ \S)                    # a diff
    |(?P<t>Traceback\ \(most\ recent|goroutine\ \d+\ \[)                          # a stack trace
    |(?P<H><!doctype\ html|<html|<!DOCTYPE\ html|<HTML|<\?xml\ )                    # a page
    |(?P<j>[{\[]\s*+(?:["\[{\]}]|-?\d[\d.]*+(?:[eE][+-]?\d++)?\s*+[,\]]|(?:true|false|null)\b|$))   # a JSON value
    |(?P<n>[ \t]{0,8}\d{1,7}(?:[:\t→-]|[ ]?\|))                                   # a numbered line
    |(?P<s>[ ]{0,3}\|[ ]?:?-{2,}[-:|\ ]*+\s*+$)                                   # a rule in a table
    |(?P<p>[ ]{0,3}\|.*\|\s*+$)                                                   # a row of a table
    |(?P<c>\$\ |[\w.-]{1,40}@[\w.-]{1,60}:\S{0,200}[\#$]|bash-[\d.]*+\$|\[File:\ |PS\ [A-Z]:  # a command, a header
        |(?:STDOUT|STDERR|[Ss]td(?:out|err)|OUTPUT|[Oo]utput):\s*$|</?(?:output|stdout|stderr|(?:tool_|function_)?results?)>\s*$
        |<(?:returncode|exit_?code)>[^<]{0,20}</|(?:Exit\ code|Wall\ time|Total\ output\ lines|Chunk\ ID):\ )
    |(?P<l>[-dlbcps][-r][-w][-xsStT][-rwxsStT]{6}|total\ \d+\s*$|[│├└`|\ ]{0,200}[├└`|](?:──|--)\ \S
        |[\w@~+\[\]{}$%=,-]*+[./][\w./@~+\[\]{}$%=,-]{1,300}(?::?\s*$|:\d{1,7}[:-]|-\d{1,7}-)  # a search result
        |\.{0,2}/[^\s:]++\s*$)                                                    # a path
    """,
    re.VERBOSE,
)
_ROOT = re.compile(
    r"<\?xml [^>]{0,200}>\s{0,20}(?:<!(?!--)[^>]{0,500}>\s{0,20}|<!--[^>]{0,2000}-->\s{0,20})?<([a-zA-Z][\w:.-]{0,60})"
)
_OPENERS = re.compile(r"[dfjtH]")
_RUNS = re.compile(r"(?P<table>ps[p]*+)|(?P<listing>[ln](?:b?[ln]){2,}+)")
_NUMBERED = re.compile(r"n{3,}+")
_NUMBER = re.compile(r"\s*(\d{1,7})(?!:\d\d)")
_CONSECUTIVE = 0.8
_NEVER_JOINED = frozenset({Shape.NUMBERED, Shape.JSON, Shape.JSONL, Shape.CSV, Shape.TABLE})  # with a neighbour
_MARKED = ((Shape.PROSE, Shape.MARKDOWN), (Shape.MARKDOWN, Shape.PROSE))
_TABLES_WITHIN = frozenset({Shape.LOG, Shape.OUTLINE})  # whose cutters know aligned tables
_FEW = 4  # rows that open no part of their own where they could go with a log or a Markdown text
_WHOLE_FILES = frozenset({Shape.PYTHON, Shape.CODE, Shape.HTML, Shape.XML, Shape.CSV})
_WORTH_CUTTING = 80  # characters of a JSON value
_BLANKS = " \t\r\n"
_FIRST = re.compile(r"\ufeff?[ \t\r\n]*+")
_LINE_END = re.compile(r"[ \t\r]*+\n[ \t\r\n]*+")
_VALUES = 3  # of several lines each that are records, as of a list that was printed one by one
_MISSES = 24  # failed attempts at JSON before giving up: each may cost the length of the text
_READ_IN_VAIN = 8  # times the text that may be read as JSON values which do not end their line


def parts(text: str, name: str | None = None) -> list[Part]:
    """The parts of `text`: contiguous, not empty, and together all of it. They begin and end at line ends."""
    if not text:
        return []
    if shape := _all_json(text) or (Shape.JSON if is_printed(text) else None):
        return [Part(0, len(text), shape, None)]

    hint, language = by_name(name)
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    letters = "".join([m.lastgroup or "." if (m := _LETTER.match(line)) else "." for line in lines])
    if hint in _WHOLE_FILES and "nnn" not in letters and "c" not in letters:
        return [Part(0, len(text), hint, language)]

    sniffer = _Sniffer(text, lines, letters, hint)
    offsets = sniffer.offsets
    return [
        Part(offsets[first], min(offsets[last], len(text)), shape, language if shape is Shape.CODE else None)
        for first, last, shape in _joined(sniffer.rows(), letters)
    ]


def _all_json(text: str) -> Shape | None:
    """The shape of a text that is JSON from end to end, however it is indented: a value, or records; else None."""
    end = len(text.rstrip(_BLANKS))
    at = _FIRST.match(text).end()  # type: ignore[union-attr]  # it matches anything
    is_small = end - at < _WORTH_CUTTING and "\n" not in text[at:end]  # of several lines it is no longer JSON once cut
    if end <= at or is_small or text[end - 1] not in '}]"':
        return None
    values = lines = 0
    while at < end:
        start = at
        try:
            at = _DECODER.raw_decode(text, start)[1] if text[start] in '{["' else start
        except (ValueError, RecursionError):
            return None
        if at == start or (at < end and not (line_end := _LINE_END.match(text, at))):
            return None
        values, lines = values + 1, lines + ("\n" not in text[start:at])
        at = line_end.end() if at < end and line_end else end

    if values == 1:
        return Shape.JSON
    return Shape.JSONL if values >= _VALUES or lines == values else None


class _Sniffer:
    """One text while it is sniffed; remembers what need not be looked for twice."""

    def __init__(self, text: str, lines: list[str], letters: str, hint: Shape | None) -> None:
        self.text, self.lines, self.letters, self.hint = text, lines, letters, hint
        self.offsets = list(accumulate((len(line) + 1 for line in lines), initial=0))
        wide = [may_head(line) for line in lines]
        self.heads = [
            row for row, line in enumerate(lines) if may_be_block(line) or (wide[row] and not (row and wide[row - 1]))
        ]  # rows at which a table or a block may begin
        self.opener = -1  # the row that `_opening` looked up last
        self.misses = 0
        self.read_in_vain = 0
        self.open_fences: set[str] = set()  # kinds of fences that nothing closes any more

    def rows(self) -> Iterator[_Rows]:
        """Follow each unmistakable opening; sniff the gaps by runs."""
        sniffed = at = 0
        while (first := self._opening(at)) < len(self.lines):
            last, shape = self._follow(first)
            if shape is not None:
                yield from self._runs(sniffed, first)
                yield _Rows(first, last, shape)
                sniffed = last
            at = max(first + 1, last)
        yield from self._runs(sniffed, len(self.lines))

    def _opening(self, at: int) -> int:
        """The next row from `at` on that may open a part."""
        if self.opener < at:
            opener = _OPENERS.search(self.letters, at)
            self.opener = opener.start() if opener else len(self.lines)
        head = bisect_left(self.heads, at)
        return min(self.opener, self.heads[head]) if head < len(self.heads) else self.opener

    def _follow(self, first: int) -> tuple[int, Shape | None]:
        follow = _FOLLOW.get(self.letters[first])
        last, shape = follow(self, first) if follow else (first + 1, None)
        return (last, shape) if shape else self.delimited(first, last)

    def delimited(self, first: int, last: int) -> tuple[int, Shape | None]:
        """A block of base64, or records that may hold line ends; (`last`, None) where none begins at `first`."""
        index = bisect_left(self.heads, first)
        if self.heads[index : index + 1] != [first]:
            return last, None
        if may_be_block(self.lines[first]) and (length := block_length(self.lines, first)):
            return first + length, Shape.LOG
        end = delimited_end(self.text, self.offsets[first])
        return (bisect_left(self.offsets, end), Shape.CSV) if end > self.offsets[first] else (last, None)

    def diff(self, first: int) -> tuple[int, Shape | None]:
        last, is_diff = diff_end(self.lines, first)
        return last, Shape.DIFF if is_diff else None

    def trace(self, first: int) -> tuple[int, Shape | None]:
        return first + max(1, trace_length(self.lines, first)), Shape.LOG

    def page(self, first: int) -> tuple[int, Shape | None]:
        start = self.offsets[first]
        root = _ROOT.match(self.text, start)
        if root and root[1].lower() != "html":
            end = self.text.rfind(f"</{root[1]}>", start)
            return (first + 1 + self.text.count("\n", start, end) if end >= 0 else len(self.lines)), Shape.XML
        ends = [end for closer in ("</html", "</HTML") if (end := self.text.find(closer, start)) >= 0]
        return (first + 1 + self.text.count("\n", start, min(ends)) if ends else len(self.lines)), Shape.HTML

    def fence(self, first: int) -> tuple[int, Shape | None]:
        opening = self.lines[first].strip()
        kind = opening[:3]
        length = len(opening) - len(opening.lstrip(kind[0]))
        if kind in self.open_fences:
            return first + 1, None
        row = first
        while (row := self.letters.find("f", row + 1)) >= 0:
            closing = self.lines[row].strip()
            if len(closing) >= length and not closing.strip(kind[0]):
                return row + 1, Shape.MARKDOWN
        self.open_fences.add(kind)
        return first + 1, None

    def json(self, first: int) -> tuple[int, Shape | None]:
        """A value that fills its lines; two and more that fill one line each, or three and more, are records."""
        ends = [first]
        while ends[-1] < len(self.lines) and self.letters[ends[-1]] == "j":
            last = self._json_end(ends[-1])
            if last == ends[-1]:
                break
            ends.append(last)
        if len(ends) == 1:
            return first + 1, None

        lines = 1 + next((k for k, (start, end) in enumerate(pairwise(ends)) if end > start + 1), len(ends) - 1)
        if len(ends) > _VALUES:
            return ends[-1], Shape.JSONL
        if lines > 2:
            return ends[lines - 1], Shape.JSONL
        return ends[1], Shape.JSON if ends[1] > first + 1 or len(self.lines[first]) >= _WORTH_CUTTING else None

    def _json_end(self, first: int) -> int:
        """The row after the JSON value that begins at `first`; `first` where there is none."""
        if self.misses >= _MISSES or self.read_in_vain > _READ_IN_VAIN * len(self.text):
            return first
        start = self.offsets[first]
        try:
            _, end = _DECODER.raw_decode(self.text, start)
        except (ValueError, RecursionError):
            self.misses += 1
            return first
        last = first + 1 + self.text.count("\n", start, end)
        tail = self.text[end : self.offsets[last] - 1]
        if tail.strip(" \t\r,"):
            self.read_in_vain += end - start
            return first
        return last

    def _runs(self, first: int, last: int) -> Iterator[_Rows]:
        """Tables and listings between `first` and `last`, and the rows around them."""
        sniffed = first
        for run in _RUNS.finditer(self.letters, first, last):
            for rows in self._table(run) if run["table"] else self._listing(run.start(), run.end()):
                yield from self._judged(sniffed, rows.first)
                yield rows
                sniffed = rows.last
        yield from self._judged(sniffed, last)

    def _table(self, run: re.Match[str]) -> Iterator[_Rows]:
        yield _Rows(run.start(), run.end(), Shape.TABLE)

    def _listing(self, first: int, last: int) -> Iterator[_Rows]:
        """Consecutive numbers are a numbered file; entries with paths, or with rising numbers, are a listing."""
        if is_table(self.lines, first, last):
            return  # rows that open with an id
        start = first
        for run in _NUMBERED.finditer(self.letters, first, last):
            if self._steps(*run.span(), exact=True) >= _CONSECUTIVE:
                if "l" in self.letters[start : run.start()]:
                    yield _Rows(start, run.start(), Shape.LISTING)
                yield _Rows(*run.span(), Shape.NUMBERED)
                start = run.end()
        if start < last and ("l" in self.letters[start:last] or self._steps(start, last, exact=False) >= _CONSECUTIVE):
            yield _Rows(start, last, Shape.LISTING)

    def _steps(self, first: int, last: int, *, exact: bool) -> float:
        """The share of steps between numbered lines that go up, `exact`ly by one."""
        numbers = [int(m[1]) if (m := _NUMBER.match(line)) else -1 for line in self.lines[first:last]]
        rising = sum((b - a == 1 if exact else b > a) and a >= 0 for a, b in pairwise(numbers))
        return rising / max(1, len(numbers) - 1)

    def _is_table(self, first: int, last: int) -> bool:
        """Whether half of the rows stand under the header of an aligned table."""
        solid = last - first - self.letters.count("b", first, last)
        return 2 * len(headed_rows(self.lines[first:last])) >= solid > 0

    def _judged(self, first: int, last: int) -> Iterator[_Rows]:
        """Rows that nothing gives away, judged from command to command."""
        while first < last:
            if self.letters[first] == "c":
                yield _Rows(first, first + 1, Shape.LOG)
                first += 1
                continue
            end = self.letters.find("c", first, last)
            end = last if end < 0 else end
            brief = end - first < 3 and first > 0 and self.letters[first - 1] == "c"  # the output of a command
            shape = Shape.LOG if brief else judge(self.lines[first:end], self.hint)
            if shape not in _TABLES_WITHIN and self._is_table(first, end):
                shape = Shape.LOG
            yield _Rows(first, end, shape)
            first = end


_DECODER = json.JSONDecoder(parse_int=len, parse_float=len, parse_constant=len)
_FOLLOW: Mapping[str, Callable[[_Sniffer, int], tuple[int, Shape | None]]] = {
    "d": _Sniffer.diff,
    "f": _Sniffer.fence,
    "j": _Sniffer.json,
    "t": _Sniffer.trace,
    "H": _Sniffer.page,
}


def _joined(sniffed: Iterator[_Rows], letters: str) -> list[_Rows]:
    """Neighbours of one shape as one; blank rows go with what is before them, or after them at the start."""
    rows: list[_Rows] = []
    for row in sniffed:
        shape = _together(rows[-1], row, letters) if rows else None
        if shape is None:
            rows.append(row)
        else:
            rows[-1] = _Rows(rows[-1].first, row.last, shape)
    return rows


def _together(before: _Rows, row: _Rows, letters: str) -> Shape | None:
    """The shape of `row` and its predecessor as one part; None where they stay apart."""
    shapes = (before.shape, row.shape)
    few = row.last - row.first <= _FEW and letters[row.first] != "c"
    if not letters[row.first : row.last].strip("b"):
        return before.shape
    if before.first == 0 and not letters[: before.last].strip("b"):
        return row.shape
    if before.shape is row.shape and row.shape not in _NEVER_JOINED:
        return row.shape
    if shapes in _MARKED or (few and shapes == (Shape.MARKDOWN, Shape.LOG)):
        return Shape.MARKDOWN
    return Shape.LOG if few and shapes == (Shape.LOG, Shape.PROSE) else None
