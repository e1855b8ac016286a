"""Limits that are reached: `2.0 GiB/2.0 GiB`, `4096 of 4096 MB`, `maxmemory: 3145728` beside `used_memory: 3187392`.

Why something fails, stops or waits is often nothing but two numbers that are equal, and no line says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

NEARLY, ABOVE = 0.95, 1.1  # of the limit: from here on it is reached; more is another measure than the limit's
LIMITS = 12  # keys of a text that are taken for limits
NEIGHBOURS = 2  # lines from a limit that may go on from its name
_SHORTEST = 4  # characters of the name of what is limited

_MEASURE = r"(\d{1,12}(?:\.\d{1,6})?)\s?((?:[kKMGT]i?)?B?|%)"
_OF = re.compile(rf"(?<![\w./]){_MEASURE}\s?(?:/|\bof\b)\s?{_MEASURE}(?![\w./])")
_HINTS = ("B/", "i/", "K/", "M/", "G/", "T/", "%/", "B /", " of ")
_SETTING = re.compile(
    r"\s{0,40}[-|]?\s{0,4}[\"']?([A-Za-z][\w.-]{2,60})[\"']?\s{0,20}[:=|]\s{0,20}"
    r"[\"']?(\d[\d.]{0,18}(?:[kKMGT]i?)?B?)[\"']?,?\s*$"
)
_LIMIT = re.compile(r"(?i)max(?:imum)?|limit|quota|capacity")
_NUMBER = re.compile(r"(\d{1,18}(?:\.\d{1,9})?)(?:([kKMGT])i?)?B?%?")
_UNITS = {None: 1.0, "k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}


class _Value(NamedTuple):
    """A key and its number, in a row."""

    row: int
    key: str
    amount: float


def limits_reached(lines: Sequence[str]) -> Iterator[int]:
    """Numbers of the lines that give a use and its limit which are nearly the same, or one of the two.

    A key limits what its name says without `max` or `limit`: `max_connections` limits `connections_in_use`. Lines whose
    keys go on from the limit's name belong to it: `maxmemory_policy`.
    """
    for row, line in enumerate(lines):
        if any(hint in line for hint in _HINTS) and any(_is_full(pair) for pair in _OF.finditer(line)):
            yield row
    if any(_LIMIT.search(line) for line in lines):
        yield from _of_keys(lines)


def _is_full(pair: re.Match[str]) -> bool:
    """Whether both numbers have a unit of size or share, and the first is nearly the second."""
    return bool(pair[2] and pair[4]) and _reached(_amount(pair[1] + pair[2]), _amount(pair[3] + pair[4]))


def _of_keys(lines: Sequence[str]) -> Iterator[int]:
    settings = ((row, _SETTING.match(line)) for row, line in enumerate(lines))
    values = [_Value(row, pair[1].lower(), _amount(pair[2])) for row, pair in settings if pair]
    for limit in [value for value in values if _LIMIT.search(value.key)][:LIMITS]:
        name = _LIMIT.sub("", limit.key).strip("_.-")
        uses = [
            value.row
            for value in values
            if name in value.key and not _LIMIT.search(value.key) and _reached(value.amount, limit.amount)
        ]
        if uses and len(name) >= _SHORTEST:
            yield from (limit.row, *uses)
            around = range(max(0, limit.row - NEIGHBOURS), min(len(lines), limit.row + NEIGHBOURS + 1))
            yield from (row for row in around if limit.key in lines[row].lower())


def _amount(value: str) -> float:
    """The number that a value is, its unit included; 0 where it is none."""
    number = _NUMBER.fullmatch(value)
    return float(number[1]) * _UNITS[number[2]] if number else 0.0


def _reached(use: float, limit: float) -> bool:
    return limit > 1 and NEARLY * limit <= use <= ABOVE * limit
