"""Lines with their numbers before them, as views of files print them, in any style: `12→`, `12|`, `12: `, ` 12 │`.

Numbers rise from line to line; a file's name, a blank line or a gap may stand between. A table whose rows begin with
consecutive ids looks alike, but all of its rows have the same number of cells.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

LINE = re.compile(
    r"[ \t>*▶]{0,12}L?(\d{1,7})(?:[ ]{1,4}\d{1,7})?(?:[ ]{0,2}([|│┃⋮→])|(\t)|([:-])(?!\d{1,4}[:\s]|\d\d\b))"
)
"""A line with its number; the sign behind the number is in one of the last three groups."""

_LEAST = 3  # lines in a row that rise
_SAME_CELLS = 0.9  # of the rows of a table


class _Row(NamedTuple):
    number: int
    sign: str
    behind: str
    length: int


def numbered_share(text: str) -> float:
    """The share of the characters of `text` that stand in lines whose numbers rise; 0 for a table of ids."""
    if not text:
        return 0.0
    rows: list[_Row] = []
    numbered, last = 0, -1
    run: list[_Row] = []
    for line in text.splitlines():
        row = _row(line)
        if row is None:
            continue
        if row.number <= last:
            numbered += _characters(run)
            rows += run
            run = []
        run.append(row)
        last = row.number
    numbered += _characters(run)
    rows += run
    return 0.0 if is_table(rows) else numbered / len(text)


def is_table(rows: Sequence[tuple[int, str, str, int]]) -> bool:
    """Whether numbered rows (number, sign, what stands behind it, length) are those of a table."""
    cells = [_cells(behind, sign) for _, sign, behind, _ in rows if sign in "|│\t"]
    if len(cells) < _LEAST or 2 * len(cells) < len(rows):
        return False
    usual = max(set(cells), key=cells.count)
    return usual > 0 and cells.count(usual) >= _SAME_CELLS * len(cells)


def _row(line: str) -> _Row | None:
    match = LINE.match(line)
    if match is None:
        return None
    return _Row(int(match[1]), match[2] or match[3] or match[4], line[match.end() :], len(line) + 1)


def _cells(behind: str, sign: str) -> int:
    """How many more cells a row has, between words: indents are none."""
    return len([cell for cell in behind.split(sign) if cell.strip()]) - 1 if behind.strip() else 0


def _characters(run: Sequence[_Row]) -> int:
    return sum(row.length for row in run) if len(run) >= _LEAST else 0
