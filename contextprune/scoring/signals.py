"""signals.v1: what an agent needs next, told from where a line stands and not from what it resembles.

On traces, likeness to the goal is worse than chance: what resembles the goal restates what is known. What is needed is
recent, unique, referred to by the latest calls, and of certain types: text of a file view is quoted by the next edit.
The weights are round numbers set by hand, each for the reason beside it; nothing was fitted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import exp, log1p
from typing import NamedTuple

from contextprune.context import Context, Kind, Span, Syntax
from contextprune.text.failures import failing
from contextprune.text.views import is_code, without_number

# Weights, in logits.
BIAS = -4.5
AGE = -1.0  # a result loses worth with the logarithm of the results since
LATEST = 2.0  # the answer to the last call has not been acted upon yet
CODE = 2.5  # views of files: edits must quote them to the letter
REPEATED = -2.0  # the same line stands in a later result
DATA = -2.0  # records are used by their values, which a digest carries; they are hardly ever quoted whole
SHORTEST, SHORT = 20, -1.5  # characters: braces, blanks and prompts say nothing that the marker does not
REFERRED = 1.5  # shares words with the latest calls
FAILURE = 1.0  # errors before success
TAIL, TAIL_LENGTH = 0.7, 4  # the end of a long output holds its verdict; spans from the end at which half of it counts
COMMENT = -0.5  # prose beside the code is quoted less than the code
TEMPLATE = -2.5  # one of many log records of the same form, the first and the last apart

RECENT_CALLS = 3  # turns with calls whose words count as referring
LOOKED_AT = 400  # characters of a span whose words are compared with theirs

_WORD = re.compile(r"[^\W\d]\w{2,}")
DATA_SYNTAX = frozenset({Syntax.JSON_ITEM, Syntax.JSON_PAIR, Syntax.JSON_LINE})
"""Syntax of records."""


class Signals:
    """Recency, position, errors, repetition and references. Query-free; takes any context, in linear time."""

    name = "signals.v1"

    def __call__(self, context: Context, spans: Sequence[Span]) -> list[float]:
        """One score for each span."""
        return weighed(spans, trace_of(context, spans))


class Trace(NamedTuple):
    """Facts of a trace that signals.v1 and the features of the model share.

    ages      for each segment, how many calls were answered after it: 0 for the latest turn's results
    recent    words of the latest calls and of the text that came with them
    edges     indices of the first and the last span of each group in each segment
    failures  indices of the spans that are failure lines
    """

    ages: Sequence[int]
    recent: frozenset[str]
    edges: frozenset[int]
    failures: frozenset[int]


def trace_of(context: Context, spans: Sequence[Span]) -> Trace:
    """The facts of a context."""
    return Trace(_ages(context), _recent_words(context), _edges(spans), frozenset(failing(context, spans)))


def weighed(spans: Sequence[Span], trace: Trace) -> list[float]:
    """The scores of signals.v1 from the facts."""
    by_age = [BIAS + AGE * log1p(age) + (0.0 if age else LATEST) for age in trace.ages]
    ends = {span.segment: i for i, span in enumerate(spans)}
    later: set[str] = set()
    scores = [0.0] * len(spans)

    for i in range(len(spans) - 1, -1, -1):  # from the newest, so that the older copy is the repetition
        span = spans[i]
        body = without_number(span.text)
        logit = by_age[span.segment] + TAIL / (1 + (ends[span.segment] - i) / TAIL_LENGTH)
        logit += _form(span, body, failure=i in trace.failures)

        if len(body) < SHORTEST:
            logit += SHORT
        elif body in later:
            logit += REPEATED
        else:
            later.add(body)

        if span.group is not None and i not in trace.edges:
            logit += TEMPLATE
        scores[i] = 1 / (1 + exp(-logit - REFERRED * shared(body, trace.recent)))
    return scores


def _form(span: Span, body: str, *, failure: bool) -> float:
    """The weight of the kind of text: code is quoted, records are not, failures come first."""
    if is_code(span):
        return CODE + COMMENT if body.startswith(("#", "//", "*", '"""')) else CODE
    if span.syntax in DATA_SYNTAX:
        return DATA
    return FAILURE if failure else 0.0


def shared(body: str, recent: frozenset[str]) -> float:
    """The share of its words that the latest calls use, too; a long text is judged by its beginning."""
    words = _WORD.findall(body[:LOOKED_AT]) if recent else ()
    return sum(map(recent.__contains__, words)) / (len(words) + 1)


def _ages(context: Context) -> list[int]:
    last = max((s.turn for s in context.segments if s.kind is Kind.TOOL_RESULT), default=0)
    return [max(0, last - segment.turn) for segment in context.segments]


def _recent_words(context: Context) -> frozenset[str]:
    turns = sorted({s.turn for s in context.segments if s.kind is Kind.TOOL_CALL})[-RECENT_CALLS:]
    if not turns:
        return frozenset()
    spoken = (Kind.TOOL_CALL, Kind.ASSISTANT)
    return frozenset(
        word for s in context.segments if s.turn >= turns[0] and s.kind in spoken for word in _WORD.findall(s.text)
    )


def _edges(spans: Sequence[Span]) -> frozenset[int]:
    firsts: dict[tuple[int, str | None], int] = {}
    lasts: dict[tuple[int, str | None], int] = {}
    for i, span in enumerate(spans):
        if span.group is not None:
            firsts.setdefault((span.segment, span.group), i)
            lasts[span.segment, span.group] = i
    return frozenset(firsts.values()) | frozenset(lasts.values())
