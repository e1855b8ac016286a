"""Lines that a conversation shows already, in its results as they were sent.

A file that is read again, in whole or in part, with numbers of another style or after an edit, shows mostly lines that
stand further up, in the same order. Such runs can be referred to.
Cutting does not matter here, for two views of a file are seldom cut alike. Linear in the text, but for lines that
stand in many places: of those the first and the last few count.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from contextprune.context import Span
from contextprune.text.numbered import LINE

LEAST_RUN = 100  # characters of consecutive lines that stand elsewhere; by hand: two markers' worth
MOST_OCCURRENCES = 4  # of a line that are compared: the first, and the latest
_SPACED = "|│:-"  # signs behind a number that some tools put a blank after


class _Occurrence(NamedTuple):
    """A line: its segment, and the number of the line among all that are known."""

    segment: int
    line: int


class ShownLines:
    """The lines of the segments that were added, in order."""

    def __init__(self) -> None:
        self._lines: list[str] = []  # of all segments, "" between any two texts
        self._occurrences: dict[str, list[_Occurrence]] = {}

    def add(self, segment: int, text: str) -> None:
        """Add what is sent of a segment."""
        for line in plain_lines(text):
            if line:
                occurrences = self._occurrences.setdefault(line, [])
                if len(occurrences) == MOST_OCCURRENCES:
                    del occurrences[1]
                occurrences.append(_Occurrence(segment, len(self._lines)))
                self._lines.append(line)
        self._lines.append("")

    def find(self, text: str, spans: Sequence[Span]) -> dict[int, int]:
        """Span of a text -> the segment that shows all of its lines, for those in runs that are worth a reference.

        A line that says nothing, such as a closing bracket, only counts within a run.
        """
        lines = plain_lines(text)
        numbers = [n for n, line in enumerate(lines) if line]
        filled = [lines[n] for n in numbers]
        owners: dict[int, int] = {}
        at = 0
        while at < len(filled):
            occurrence, length = self._longest(filled, at)
            if occurrence is not None:
                owners.update(dict.fromkeys(numbers[at : at + length], occurrence.segment))
            at += max(1, length)
        return dict(_whole_spans(text, spans, lines, owners)) if owners else {}

    def _longest(self, lines: Sequence[str], at: int) -> tuple[_Occurrence | None, int]:
        """Where most lines in a row are the same as from `at` on, and how many; None where too few are."""
        best: _Occurrence | None = None
        longest = lasting = 0
        for occurrence in self._occurrences.get(lines[at], ()):
            length = characters = 0
            while at + length < len(lines) and self._lines[occurrence.line + length] == lines[at + length]:
                characters += len(lines[at + length]) + 1
                length += 1
            if characters > longest and characters >= LEAST_RUN:
                best, longest, lasting = occurrence, characters, length
        return best, lasting


def plain_lines(text: str) -> list[str]:
    """The lines of a text without blanks at their ends and, where they are numbered, without their numbers."""
    rows = text.split("\n")
    matches = [LINE.match(row) for row in rows]
    numbers = [int(match[1]) if match else None for match in matches]
    behind = {row[m.end() : m.end() + 1] for row, m in zip(rows, matches, strict=True) if m is not None and _spaced(m)}
    blank = int(behind <= {" ", ""})

    lines = []
    for n, (row, match) in enumerate(zip(rows, matches, strict=True)):
        if match is not None and _rises(numbers, n):
            row = row[match.end() :]  # noqa: PLW2901 - the line without its number
            row = row[blank:] if _spaced(match) else row  # noqa: PLW2901
        lines.append(row.rstrip())
    return lines


def _spaced(match: re.Match[str]) -> bool:
    """Whether the sign behind a number is one that a blank may follow."""
    return (match[2] or match[3] or match[4]) in _SPACED


def _rises(numbers: Sequence[int | None], at: int) -> bool:
    """Whether the number of a line and that of a neighbour follow one another, as those of a file's lines do."""
    number = numbers[at]
    if number is None:
        return False
    before = numbers[at - 1] if at else None
    after = numbers[at + 1] if at + 1 < len(numbers) else None
    return before == number - 1 or after == number + 1


def _whole_spans(
    text: str, spans: Sequence[Span], lines: Sequence[str], owners: dict[int, int]
) -> Iterator[tuple[int, int]]:
    """The spans all of whose lines have an owner, and that of the first of them; a piece of a line is no line."""
    number = 0
    for i, span in enumerate(spans):
        last = number + span.text.count("\n")
        rows = [n for n in range(number, last + (not span.text.endswith("\n"))) if lines[n]]
        starts = span.start == 0 or text[span.start - 1] == "\n"
        ends = span.text.endswith("\n") or span.end == len(text)
        if rows and starts and ends and all(n in owners for n in rows):
            yield i, owners[rows[0]]
        number = last
