"""signals.v1: what an agent needs next, told from where a line stands and not from what it resembles.

On traces, likeness to the goal is worse than chance: what resembles the goal restates what is known. What is needed is
recent, unique, referred to by the latest calls, and of certain types: text of a file view is quoted by the next edit.
The weights are round numbers set by hand, each for the reason beside it; nothing was fitted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import exp, log1p

from contextprune.context import Context, Kind, Span, Syntax
from contextprune.text.failures import failing
from contextprune.text.views import is_code, without_number

BIAS = -4.5
AGE = -1.0  # a result loses worth with the logarithm of the results since
LATEST = 2.0  # the answer to the last call has not been acted upon yet
CODE = 2.5  # views of files: edits must quote them to the letter
REPEATED = -2.0  # the same line stands in a later result
DATA = -2.0  # records are used by their values, which a digest carries; they are hardly ever quoted whole
SHORTEST, SHORT = 20, -1.5  # characters: braces, blanks and prompts say nothing that the marker does not
REFERRED = 1.5  # shares words with the latest calls
FAILURE = 1.0  # errors before success
TAIL = 0.7  # the end of a long output holds its verdict
COMMENT = -0.5  # prose beside the code is quoted less than the code
TEMPLATE = -2.5  # one of many log records of the same form, the first and the last apart

_WORD = re.compile(r"[^\W\d]\w{2,}")
_DATA = frozenset({Syntax.JSON_ITEM, Syntax.JSON_PAIR, Syntax.JSON_LINE})
_RECENT_CALLS = 3


class Signals:
    """Recency, position, errors, repetition and references. Query-free; takes any context, in linear time."""

    name = "signals.v1"

    def __call__(self, context: Context, spans: Sequence[Span]) -> list[float]:
        """One score for each span."""
        ages = ages_of(context)
        standing = [BIAS + AGE * log1p(age) + (0.0 if age else LATEST) for age in ages]
        recent = recent_words(context)
        failed, edges, ends = failing(context, spans), edges_of(spans), _last_index(spans)
        seen: set[str] = set()
        scores = [0.0] * len(spans)
        for i in range(len(spans) - 1, -1, -1):  # from the newest, so that the older copy is the repetition
            span = spans[i]
            body = without_number(span.text)
            logit = standing[span.segment] + TAIL / (1 + (ends[span.segment] - i) / 4)
            logit += _form(span, body, failed=i in failed)
            if len(body) < SHORTEST:
                logit += SHORT
            elif body in seen:
                logit += REPEATED
            else:
                seen.add(body)
            if span.group is not None and i not in edges:
                logit += TEMPLATE
            scores[i] = 1 / (1 + exp(-logit - REFERRED * shared(body, recent)))
        return scores


def _form(span: Span, body: str, *, failed: bool) -> float:
    """What kind of text it is: code is quoted, records are not, failures come first."""
    if is_code(span):
        return CODE + COMMENT if body.startswith(("#", "//", "*", '"""')) else CODE
    if span.syntax in _DATA:
        return DATA
    return FAILURE if failed else 0.0


def shared(body: str, recent: frozenset[str]) -> float:
    """The share of its words that the latest calls use, too; a long text is judged by its beginning."""
    words = _WORD.findall(body[:400]) if recent else ()
    return sum(map(recent.__contains__, words)) / (len(words) + 1)


def ages_of(context: Context) -> list[int]:
    """For each segment, how many calls were answered after it: 0 for the latest turn's results."""
    last = max((s.turn for s in context.segments if s.kind is Kind.TOOL_RESULT), default=0)
    return [max(0, last - segment.turn) for segment in context.segments]


def recent_words(context: Context) -> frozenset[str]:
    """Words of the latest calls and of the text that came with them."""
    turns = sorted({s.turn for s in context.segments if s.kind is Kind.TOOL_CALL})[-_RECENT_CALLS:]
    if not turns:
        return frozenset()
    spoken = (Kind.TOOL_CALL, Kind.ASSISTANT)
    return frozenset(
        word for s in context.segments if s.turn >= turns[0] and s.kind in spoken for word in _WORD.findall(s.text)
    )


def _last_index(spans: Sequence[Span]) -> dict[int, int]:
    return {span.segment: i for i, span in enumerate(spans)}


def edges_of(spans: Sequence[Span]) -> frozenset[int]:
    """The first and the last span of each group in each segment."""
    firsts: dict[tuple[int, str | None], int] = {}
    lasts: dict[tuple[int, str | None], int] = {}
    for i, span in enumerate(spans):
        if span.group is not None:
            firsts.setdefault((span.segment, span.group), i)
            lasts[span.segment, span.group] = i
    return frozenset(firsts.values()) | frozenset(lasts.values())
