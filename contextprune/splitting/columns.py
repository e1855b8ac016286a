"""Find tables whose columns are aligned with blanks or bars, as terminals print them, and the header of each row.

A header is known by a rule below it (psql, pip, coverage), or by words in capitals or without digits that the cells of
the next rows stand under (kubectl, docker, ps, df). Cells may be aligned left or right, or be empty.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from contextprune.splitting.lines import ANSI

_RULE = "-=+|:─━═│┃║┌┐└┘├┤┬┴┼╔╗╚╝╠╣╦╩╬╒╕╘╛╞╡╤╧╪╭╮╰╯╇┡┩┏┓┳┗┛┻╋┣┫ \t\r"
_DASHES = ("--", "==", "──", "━━", "══")
_BARS = re.compile(r"[|│┃║]")
_ID = re.compile(r"[ \t]{0,20}\d{1,20}[ ]?[|│┃]")  # a cell, not the number of a line
_GAP = re.compile(r"\S[ \t]{2,}+\S")
_WORD = re.compile(r"\S+")
_PARTED = re.compile(r"[-=─━═][^-=─━═]+[-=─━═]")  # a rule of more than one column
_WIDEST = 400  # characters of a header
_LEAST = 3  # words of a header without a rule
_UNDER = 0.6  # share of the header's words that a row's cells stand under
_ABOVE = 4  # rows before the first with a number in which its header would be
_SAMPLE = 40  # rows
_MISFITS = 2  # rows in a row that do not fit: the table is over


def headed_rows(lines: Sequence[str]) -> dict[int, int]:
    """Row -> row of the header that it stands under, for the rows of all aligned tables in `lines`."""
    headers: dict[int, int] = {}
    row = 0
    while row < len(lines) - 1:
        if _may_head(lines[row]):
            first = _rule_below(lines, row) or row + 1
            last = _table_end(lines, row, first)
            headers.update(dict.fromkeys(range(first, last), row))
            row = max(row, last - 1)
        row += 1
    return headers


def is_table(lines: Sequence[str], first: int, last: int) -> bool:
    """Whether the rows from `first` to before `last` stand under a header, or have their bars in the same places."""
    start = max(0, first - _ABOVE)
    headers = headed_rows(lines[start : min(last, first + _ABOVE)])
    if any(header + start < first <= row + start for row, header in headers.items()):
        return True
    if not _ID.match(lines[first]):
        return False
    bars = {tuple(bar.start() for bar in _BARS.finditer(line)) for line in lines[first : min(last, first + _SAMPLE)]}
    return len(bars) == 1 and len(bars.pop()) > 1


def is_rule(line: str) -> bool:
    """Whether a line is a rule of a table or under a heading: dashes, and what joins them."""
    return not line.strip(_RULE) and any(dashes in line for dashes in _DASHES)


def _may_head(line: str) -> bool:
    return 4 < len(line) < _WIDEST and ("  " in line.strip() or "|" in line or "│" in line or "┃" in line)


def _rule_below(lines: Sequence[str], row: int) -> int:
    """The row under the rule below the header at `row`; 0 where none is."""
    rule = lines[row + 1]
    if not is_rule(rule) or is_rule(lines[row]) or not lines[row].strip():
        return 0
    return row + 2 if _PARTED.search(rule) or _GAP.search(lines[row]) else 0


def _table_end(lines: Sequence[str], header: int, first: int) -> int:
    """The row after the table whose rows begin at `first`; `first` where they are no table."""
    ruled = first > header + 1
    head = _plain(lines[header])
    if not ruled and ("|" in head or head.count("  ") < 2):
        return first
    words = [word.span() for word in _WORD.finditer(head)]
    bars = len(_BARS.findall(head))
    if not ruled and (bars or not _names_columns(head, words)):
        return first

    last = row = first
    while row < len(lines) and lines[row].strip() and row - last < _MISFITS:
        line = _plain(lines[row])
        fits = len(_BARS.findall(line)) == bars if bars else _stands_under(line, words)
        if fits or (ruled and is_rule(line)):
            last = row + 1
        elif row == first:
            return first
        row += 1
    capitals = head.upper() == head
    return last if ruled or capitals or last - first > 1 else first


def _plain(line: str) -> str:
    return ANSI.sub("", line) if "\x1b" in line else line


def _names_columns(head: str, words: Sequence[tuple[int, int]]) -> bool:
    """Whether the words of a line could head columns: hardly a digit, and most begin with a capital or none does."""
    if len(words) < _LEAST or len(_GAP.findall(head)) < _LEAST - 1 - (head.upper() == head):
        return False
    if 3 * sum(any(map(str.isalpha, head[start:end])) for start, end in words) < 2 * len(words):
        return False
    digits = sum(any(map(str.isdigit, head[start:end])) for start, end in words)
    capitals = sum(head[start].isupper() or head[start] in "%#" for start, _ in words)
    ends = sum(head[end - 1] in ".:,;" for _, end in words)
    return 4 * digits <= len(words) and not ends and (capitals == 0 or 5 * capitals >= 3 * len(words))


def _stands_under(line: str, words: Sequence[tuple[int, int]]) -> bool:
    """Whether the cells of a row begin or end where the words of the header do, or are empty."""
    width = len(line)
    under = 0
    for start, end in words:
        begins = (start == 0 or (start <= width and line[start - 1] == " ")) and start < width and line[start] != " "
        closes = end <= width and line[end - 1] != " " and (end == width or line[end] == " ")
        under += begins or closes or not line[start:end].strip()
    cells = sum(not line[start:end].isspace() for start, end in words if start < width)
    return under >= _UNDER * len(words) and 2 * cells >= min(len(words), _LEAST)
