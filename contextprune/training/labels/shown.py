"""Lines, values and file names that the results of a session show, each with its places, whatever stands before a line.

Agents see a line with its number, edit it without, and print it again in a patch with `+`, `-` or a blank before it: it
is the same line, and found under the same key.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from contextprune.context import Segment
from contextprune.text.identifiers import identifiers

MIN_LINE = 12  # characters of a line that is worth finding again
MAX_LINE = 2_000  # characters of a line that anybody quotes
_NUMBER = re.compile(r"\s{0,8}\d{1,7}(?:[|\t\u2192\u22ee]|: ?| {2})|[^\s:]{1,200}:\d{1,7}:")
_PATCH = re.compile(r"[+-](?![+-]{2})| (?=\S)")
_LIST = re.compile(r"\s{0,12}(?:[-*>#]{1,6} |\d{1,3}[.)] )?")
_EMPHASIS = str.maketrans("", "", "*`")
_PATH = re.compile(r"(?:[\w.@~-]{0,80}/){0,24}[\w@~-][\w.@~-]{0,100}\.\w{1,8}(?![\w/])")


class TextRange(NamedTuple):
    """A range of a result's text."""

    segment: int
    start: int
    end: int


def line_keys(line: str) -> Iterator[str]:
    """Yield the keys under which a line may be found again: as it stands, and without number and mark of a patch."""
    bare = line.strip()
    yield bare
    match = _NUMBER.match(line)
    numberless = line[match.end() :] if match else line
    if match and numberless.strip():
        yield numberless.strip()
    mark = _PATCH.match(numberless)
    if mark and numberless[mark.end() :].strip() != bare:
        yield numberless[mark.end() :].strip()


def sentence_key(line: str) -> str:
    """Key of a line of prose, which a report and an answer may set differently: no list marks, no emphasis."""
    match = _LIST.match(line)
    return line[match.end() if match else 0 :].translate(_EMPHASIS).strip()


def lines_of(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield (start, end, line) of each line, without its line break."""
    at = 0
    for line in text.splitlines(keepends=True):
        bare = line.rstrip("\r\n")
        yield at, at + len(bare), bare
        at += len(line)


def paths_in(text: str) -> Iterator[re.Match[str]]:
    """Yield the matches of names of files, with their folders where these are given."""
    return _PATH.finditer(text)


class Shown:
    """What the results among `segments` show."""

    def __init__(self, segments: Sequence[Segment], results: Iterable[int]) -> None:
        lines: dict[str, list[TextRange]] = defaultdict(list)
        values: dict[str, list[int]] = defaultdict(list)
        for index in results:
            text = segments[index].text
            for start, end, line in lines_of(text):
                if end - start <= MAX_LINE:
                    for key in dict.fromkeys([*line_keys(line), sentence_key(line)]):
                        if len(key) >= MIN_LINE:
                            lines[key].append(TextRange(index, start, end))
            for value in dict.fromkeys(identifiers(text)):
                values[value].append(index)
        self.lines: Mapping[str, Sequence[TextRange]] = lines
        self.values: Mapping[str, Sequence[int]] = values

    def line_before(self, key: str, at: int) -> TextRange | None:
        """Find the latest place of a line in a result before segment `at`."""
        return next((shown_at for shown_at in reversed(self.lines.get(key, ())) if shown_at.segment < at), None)

    def value_before(self, value: str, at: int) -> int | None:
        """Find the latest result before segment `at` that holds a value."""
        return next((index for index in reversed(self.values.get(value, ())) if index < at), None)
