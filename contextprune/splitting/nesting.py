"""Turn lines of code into cuts that know the header they are indented under.

Indentation is the one structure that all languages, and all excerpts of them, have in common.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TypeAlias

from contextprune.context import Cut, Syntax, Unit
from contextprune.splitting.opaque import is_minified
from contextprune.splitting.pieces import LIMIT, break_points

Line: TypeAlias = tuple[int, int, int, int]
"""start, end, where the code starts (`end` for a blank line), columns of indentation."""

PLAIN = re.compile(r"([ \t]*+)([^\s]?)[^\n]*+\n?")
NUMBERED = re.compile(r"[ \t]*+(?:\d++(?:[|:→]|[ ]\|)?)?([ \t]*+)([^\s]?)[^\n]*+\n?")

_CLOSES = re.compile(r"(?:[)\]}]++[;,]?(?:[)\]}]++[;,]?)*+|end;?|fi|done|esac|</\w++>)[ \t]*+(?:\r?\n|\Z)")
_OPENS = re.compile(r"[{(\[][ \t]*+(?:\r?\n|\Z)")
_RESUMES = re.compile(r"[)\]}]|(?:else|elif|elsif|except|finally|catch|then|do|rescue|ensure)\b")
_MAY_CLOSE = frozenset(")]}efd<{([")  # first characters, asked before the patterns for speed
_MAY_RESUME = frozenset(")]}ecftdr")
TAB = 4  # columns


def physical_lines(text: str, pattern: re.Pattern[str] = PLAIN) -> Iterator[Line]:
    """Every line of a text; `pattern` has the indentation and the first character of the code as its groups."""
    for line in pattern.finditer(text):
        start, end = line.span()
        if end > start:
            opening, code = line.span(1)
            width = code - opening
            if width:
                width += (TAB - 1) * line[1].count("\t")
            yield start, end, code if line[2] else end, width


def nest(text: str, lines: Iterable[Line], syntax: Syntax) -> list[Cut]:
    """Lines as cuts, each needing the one it is indented under; blank and closing lines go with the one before."""
    cuts: list[Cut] = []
    unit = Unit.LINE
    stack: list[tuple[int, int]] = []  # (columns, index of the cut), columns rising
    for start, end, code, width in lines:
        first = text[code] if code < end else ""
        if cuts and (not first or _says_nothing(text, code, first)) and end - cuts[-1].start <= LIMIT:
            last = cuts[-1]
            cuts[-1] = Cut(last.start, end, unit, syntax, last.anchors)
            continue
        header = _header(text, code, first, width, stack) if first else -1
        if first:
            stack.append((width, len(cuts)))
        _append_line(cuts, text, Cut(start, end, unit, syntax, (header,) if header >= 0 else ()))
    return cuts


def _header(text: str, code: int, first: str, width: int, stack: list[tuple[int, int]]) -> int:
    """The line that the one at `code` needs, -1 for none: what it is indented under, or what its `else` resumes."""
    resumed = -1
    while stack and stack[-1][0] >= width:
        columns, index = stack.pop()
        resumed = index if columns == width else -1
    if resumed >= 0 and first in _MAY_RESUME and _RESUMES.match(text, code):
        return resumed
    return stack[-1][1] if stack else -1


def _says_nothing(text: str, code: int, first: str) -> bool:
    """Whether a line only closes or opens brackets."""
    if first not in _MAY_CLOSE:
        return False
    return (_OPENS if first in "{([" else _CLOSES).match(text, code) is not None


def _append_line(cuts: list[Cut], text: str, line: Cut) -> None:
    """Append a line, or the pieces of a long one: they need its first, and where it spans lines that needs the last."""
    start, end, unit, syntax, anchors, _ = line
    if end - start <= LIMIT or is_minified(text[start:end]):
        cuts.append(line)
        return
    points = break_points(text, start, end, LIMIT // 2)
    index = len(cuts)
    if text.find("\n", start, end - 1) >= 0:
        anchors = (*anchors, index + len(points) - 1)
    for point in points:
        cuts.append(Cut(start, point, unit, syntax, anchors))
        anchors, start = (index,), point
