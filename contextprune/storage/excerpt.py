"""The part of an original that a recall asks for."""

from __future__ import annotations

import re
from collections.abc import Iterable

from contextprune.errors import SettingsError

_RANGES = re.compile(r"\s*(\d{1,9})\s*(?:-\s*(\d{1,9})\s*)?")


def recall_text(text: str, query: str | None = None, lines: str | None = None) -> str:
    r"""The part of an original that was asked for: verbatim lines, with a line "…" where lines between are left out.

    lines    "12", "12-40" or "12-40,60": counted from 1, ends included; lines end at "\n" only
    query    only lines that hold every word of it, in any letter case
    Raises SettingsError for `lines` that are no line numbers.
    """
    if query is None and lines is None:
        return text
    rows = [row for row in re.split(r"(?<=\n)", text) if row]
    chosen: Iterable[int] = range(len(rows)) if lines is None else _line_indices(lines, len(rows))
    terms = dict.fromkeys((query or "").casefold().split())

    out, previous = [], None
    for index in chosen:
        row = rows[index].casefold() if terms else ""
        if all(term in row for term in terms):
            if previous is not None and index > previous + 1:
                out.append("…\n")
            out.append(rows[index])
            previous = index
    return "".join(out)


def _line_indices(lines: str, count: int) -> list[int]:
    """Indices from 0, in order, of the lines named that exist among `count` lines."""
    found: set[int] = set()
    for part in lines.split(","):
        match = _RANGES.fullmatch(part)
        first = int(match[1]) if match else 0
        last = int(match[2] or match[1]) if match else 0
        if not 1 <= first <= last:
            raise SettingsError(f"lines are counted from 1 and written like '12', '12-40' or '12-40,60', not {lines!r}")
        found.update(range(first - 1, min(last, count)))
    return sorted(found)
