"""Cut Python into logical lines: a signature with its decorators, a statement, a docstring, a group of imports.

A scanner finds where logical lines end, not `ast`: agents read excerpts, and an excerpt seldom parses. It needs no
recursion, raises nothing, and indentation then gives the blocks exactly.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from contextprune.context import Cut, Syntax
from contextprune.splitting.nesting import TAB, Line, nest

_TRIPLE_DOUBLE = r'"""[^"\\]*+(?:(?:\\[\s\S]|"(?!""))[^"\\]*+)*+"""'
_TRIPLE_SINGLE = r"'''[^'\\]*+(?:(?:\\[\s\S]|'(?!''))[^'\\]*+)*+'''"
_TOKEN = re.compile(
    rf"\#[^\n]*+|{_TRIPLE_DOUBLE}|{_TRIPLE_SINGLE}|\"\"\"|'''"
    r'|"(?:[^"\\\n]|\\[\s\S])*+"?' + r"|'(?:[^'\\\n]|\\[\s\S])*+'?"
    r"|[(\[{]|[)\]}]|\\\r?\n|\\|\n"
)
_INDENT = re.compile(r"([ \t]*+)(\S?)")
_FRESH = re.compile(
    r"(?:def|class|import|from|async def)[ ]|@\w"
)  # at column 0 these open a statement, whatever came before
_IMPORT = re.compile(r"(?:import|from)[ ]")

_GROUP = 400  # characters of imports in one span


def cut_python(text: str) -> list[Cut]:
    """One cut a logical line, anchored to the header that it stands under; very long ones are cut at line ends."""
    return nest(text, _grouped(text, _logical_lines(text)), Syntax.HASH_CODE)


def _logical_lines(text: str) -> Iterator[Line]:
    """Lines of which no string and no bracket crosses the end."""
    start, depth = 0, 0
    for token in _TOKEN.finditer(text):
        first = text[token.start()]
        if first in "([{":
            depth += 1
        elif first in ")]}":
            depth = max(0, depth - 1)
        elif first == "\n" and (depth == 0 or _FRESH.match(text, token.end())):
            yield _line(text, start, token.end())
            start, depth = token.end(), 0
    if start < len(text):
        yield _line(text, start, len(text))


def _line(text: str, start: int, end: int) -> Line:
    indent = _INDENT.match(text, start, end)
    if indent is None or not indent[2]:
        return start, end, end, 0
    width = indent.end(1) - start
    return start, end, indent.end(1), width + (TAB - 1) * indent[1].count("\t") if width else 0


def _grouped(text: str, lines: Iterable[Line]) -> Iterator[Line]:
    """Comments and decorators go with the line that they stand above, an import with the imports before it."""
    group: Line | None = None
    for line in lines:
        if group is not None and (line[1] - group[0] > _GROUP or not _joins(text, group, line)):
            yield group
            group = None
        group = line if group is None else (group[0], line[1], line[2], group[3])
    if group is not None:
        yield group


def _joins(text: str, above: Line, line: Line) -> bool:
    """Whether `line` belongs to the span that the line above it opened."""
    code = line[2]
    if code == line[1] or above[2] == above[1] or above[3] != line[3]:
        return False
    if text[above[2]] in "#@":
        return True
    return _IMPORT.match(text, above[2]) is not None and _IMPORT.match(text, code) is not None
