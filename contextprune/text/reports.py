"""Records of a report that prints them as short paragraphs, as spans: findings, packages, jobs, fields of a row.

A finding's place or a package's version says nothing by itself, and no line that is chosen says it: what stands out,
fails or was named in such a report takes the rest of its record along.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from contextprune.context import Span, Syntax, Unit

LONGEST = 16  # spans of a record
CHARACTERS = 1000  # of a record: a longer one is a section
LEAST = 4  # records, or the text is no report
SHARE = 0.6  # of its spans are in records

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


def _is_apart(text: str) -> bool:
    """Whether a blank line or a rule ends a span: they go with the line before them."""
    return text.count("\n") > 1 and _APART.search(text, text.index("\n")) is not None


def _is_record(spans: Sequence[Span], record: range) -> bool:
    if not 1 < len(record) <= LONGEST:
        return False
    if any(spans[i].syntax not in _READABLE or spans[i].unit is Unit.SENTENCE for i in record):
        return False
    return spans[record.stop - 1].end - spans[record.start].start <= CHARACTERS
