"""Find where delimited records (CSV, TSV and their kin) stand in a text, by the rules of the csv module.

A record may hold line ends and separators between quotes, so records are counted, not lines. The expression for one
gives positions, which the csv module does not; the module counts the fields of what the expression matched.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator

SEPARATORS = ",;\t|"
_LEAST = {",": 3, ";": 3, "\t": 2, "|": 3}
"""Fields of the narrowest table that is known by its separator: sentences have commas, too."""

_NARROWEST = 4  # records of a table, its header row among them
_ALIKE = 0.8  # share of records with as many fields as the header row
_MISFITS = 3  # records in a row that have another number of fields: the table is over
_WIDEST_NAME = 80  # characters of a column's name
_LONGEST_HEADER = 4000
_CODE = frozenset("{}=<>;")  # characters that no name of a column has
_LINE = re.compile(r"[^\n]*\n|[^\n]+")


def record_pattern(separator: str) -> re.Pattern[str]:
    """Matches one record: a quote opens a field only right behind a separator, and only if it closes as one."""
    mark = re.escape(separator)
    field = rf'(?:"[^"]*+(?:""[^"]*+)*+"(?=[{mark}\r\n]|\Z)|[^{mark}\n]*+)[^{mark}\n]*+'
    return re.compile(rf"(?=.|\n){field}(?:{mark}{field})*+\n?")


def pattern_of(text: str) -> re.Pattern[str]:
    """Matches one record of `text`, whose first line tells the separator; without quotes a record is a line."""
    if '"' not in text:
        return _LINE
    head = text[: text.find("\n") + 1] or text[:2000]
    return record_pattern(max(SEPARATORS, key=head.count))


def may_head(line: str) -> bool:
    """Whether `line` has enough separators to be the first line of a table: a cheap question before a dear one."""
    return line.count(",") > 1 or "\t" in line or line.count(";") > 1 or line.count("|") > 1


def delimited_end(text: str, start: int) -> int:
    """The offset behind the table whose header row begins at `start`; `start` where none does."""
    line_end = text.find("\n", start, start + _LONGEST_HEADER)
    if line_end < 0:
        return start
    head = text[start:line_end]
    for mark in sorted(_LEAST, key=head.count, reverse=True):
        if head.count(mark) + 1 >= _LEAST[mark] and _names_columns(head, mark):
            return _records_end(text, start, mark)
    return start


def _names_columns(head: str, mark: str) -> bool:
    """Whether the fields of a line could name columns: words, all different, with no blank after each separator."""
    if head.count(mark + " ") > head.count(mark) / 2:
        return False
    names = [name.strip() for name in _fields(head, mark)]
    if len(names) == 2 and not names[0]:
        return False  # a line indented by a tab, such as a frame of a trace
    worded = sum(any(map(str.isalpha, name)) for name in names)
    if names[0][:1].isdigit() or not all(map(_may_name, names)):
        return False  # a line with its number or its time, or code
    return len(set(names)) > 0.8 * len(names) and 2 * worded >= len(names)


def _may_name(name: str) -> bool:
    if len(name) > _WIDEST_NAME or not _CODE.isdisjoint(name):
        return False
    return name.count("(") == name.count(")") and name.count("[") == name.count("]")


def _records_end(text: str, start: int, mark: str) -> int:
    """The offset behind the records from `start` on; `start` where they are too few, or too different."""
    width = alike = count = misfits = 0
    end = last_alike = start
    for record, end in _records(text, start, mark):
        fields = _width(record, mark)
        width = width or fields
        if not record.strip() or (misfits := 0 if fields == width else misfits + 1) == _MISFITS:
            break
        count += 1
        if fields == width:
            alike, last_alike = alike + 1, end
        elif count <= _NARROWEST:
            return start
    return last_alike if alike >= _NARROWEST and alike >= _ALIKE * (count - misfits) else start


def _records(text: str, start: int, mark: str) -> Iterator[tuple[str, int]]:
    """Each record from `start` on, with the offset behind it."""
    for record in record_pattern(mark).finditer(text, start):
        if record.end() == record.start():
            return
        yield record[0], record.end()


def _width(record: str, mark: str) -> int:
    return len(_fields(record, mark)) if '"' in record else record.count(mark) + 1


def _fields(record: str, mark: str) -> list[str]:
    """The fields of a record, split by separator where the csv module refuses one (above 128 kB, a lone return)."""
    try:
        return next(csv.reader([record], delimiter=mark), [])
    except csv.Error:
        return record.split(mark)
