"""Records of a report that prints them as short paragraphs, as spans: findings, packages, jobs, fields of a row.

A finding's place or a package's version says nothing by itself, and no line that is chosen says it: what stands out,
fails or was named in such a report takes the rest of its record along.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from itertools import pairwise

from contextprune.context import Span, Syntax, Unit

LONGEST = 16  # spans of a record
CHARACTERS = 1000  # of a record: a longer one is a section
LEAST = 4  # records, or the text is no report
SHARE = 0.6  # of its spans are in records
REGULAR = 0.9  # of the steps from one opening line to the next are as long as a record

_READABLE = frozenset({Syntax.LINES, Syntax.PROSE})
_APART = re.compile(r"\n[ \t\r]*+(?:[-=_*#~─━═]{3,}+[ \t\r]*+)?(?=\n)")
_TITLED = re.compile(r"[-=*_#~]{1,200}+[\[ ][^\n]{1,80}?[\] ][-=*_#~]{3,200}|\[\[?[\w.\" -]{1,80}\]?\]\s*$")


def records_of_report(spans: Sequence[Span], block: range) -> Mapping[int, range]:
    """Span -> the spans of its record, for all that are in one; empty where a text is no report of records."""
    records: list[range] = []
    first = block.start
    for i in block:
        if i > first and _TITLED.match(spans[i].text):
            records.append(range(first, i))
            first = i
        if i == block.stop - 1 or _is_apart(spans[i].text):
            records.append(range(first, i + 1))
            first = i + 1

    short = [record for record in records if _is_record(spans, record)]
    if len(short) < LEAST or sum(map(len, short)) < SHARE * len(block):
        return {}
    return {i: record for record in short for i in record}


def periods(keys: Sequence[Hashable]) -> list[range]:
    """The records of a text that opens each with the same form of line, as ranges of `keys`, the forms of its lines.

    Half of what they are made of must be the same in most of them: `BEGIN:VEVENT`, some fields, `END:VEVENT`, again.
    """
    rows: dict[Hashable, list[int]] = {}
    for row, key in enumerate(keys):
        rows.setdefault(key, []).append(row)
    opening = next(
        (rows_of_form for key, rows_of_form in rows.items() if key and _opens_records(rows_of_form, len(keys))), None
    )
    if opening is None:
        return []

    records = [range(first, after) for first, after in pairwise([*opening, opening[-1] + _usual_step(opening)])]
    records = [record for record in records if 1 < len(record) <= LONGEST and record.stop <= len(keys)]
    bodies = [frozenset(keys[row] for row in record) for record in records]
    times = Counter(key for body in bodies for key in body)
    usual = sum(count >= SHARE * len(records) for count in times.values())
    return records if len(records) >= LEAST and 2 * usual * len(bodies) >= sum(map(len, bodies)) else []


def _opens_records(rows_of_form: Sequence[int], rows: int) -> bool:
    """Whether lines of one form are as far apart as records, and reach through most of a text of so many rows."""
    if len(rows_of_form) < LEAST or rows_of_form[-1] - rows_of_form[0] < SHARE * rows:
        return False
    steps = [after - before for before, after in pairwise(rows_of_form)]
    return max(steps) <= 2 * LONGEST and sum(1 < step <= LONGEST for step in steps) >= REGULAR * len(steps)


def _usual_step(rows_of_form: Sequence[int]) -> int:
    return Counter(after - before for before, after in pairwise(rows_of_form)).most_common(1)[0][0]


def _is_apart(text: str) -> bool:
    """Whether a blank line or a rule ends a span: they go with the line before them."""
    return text.count("\n") > 1 and _APART.search(text, text.index("\n")) is not None


def _is_record(spans: Sequence[Span], record: range) -> bool:
    if not 1 < len(record) <= LONGEST:
        return False
    if any(spans[i].syntax not in _READABLE or spans[i].unit is Unit.SENTENCE for i in record):
        return False
    return spans[record.stop - 1].end - spans[record.start].start <= CHARACTERS
