"""Scope in an original as a model names them: lines, characters, rows, a path into JSON, words.

Each of them narrows what the others leave. Scope are counted from 1 with their ends included, as editors count lines;
indices of a path are counted from 0, as in the code that wrote the JSON.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from contextprune.errors import SettingsError
from contextprune.storage.json_places import Range, at_path, elements_holding, holds, rows

ARGUMENTS = {
    "lines": "Only these lines of the original: 12, 12-40 or 12-40,60.",
    "query": "Only lines that hold all of these words; of a long line what is around them.",
    "rows": "Only these elements of its JSON list, or records of its table, counted from 1: 3 or 3-20.",
    "path": "Only the value at this place of its JSON, such as items[17].status.",
    "chars": "Only these characters, counted from 1, such as 64001-96000: for parts of a line.",
}
"""What each place means, in words for the model that names it."""

MOST_WORDS = 64
"""Words of a query that are looked for: each costs a pass over the text."""

_PARTS = re.compile(r"\s*(\d{1,12})\s*(?:-\s*(\d{1,12})\s*)?")
_RECORD = re.compile(r"""(?=.|\n)(?:[^"\n]++|(?:^|(?<=[,;\t|]))"[^"]*+(?:""[^"]*+)*+"|")*+\n?""", re.MULTILINE)
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_SEPARATORS = re.compile(r"[,;\t|]")
_LONG = 2000  # characters of a row that is shown whole where it holds the words
_SMALL = 1000  # characters of a JSON element that is not looked into
_AROUND = 200  # characters on both sides of a word in a long row
_TO_BREAK = 60  # characters more, up to a blank or a comma
_BREAKS = frozenset(" \t\n\r,;{}[]")


@dataclass(frozen=True, slots=True)
class Scope:
    r"""What of an original is wanted: all of it, where nothing is named.

    lines   "12", "12-40" or "12-40,60"; lines end at "\n" only
    chars   the same in characters; the last to be applied, so the remainder of a long answer can be asked for
    rows    the same in elements of a JSON list (of an object, its longest list), or in records of a table
    path    the value at this place of a JSON text, such as "items[17].status"
    query   only lines or rows that hold all of these words, in any letter case; of long ones what is around the words
    """

    lines: str | None = None
    chars: str | None = None
    rows: str | None = None
    path: str | None = None
    query: str | None = None

    def arguments(self) -> dict[str, str]:
        """The places named, by argument."""
        named = {name: getattr(self, name) for name in ARGUMENTS}
        return {name: value for name, value in named.items() if value is not None}


def scope_in(arguments: Mapping[str, Any]) -> Scope:
    """The places that a call names; what is empty or of another type is not named. Models write numbers as numbers."""
    values = {name: arguments.get(name) for name in ARGUMENTS}
    return Scope(
        **{
            name: str(value)
            for name, value in values.items()
            if (isinstance(value, str) and value) or (isinstance(value, int) and not isinstance(value, bool))
        }
    )


def ranges_of(text: str, scope: Scope) -> list[Range]:
    """The ranges of a text that are wanted, in order and apart. Raises SettingsError for places that are none."""
    ranges = [(0, len(text))]
    if scope.path is not None:
        ranges = [at_path(text, scope.path, 0, len(text))]
    words = words_of(scope.query)[:MOST_WORDS]
    by_row = scope.rows is not None
    if scope.rows is not None:
        cells = [cell for start, end in ranges for cell in _rows(text, start, end)]
        ranges = [cell for first, last in _numbers(scope.rows, "rows") for cell in cells[first:last]]
    if scope.lines is not None:
        ranges = _common(ranges, _line_ranges(text, scope.lines))
    if words:
        ranges = [hit for start, end in ranges for hit in _holding(text, start, end, words, by_row=by_row)]
    if scope.chars is not None:
        ranges = _common(ranges, _numbers(scope.chars, "chars"))
    return _apart(ranges)


def _rows(text: str, start: int, end: int) -> list[Range]:
    """The elements of a JSON list, else the records of a table, else the lines."""
    elements = rows(text, start, end)
    if elements:
        return elements
    line_end = text.find("\n", start, end)
    head = text[start : end if line_end < 0 else line_end]
    pattern = _RECORD if _SEPARATORS.search(head) and '"' in text else _LINE
    return [match.span() for match in pattern.finditer(text, start, end)]


def _holding(text: str, start: int, end: int, words: Sequence[str], *, by_row: bool) -> list[Range]:
    """The lines between two places, or the row that they bound, that hold all words; of long ones what is around."""
    pieces = [(start, end)] if by_row else [match.span() for match in _LINE.finditer(text, start, end)]
    ranges: list[Range] = []
    for first, last in pieces:
        if holds(text[first:last], words):
            ranges += [(first, last)] if last - first <= _LONG else _around(text, first, last, words)
    return ranges


def _around(text: str, start: int, end: int, words: Sequence[str]) -> list[Range]:
    """What of a long row is around the words: the elements of its JSON that hold all of them, else some characters."""
    ranges = []
    for first, last in elements_holding(text, start, end, words, _SMALL):
        small = last - first <= _AROUND
        if small and last - first < end - start:
            ranges.append(_to_breaks(text, max(start, first - _AROUND), min(end, last + _AROUND), start, end))
        else:
            ranges += [(first, last)] if last - first <= _LONG else _windows(text, first, last, words)
    return _apart(ranges)


def _windows(text: str, start: int, end: int, words: Sequence[str]) -> list[Range]:
    """The surroundings of the rarest of the words; those that hold all, where there are any."""
    folded = text[start:end].casefold()
    if len(folded) != end - start:  # letters that fold into two would move all places behind them
        folded = "".join(low if len(low := letter.casefold()) == 1 else letter for letter in text[start:end])
    rarest = min(words, key=folded.count)
    hits = [start + match.start() for match in re.finditer(re.escape(rarest), folded)]
    if not hits:
        return [(start, end)]

    near = _apart([(max(start, at - _AROUND), min(end, at + len(rarest) + _AROUND)) for at in hits])
    near = [_to_breaks(text, first, last, start, end) for first, last in near]
    return [(first, last) for first, last in near if holds(text[first:last], words)] or near


def _to_breaks(text: str, first: int, last: int, start: int, end: int) -> Range:
    """A range made wider by some characters, to where words and fields begin and end."""
    least, most = max(start, first - _TO_BREAK), min(end, last + _TO_BREAK)
    while first > least and text[first - 1] not in _BREAKS:
        first -= 1
    while last < most and text[last] not in _BREAKS:
        last += 1
    return first, last


def words_of(query: str | None) -> list[str]:
    """The different words of a query, casefolded, in order."""
    return list(dict.fromkeys((query or "").casefold().split()))


def _line_ranges(text: str, lines: str) -> list[Range]:
    ends = [match.end() for match in _LINE.finditer(text)]
    return [
        (ends[first - 1] if first else 0, ends[min(last, len(ends)) - 1])
        for first, last in _numbers(lines, "lines")
        if first < len(ends)
    ]


def _numbers(numbers: str, name: str) -> list[Range]:
    """Ranges from 0, ends excluded, in order and apart, of places counted from 1."""
    ranges = []
    for part in numbers.split(","):
        match = _PARTS.fullmatch(part)
        first = int(match[1]) if match else 0
        last = int(match[2] or match[1]) if match else 0
        if not 1 <= first <= last:
            raise SettingsError(
                f"{name} are counted from 1 and written like '12', '12-40' or '12-40,60', not {numbers[:80]!r}"
            )
        ranges.append((first - 1, last))
    return _apart(ranges)


def _apart(ranges: Sequence[Range]) -> list[Range]:
    """Ranges in order, none empty; those that touch are one."""
    joined: list[Range] = []
    for start, end in sorted(ranges):
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        elif end > start:
            joined.append((start, end))
    return joined


def _common(ranges: Sequence[Range], others: Sequence[Range]) -> list[Range]:
    """What two lists of ranges have in common; each is in order and apart."""
    common, i, j = [], 0, 0
    while i < len(ranges) and j < len(others):
        start, end = max(ranges[i][0], others[j][0]), min(ranges[i][1], others[j][1])
        if start < end:
            common.append((start, end))
        if ranges[i][1] < others[j][1]:
            i += 1
        else:
            j += 1
    return common
