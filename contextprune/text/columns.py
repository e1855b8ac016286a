"""What differs among alike rows: a rare value where a column has few, or a row whose template is rare.

Rows are split into fields, and rows of as many fields are compared column by column. A column that repeats a few values
(PASSED, Running, 200) makes its rare ones stand out; so does a number among words, or an empty field among full ones,
where the rows are alike otherwise. Everything is counting, and linear in the rows.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence
from math import log2

LEAST_ROWS = 4  # below that nothing is usual
LEAST_LINES = 8  # the same of lines that are no rows of a table: they may be as long by chance
RARE = 0.15  # of the rows of a column may hold rare values, or they are not rare; one row may in any case
SELDOM, OFTEN = 0.05, 3  # a value is frequent from this share of the rows on, and from as many rows on
COVERED = 0.7  # of rows in templates that repeat, before one that does not stands out
ALIKE = 0.34  # of the columns must repeat few values, or the rows have only their length in common
FEWEST_NUMBERS = 8  # of a column, below which none is far from the others
CLEAR = 3.0  # times the step from one number to the next, on average, that the least one is above a zero
MOST_NAMES = 2000  # of a column whose forms are compared, for speed
FAR, NEAR = 8.0, 0.02  # times the usual distance from the median, which is at least this share of it
TABLE = 0.6  # of the rows must have as many cells, or it is no table

_WIDE = re.compile(r"[ \t]{2,}|\t")
_DIGITS = frozenset("0123456789")
_SEPARATORS = ("|", "\t", ",", ";")
_NUMBER = re.compile(r"[+$€(-]{0,2}(\d{1,15}(?:\.\d{1,9})?)(ms|[kKMGTs%]?)i?B?\)?")
_LETTERS, _DIGITS_IN_A_ROW = re.compile(r"[^\W\d_]+"), re.compile(r"\d+")
_NOUGHT = re.compile(r"[+$€(-]{0,2}0(?:[.,]0{1,9})?(?:%|ms|[kKMGT]?i?B|s)?\)?")
_UNITS = {"": 1.0, "%": 1.0, "ms": 1e-3, "s": 1.0, "k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
_ABSENT = frozenset({"", "null", "NULL", "None", "nil", "<nil>", "<none>", "-", "--", "n/a", "N/A", "NaN", "undefined"})


def odd_rows(rows: Sequence[str], keys: Sequence[bytes]) -> dict[int, float]:
    """Row -> bits of surprise, how far it stands out from rows like it; rows that do not are left out.

    `keys` are the templates of the rows (`templates`).
    """
    bits: dict[int, float] = {}
    for i in _loners(keys):
        bits[i] = log2(len(rows))
    tabular, cells = _cells(rows)
    for group in _of_equal_length(cells).values():
        if tabular and len(group) <= max(1, SELDOM * len(rows)):
            bits |= {i: bits.get(i, 0.0) + log2(len(rows) / len(group)) for i in group if cells[i]}
        elif len(group) >= (LEAST_ROWS if tabular else LEAST_LINES):
            for i, surprise in _odd_fields([cells[i] for i in group]).items():
                bits[group[i]] = bits.get(group[i], 0.0) + surprise
    return bits


def _loners(keys: Sequence[bytes]) -> list[int]:
    """Rows whose template comes once or twice where nearly all others repeat."""
    counts = Counter(keys)
    solid = len(keys) - counts[b""]
    often = max(OFTEN, int(0.01 * solid))
    repeated = sum(count for key, count in counts.items() if key and count >= often)
    if solid < 2 * LEAST_ROWS or repeated < COVERED * solid:
        return []
    rare = {key for key, count in counts.items() if key and count < OFTEN}
    return [i for i, key in enumerate(keys) if key in rare] if rare else []


def _cells(rows: Sequence[str]) -> tuple[bool, list[list[str]]]:
    """Whether the rows are those of a table, and the fields of each: cells where they are, else words."""
    for separator in _SEPARATORS:
        if _is_regular([row.count(separator) for row in rows]):
            return True, [[cell.strip() for cell in _parted(row, separator)] for row in rows]
    wide = [_WIDE.split(row) if "  " in row else [row] for row in rows]
    if _is_regular([len(cells) - 1 for cells in wide]):
        return True, wide
    return False, [row.split() for row in rows]


def _is_regular(counts: Sequence[int]) -> bool:
    """Whether most rows hold as many separators, and more than one."""
    (count, times), *_ = Counter(counts).most_common(1)
    return count > 1 and times >= TABLE * len(counts)


def _parted(row: str, separator: str) -> list[str]:
    """The cells of a row; a quoted one may hold the separator."""
    if '"' not in row or separator == "|":
        return row.split(separator)
    try:
        return next(csv.reader((row,), delimiter=separator))
    except (csv.Error, StopIteration):
        return row.split(separator)


def _of_equal_length(cells: Sequence[Sequence[str]]) -> dict[int, list[int]]:
    groups: dict[int, list[int]] = {}
    for i, fields in enumerate(cells):
        groups.setdefault(len(fields), []).append(i)
    return groups


def _odd_fields(rows: Sequence[Sequence[str]]) -> dict[int, float]:
    """Row -> bits of surprise over its fields, in rows of equal length."""
    bits: dict[int, float] = {}
    usual = 0
    for column in zip(*rows, strict=True):
        odd, repeats = odd_values(column, Counter(column))
        usual += repeats
        for i, surprise in odd.items():
            bits[i] = bits.get(i, 0.0) + surprise
    return bits if rows and usual >= ALIKE * len(rows[0]) else {}


def odd_values(column: Sequence[str], counts: Counter[str]) -> tuple[dict[int, float], bool]:
    """Place in a column -> bits of surprise, and whether the column repeats a few values or holds numbers.

    `counts` are those of the column's values.
    """
    rare = rare_values(counts, len(column))
    if rare is not None:
        return {i: rare[value] for i, value in enumerate(column) if value in rare} if rare else {}, True

    classes = list(map(_class, column))
    kinds = Counter(classes)
    rare = rare_values(kinds, len(column))
    odd = {i: rare[value] for i, value in enumerate(classes) if value in rare} if rare else {}
    if classes[0] == "0":
        odd.pop(0, None)  # a count that begins with nought
    if kinds["w"] == len(column) and LEAST_LINES <= len(column) <= MOST_NAMES:
        odd = _odd_names(column)
    numeric = kinds["1"] + kinds["0"] >= (1 - RARE) * len(column)
    if numeric and rare is not None:
        odd |= {i: odd.get(i, 0.0) + log2(len(column)) for i in _outliers(column)}
    return odd, numeric


def _odd_names(column: Sequence[str]) -> dict[int, float]:
    """Names of another form than nearly all: `settings.prod.toml` among `order_1.json`, `order_2.json` and the like."""
    forms = [_DIGITS_IN_A_ROW.sub("0", _LETTERS.sub("a", name)) for name in column]
    rare = rare_values(Counter(forms), len(column)) or {}
    return {i: rare[form] for i, form in enumerate(forms) if form in rare}


def _outliers(column: Sequence[str]) -> list[int]:
    """The few numbers of a column that are far from all others: many times the usual distance from the median.

    So is a zero among numbers of which none is near it: an empty file, a meter that stands still.
    """
    numbers = {i: float(m[1]) * _UNITS[m[2]] for i, value in enumerate(column) if (m := _NUMBER.fullmatch(value))}
    if len(numbers) < max(FEWEST_NUMBERS, (1 - RARE) * len(column)):
        return []
    middle = sorted(numbers.values())[len(numbers) // 2]
    usual = sorted(abs(number - middle) for number in numbers.values())[len(numbers) // 2]
    far = FAR * max(usual, NEAR * abs(middle))
    least = min(filter(None, numbers.values()), default=0.0)
    empty = least > CLEAR * max(numbers.values()) / len(numbers)  # so that a zero begins no row of numbers
    outliers = [i for i, number in numbers.items() if abs(number - middle) > far or (empty and not number)]
    return outliers if len(outliers) <= max(1, SELDOM * len(numbers)) else []


def rare_values(counts: Counter[str], total: int) -> dict[str, float] | None:
    """The values that stand out in a column, with their bits of surprise; None where it does not repeat a few."""
    if len(counts) > 0.5 * total + 1:
        return None
    often = max(OFTEN if total >= 3 * LEAST_ROWS else 2, SELDOM * total)
    rare = {value: count for value, count in counts.items() if count < often}
    if sum(rare.values()) > max(1, RARE * total):
        return None
    return {value: log2(total / count) for value, count in rare.items()}


def _class(value: str) -> str:
    """What kind of value it is: nought, another number, an absent one, or any other."""
    if value in _ABSENT:
        return value
    if value[0] not in _DIGITS and not value.lstrip("+-$€(")[:1].isdecimal():
        return "w"
    return "0" if _NOUGHT.fullmatch(value) else "1"
