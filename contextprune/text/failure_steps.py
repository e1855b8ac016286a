"""What was under way when something failed: its last round of lines, the heading of its step, the lines of its id.

A program that works in rounds prints the same forms of lines in each, so a form that comes again ends the round. Steps
open with marks that all tools share. An id that few lines hold, a request's or a message's, ties them together.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import islice

from contextprune.context import Span, Syntax
from contextprune.text.named import offsets_of
from contextprune.text.templates import templates

ROUND = 6  # lines above a failure that may be of its round
HEADING = 150  # lines above a failure among which the heading of its step is looked for
LINES_OF_AN_ID = 6  # lines that may hold an id, before it ties nothing together
IDS = 2  # of a line that are looked for
DATES = 4  # lines with the dates of what has expired
READ = 300  # characters of a line

_READABLE = frozenset({Syntax.LINES, Syntax.PROSE})
_HEADING = re.compile(
    r"\s{0,8}(?:(?:={2,}>?|-{2,}>|>{2,4}|\*{3,}|#{2,4}|▶|-{3,}) ?[\w\[\"'].{0,200}$|(?:TASK|PLAY|STAGE|STEP|Step"
    r"|Stage|Phase|RUN|Suite|Target) ?[\[\d:#]|> [A-Z]\w{1,20} :|\[\d{1,4}/\d{1,4}\] |##\[(?:group|section)\]|::group::"
    r"|#\d{1,4} \[|[^\n]{0,40}\{ \()"
)
"""How the line that opens a step begins."""
_COMMAND = re.compile(r"(?:[\w.@ -]{1,60}:)?\s{0,8}(?:\+{1,3}|\$|>) \S")
"""How a shell shows the command that it runs."""
_ID = re.compile(r"(?<![\w./@-])(?=[A-Za-z_-]{0,40}\d)(?=[\d_-]{0,40}[A-Za-z])(?!\d{4}-\d\d)[\w-]{6,64}(?![\w./@-])")

_EXPIRED = re.compile(r"(?i)\b(?:expired|not yet valid|no longer valid|outdated|out of date)\b")
_UNTIL = re.compile(
    r"(?i)(?:not[ _]?after|valid[ _-]?(?:until|to|thru|through|till)"
    r"|expir(?:es|ed|y|ation|e date)(?:[ _-]?(?:on|at|date|time))?"
    r"|\bexp|end[ _]?date)[\"']?\s{0,4}[:=(]?\s{0,20}[\"']?(?=[^\n]{0,30}\d)"
)
"""What stands before the date at which something ends."""


def under_way(spans: Sequence[Span], block: range, failure: int) -> Iterator[int]:
    """Indices of the lines above a failure that are of its round, its command, and the heading of its step."""
    above = range(max(block.start, failure - HEADING), failure)
    near = [i for i in reversed(above[-ROUND:]) if spans[i].syntax in _READABLE]
    forms: set[bytes] = set()
    for i, form in zip(near, templates([" ".join(spans[i].text[:READ].split()) for i in near]), strict=True):
        if form in forms:
            break
        forms.add(form)
        yield i

    for opens in (_COMMAND, _HEADING):
        opening = next((i for i in reversed(above) if opens.match(spans[i].text[:READ])), None)
        if opening is not None and spans[opening].syntax in _READABLE:
            yield opening


def of_same_id(text: str, spans: Sequence[Span], block: range, failure: int) -> Iterator[int]:
    """Indices of the lines of `text` that hold an id of a failure's, where these are few."""
    starts: list[int] = []
    for name in dict.fromkeys(_ID.findall(spans[failure].text[:READ])[:IDS]):
        starts = starts or [spans[i].start for i in block]
        for at in offsets_of(text, name, LINES_OF_AN_ID):
            i = block.start + bisect_right(starts, at) - 1
            if i != failure and spans[i].syntax in _READABLE:
                yield i


def of_expiry(spans: Sequence[Span], block: range, failure: int) -> Iterator[int]:
    """Indices of the first lines that give a date of expiry, where a failure says that something has expired."""
    if _EXPIRED.search(spans[failure].text[:READ]):
        dated = (i for i in block if spans[i].syntax in _READABLE and _UNTIL.search(spans[i].text[:READ]))
        yield from islice((i for i in dated if i != failure), DATES)
