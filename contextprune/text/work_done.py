"""What a database says of its work, where the goal asks why something is slow.

It answers less with a time than with how much it went through for a few rows, and with what did not fit into memory.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

MUCH = 1000  # looked at, below which nobody waits for it
LINES = 4  # lines that stay
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
_ON_DISK = re.compile(
    r"(?i)\bexternal (?:merge|sort)|\bspill(?:s|ed|ing)?\b(?!\W{0,4}(?:false|no|none|0)\b)"
    r"|\busing (?:filesort|temporary)"
    r"|\buse temp b-tree|\bis_?diskbased\W{1,4}(?:t|true)\b|\btemp (?:written|read)=[1-9]|\busedDisk\W{1,4}true"
    r"|\b(?:tmp|temp|temporary) (?:table|files?) on disk"
)
"""A stage that sorts or joins on disk, or without an index, as PostgreSQL, MySQL, SQLite, Spark or MongoDB say it."""


def spilled(lines: Sequence[str]) -> list[int]:
    """Numbers of the lines that tell of work on disk or without an index, `LINES` at most; none where most lines do."""
    rows = [k for k, line in enumerate(lines) if _ON_DISK.search(line)]
    return rows[:LINES] if 2 * len(rows) <= len(lines) else []


def most_work(lines: Sequence[str]) -> list[int]:
    """Numbers of the lines with the largest counts of what was looked at, `LINES` at most; the first and last of more.

    None where the largest is small, or where most counts are about as large: then they tell nothing apart.
    """
    counts: dict[int, int] = {}
    for k, line in enumerate(lines):
        if _HINT.search(line):
            for named, counted in _COUNT.findall(line):
                counts[k] = max(counts.get(k, 0), int(re.sub(r"[,_]", "", named or counted)))

    largest = max(counts.values(), default=0)
    large = [k for k, count in counts.items() if count >= SHARE * largest]
    if largest < MUCH or (len(large) > LINES and 2 * len(large) > len(counts)):
        return []
    return large if len(large) <= LINES else [*large[: LINES // 2], *large[-(LINES // 2) :]]
