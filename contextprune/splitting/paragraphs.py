"""Find the records of an output that lists them as short paragraphs, and the line that opens each.

Findings of a linter, vulnerabilities, records of a database printed one field a line, jobs, packages: blank lines or
rules part them, and the first line says what the others are about. A rule with a title (`-[ RECORD 7 ]---`) opens one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from contextprune.splitting.columns import is_rule
from contextprune.splitting.lines import TRIVIAL

_TITLED = re.compile(r"[-=*_#~]{1,200}+[\[ ][^\n]{1,80}?[\] ][-=*_#~]{3,200}\s*+$")
_LONGEST = 16  # lines of a record
_LEAST = 4  # records
_SHARE = 0.6  # of the lines that say something, in records


def paragraph_heads(lines: Sequence[str]) -> dict[int, int]:
    """Row -> row of the line that opens its record, for flush-left rows; none where most lines are in no record."""
    records = [
        (first, last)
        for first, last in _paragraphs(lines)
        if 1 < last - first <= _LONGEST and lines[first][0] not in " \t"
    ]
    in_records = sum(last - first for first, last in records)
    if len(records) < _LEAST or in_records < _SHARE * sum(map(_says_something, lines)):
        return {}
    return {row: first for first, last in records for row in range(first + 1, last) if lines[row][:1] not in " \t"}


def _paragraphs(lines: Sequence[str]) -> Iterator[tuple[int, int]]:
    """First row and the row after the last of each run of lines that say something."""
    first = None
    for row, line in enumerate(lines):
        parts = not _says_something(line)
        if first is not None and (parts or _TITLED.match(line)):
            yield first, row
            first = None
        if first is None and not parts:
            first = row
    if first is not None:
        yield first, len(lines)


def _says_something(line: str) -> bool:
    return bool(line.strip(TRIVIAL)) and not is_rule(line)
