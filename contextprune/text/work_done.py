"""The largest counts of what was looked at, where the goal asks why something is slow.

A database, asked why a query is slow, answers less with a time than with how much it went through for a few rows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

MUCH = 1000  # looked at, below which nobody waits for it
MOST = 4  # lines that stay
SHARE = 0.5  # of the largest count: from here on one is among the largest

_NUMBER = r"(\d{1,3}(?:[,_]\d{3}){1,5}|\d{1,18})(?![\w.])"
_LOOKED = "examined|scanned|inspected|visited|processed|fetched|read|hits|removed by (?:join )?filter"
_COUNT = re.compile(
    rf"(?i)(?<!\w)\w{{0,40}}(?:{_LOOKED})(?:[_ ]?(?:count|rows|docs|documents|records|keys))?[\"']?"
    rf"\s{{0,12}}[:=]\s{{0,12}}[\"']?"
    rf"{_NUMBER}"
    rf"|(?<![\w.]){_NUMBER} (?:\w{{1,20}} )?(?:rows?|documents?|docs|records|keys|tuples|cells|tombstones?)"
    rf"(?: \w{{1,20}})? (?:{_LOOKED})\b"
)
"""A count with its name before it, or what was counted behind it."""
_HINT = re.compile(rf"(?i){_LOOKED}")


def most_work(lines: Sequence[str]) -> list[int]:
    """Numbers of the lines with the largest counts of what was looked at, `MOST` at most; the first and last of more.

    None where the largest is small, or where most counts are about as large: then they tell nothing apart.
    """
    counts: dict[int, int] = {}
    for k, line in enumerate(lines):
        if _HINT.search(line):
            for named, counted in _COUNT.findall(line):
                counts[k] = max(counts.get(k, 0), int(re.sub(r"[,_]", "", named or counted)))

    largest = max(counts.values(), default=0)
    large = [k for k, count in counts.items() if count >= SHARE * largest]
    if largest < MUCH or (len(large) > MOST and 2 * len(large) > len(counts)):
        return []
    return large if len(large) <= MOST else [*large[: MOST // 2], *large[-(MOST // 2) :]]
