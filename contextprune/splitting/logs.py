"""Program output: one line is one span, a stack trace is one record, and repeated templates share a group.

Spans are kept as starts only (each ends where the next begins), so a line is attached by not starting a span. Templates
are found in the whole text at once, as bytes: a regular expression for each line would cost more than all the rest.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b

from contextprune.context import Cut, Syntax, Unit
from contextprune.splitting.columns import headed_rows, is_rule
from contextprune.splitting.lines import LONG, TRIVIAL, escapes, pieces, rows
from contextprune.splitting.nesting import TAB
from contextprune.splitting.opaque import block_length, is_minified
from contextprune.splitting.paragraphs import paragraph_heads

_TRACE_LINES = 60  # a longer trace falls into pieces
_PIECE_LINES = 30
_REPEATS = 3

_SECTION = re.compile(r"_{3,} .{1,300} _{3,}\r?$|(?:FAIL|ERROR): \S")
_SECTION_END = re.compile(r"={3,} .{1,300} ={3,}\r?$|Ran \d+ tests?\b")
_TRACE_WORDS = ("Traceback (most recent call last):", "goroutine ", "stack backtrace:")
_TRACE = re.compile(r"([\s+|]{0,40})(?:Exception Group )?(Traceback \(most|goroutine \d+ \[|stack backtrace:)")
_FRAMES = ("at ", "... ", "Caused by: ", "Suppressed: ", "from /")
_CAUSES = ("Caused by: ", "During handling of the above", "The above exception was")

_HEX = re.compile(rb"[0-9a-fA-F]{7,}")
_DETAIL = b"0123456789 .,:-=#"  # numbers, dates, padding and the bars of progress
_BARS = tuple(bar.encode() for bar in "█▉▊▋▌▍▎▏░▒▓━╸╺")  # what progress bars are drawn with


def cut_log(text: str) -> list[Cut]:
    """Cut program output into lines and records; the cuts tile `text`.

    Indented lines are anchored to the line that they continue, lines of a test's failure to its heading, and the later
    pieces of a very long trace to the first. `group` is set where a template occurs three times or more.
    """
    if not text:
        return []
    lines = rows(text)
    log = _Log(text)
    log.read(lines)
    return log.cuts(template_groups(text, log.covers))


class _Log:
    """The spans of one text while it is read: parallel lists, an item for each span."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.redraws = text.count("\r") > text.count("\r\n")
        self.traced = any(word in text for word in _TRACE_WORDS)
        self.starts: list[int] = []
        self.units: list[Unit] = []
        self.syntaxes: list[Syntax] = []
        self.anchors: list[tuple[int, ...]] = []
        self.covers: list[tuple[int, int]] = []  # (first row, number of rows) of the template
        self.head: tuple[int, ...] = ()  # the line that indented lines continue
        self.levels: list[tuple[int, int]] = []  # (columns, span) of indented lines that others may be indented under
        self.headers: Mapping[int, int] = {}  # row of an aligned table, or of a record -> row of what heads it
        self.span_of: dict[int, int] = {}  # header row -> its span
        self.section: tuple[int, ...] = ()  # the heading of the test that failed

    def read(self, lines: Sequence[str]) -> None:
        self.headers = {**paragraph_heads(lines), **headed_rows(lines)}
        self.span_of = dict.fromkeys(self.headers.values(), -1)
        row = at = 0
        while row < len(lines):
            line = lines[row]
            length = 1  # rows that are read in this step
            if len(line) > LONG:
                self.levels.clear()
                self._long(line, row, at)
            elif block := block_length(lines, row):
                self.levels.clear()
                self.head = (self._open(at, (row, block), Unit.RECORD, self.section),)
                length = block
            elif not line.strip(TRIVIAL) or is_rule(line):
                pass  # it belongs to the span before it
            elif self.traced and (trace := trace_length(lines, row)):
                self._trace(lines, row, trace, at)
                length = trace
            elif line[0] in " \t":
                self._indented(line, row, at)
            else:
                self._flush_left(line, row, at)

            at += len(line) + 1
            for follower in lines[row + 1 : row + length]:
                at += len(follower) + 1
            row += length

    def cuts(self, groups: Sequence[str | None]) -> list[Cut]:
        if not self.starts:
            return [Cut(0, len(self.text), Unit.LINE, Syntax.LINES)]
        self.starts[0] = 0
        ends = [*self.starts[1:], len(self.text)]
        columns = zip(self.starts, ends, self.units, self.syntaxes, self.anchors, groups, strict=True)
        return [Cut(*column) for column in columns]

    def _open(self, at: int, cover: tuple[int, int], unit: Unit, anchors: tuple[int, ...]) -> int:
        inline = self.redraws and (self._redrawn(at - 1) or self._redrawn(at + self._width(at)))
        self.starts.append(at)
        self.units.append(unit)
        self.syntaxes.append(Syntax.PROSE if inline else Syntax.LINES)
        self.anchors.append(anchors)
        self.covers.append(cover)
        return len(self.starts) - 1

    def _width(self, at: int) -> int:
        """Distance from `at` to the first line end, looking no further than a line may be long."""
        ends = (self.text.find("\r", at, at + LONG), self.text.find("\n", at, at + LONG))
        return min((end - at for end in ends if end >= 0), default=0)

    def _redrawn(self, at: int) -> bool:
        return 0 <= at < len(self.text) - 1 and self.text[at] == "\r" and self.text[at + 1] != "\n"

    def _flush_left(self, line: str, row: int, at: int) -> None:
        if line.startswith(_CAUSES) and self.units and self.units[-1] is Unit.RECORD:
            self._join(row, at)
            return
        self.levels.clear()
        if line[0] in "=R" and _SECTION_END.match(line):
            self.section = ()
        heading = line[0] in "_FE" and _SECTION.match(line)
        anchors = () if heading else self._header(row) or self.section
        self.head = (self._open(at, (row, 1), Unit.LINE, anchors),)
        if heading:
            self.section = self.head

    def _indented(self, line: str, row: int, at: int) -> None:
        if self.starts and line.lstrip().startswith(_FRAMES):
            self._join(row, at)
            return
        blanks = len(line) - len(line.lstrip())
        column = blanks + (TAB - 1) * line.count("\t", 0, blanks)
        while self.levels and self.levels[-1][0] >= column:
            self.levels.pop()
        parent = (self.levels[-1][1],) if self.levels else self.head or self.section
        if line.startswith("-> ", blanks):
            parent = self.section  # a stage of a plan says all that it is
        self.levels.append((column, self._open(at, (row, 1), Unit.LINE, self._header(row) or parent)))

    def _header(self, row: int) -> tuple[int, ...]:
        """The header of the table or record that `row` is in; () outside one. A header's own row is noted."""
        if row in self.span_of:
            self.span_of[row] = len(self.starts)
        header = self.span_of[self.headers[row]] if row in self.headers else -1
        return (header,) if header >= 0 else ()

    def _join(self, row: int, at: int) -> None:
        """Take a stack frame into the record before it, or into a new piece of it when it has grown long."""
        first, _ = self.covers[-1]
        piece = self.units[-1] is Unit.RECORD and self.anchors[-1] == self.head != ()
        if row - first >= (_PIECE_LINES if piece else _TRACE_LINES):
            self._open(at, (row, 1), Unit.RECORD, self.head or (len(self.starts) - 1,))
        elif self.syntaxes[-1] is Syntax.LINES:
            self.units[-1] = Unit.RECORD
            self.covers[-1] = (first, row - first + 1)

    def _trace(self, lines: Sequence[str], row: int, length: int, at: int) -> None:
        """A whole stack trace whose length is known beforehand."""
        self.levels.clear()
        step = length if length <= _TRACE_LINES else _PIECE_LINES
        self.head = (self._open(at, (row, min(step, length)), Unit.RECORD, self.section),)
        for offset in range(step, length, step):
            at += sum(len(line) + 1 for line in lines[row + offset - step : row + offset])
            self._open(at, (row + offset, min(step, length - offset)), Unit.RECORD, self.head)

    def _long(self, line: str, row: int, at: int) -> None:
        """A line that is too long to be kept or dropped as one; its pieces stand alone, and inside the line."""
        end = at + len(line)
        self.head = (len(self.starts),)
        if is_minified(line):
            self._open(at, (row, 0), Unit.LINE, ())
            return
        for start in (at, *pieces(self.text, at, end, escapes(self.text, at, end))):
            self._open(start, (row, 0), Unit.SENTENCE, ())
            self.syntaxes[-1] = Syntax.PROSE


def trace_length(lines: Sequence[str], row: int) -> int:
    """Lines of the stack trace that starts at `row`; 0 where none starts."""
    opened = _TRACE.match(lines[row])
    if opened is None:
        return 0

    margin, kind = opened[1], opened[2]
    last = row + 1
    if kind.startswith("goroutine"):
        while last < len(lines) and lines[last].strip():
            last += 1
        return last - row

    indents = (margin + " ", margin + "\t") if margin.isspace() else (" ", "\t")
    while last < len(lines) and len(lines[last]) <= LONG and lines[last].startswith(indents):
        last += 1
    names_error = kind.startswith("Traceback") and last < len(lines) and 0 < len(lines[last].strip()) <= LONG
    return last - row + (1 if names_error else 0)


def template_groups(text: str, covers: Sequence[tuple[int, int]]) -> list[str | None]:
    """For each span the name of its template, where that occurs often enough to be one.

    `covers` has the first row and the number of rows of each span's template; 0 rows: none.
    """
    if len(covers) < _REPEATS:
        return [None] * len(covers)
    masked = _masked(text).split(b"\n")
    return named_groups([masked[row] if count == 1 else b"\n".join(masked[row : row + count]) for row, count in covers])


def record_groups(records: Iterable[str]) -> list[str | None]:
    """The same for records that are given by themselves."""
    return named_groups([_masked(record) for record in records])


def named_groups(keys: Sequence[bytes]) -> list[str | None]:
    """A name for each key that occurs often enough to be a template; None for others and for empty ones."""
    names = {
        key: blake2b(key, digest_size=6).hexdigest()
        for key, times in Counter(keys).items()
        if times >= _REPEATS and key
    }
    return [names.get(key) for key in keys]


def _masked(text: str) -> bytes:
    """`text` without numbers, dates and progress bars, hexadecimal ids all alike; its line ends are line feeds."""
    data = text.encode("utf-8", "surrogatepass").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if b"\xe2" in data:
        for bar in _BARS:
            data = data.replace(bar, b"")
    return _HEX.sub(b"~", data).translate(None, _DETAIL)
