"""What the words of one window cannot show: scalar features of each span, for the late stage of the model.

Where a span stands, how old it is, whether it repeats, which words it shares with the goal and with the latest calls.
Cheap: linear in the text, no model. Each is about 0..1, so that none drowns the others. The order is part of the
trained weights: a change here needs a new training.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import log1p

from contextprune.context import Context, Kind, Span, Syntax, Unit
from contextprune.scoring.lexical import Likeness, likeness, smoothed
from contextprune.scoring.signals import Signals, ages_of, edges_of, recent_words, shared
from contextprune.text.failures import failing
from contextprune.text.identifiers import identifiers
from contextprune.text.views import is_code, without_number

FEATURES = 40
"""Numbers for each span."""

LEXICAL_BLOCK, LEXICAL = 5, 6
"""The columns of lexical.v1's likeness of the whole block, and of its score."""

_DATA = frozenset({Syntax.JSON_ITEM, Syntax.JSON_PAIR, Syntax.JSON_LINE})
_UNITS = (Unit.SENTENCE, Unit.LINE, Unit.BLOCK, Unit.ITEM, Unit.ROW, Unit.RECORD, Unit.WHOLE, Unit.HUNK)
_KINDS = (Kind.DOCUMENT, Kind.TOOL_RESULT)
_LONG = 2000  # characters of a span that are looked at for what it holds


def features(context: Context, spans: Sequence[Span]) -> list[list[float]]:
    """[spans][FEATURES], each span beside all others of the context."""
    if not spans:
        return []
    parts = (part(context, spans) for part in (_likeness, _trace, _place, _content))
    return [[*likeness, *trace, *place, *content] for likeness, trace, place, content in zip(*parts, strict=True)]


def _likeness(context: Context, spans: Sequence[Span]) -> list[list[float]]:
    """Eight: the query's words in the span, beside it, in its block, and what lexical.v1 makes of them."""
    found = likeness(context, spans)
    if found is None:
        return [[0.0] * 8 for _ in spans]
    own, blocks = found
    top = max(own) or 1.0
    scores = smoothed(spans, Likeness(own, blocks))
    rows = []
    for i, span in enumerate(spans):
        before = own[i - 1] if i and spans[i - 1].segment == span.segment else 0.0
        after = own[i + 1] if i + 1 < len(spans) and spans[i + 1].segment == span.segment else 0.0
        anchor = max((own[a] for a in span.anchors), default=0.0)
        near = (own[i] / top, before / top, after / top, anchor / top)
        rows.append([*near, 2 * own[i], blocks[span.segment], scores[i], 1.0])
    return rows


def _trace(context: Context, spans: Sequence[Span]) -> list[list[float]]:
    """Ten: age, repetition, references, errors, and what signals.v1 makes of them."""
    ages = ages_of(context)
    recent, edges, failed = recent_words(context), edges_of(spans), failing(context, spans)
    scores = Signals()(context, spans)
    rows = [[0.0]] * len(spans)
    seen: set[str] = set()
    for i in range(len(spans) - 1, -1, -1):  # from the newest, so that the older copy is the repetition
        span = spans[i]
        body = without_number(span.text)
        age = ages[span.segment]
        rows[i] = [
            scores[i],
            log1p(age) / 3,
            float(age == 0),
            shared(body, recent),
            float(i in failed),
            float(is_code(span)),
            float(span.syntax in _DATA),
            float(len(body) < 20),
            float(body in seen),
            float(span.group is not None and i not in edges),
        ]
        seen.add(body)
    return rows


def _place(context: Context, spans: Sequence[Span]) -> list[list[float]]:
    """Eighteen: where the span stands in its block, how large both are, what they are."""
    starts = [i for i, span in enumerate(spans) if not i or span.segment != spans[i - 1].segment]
    total = sum(len(span.text) for span in spans) or 1
    rows = []
    for number, (start, end) in enumerate(pairwise([*starts, len(spans)])):
        segment = context.segments[spans[start].segment]
        block = (
            log1p(end - start) / 6,
            len(segment.text) / total,
            log1p(len(starts)) / 4,
            number / len(starts),
            *(float(segment.kind is kind) for kind in _KINDS),
            float(context.asked),
        )
        for i in range(start, end):
            where = ((i - start) / (end - start), 1 / (1 + i - start), 1 / (end - i))
            unit = (float(spans[i].unit is unit) for unit in _UNITS)
            rows.append([*block, *where, *unit])
    return rows


def _content(context: Context, spans: Sequence[Span]) -> list[list[float]]:
    """Four: length, digits, names, and names that nothing before has shown."""
    shown: set[str] = set(identifiers(context.query))
    rows = []
    for span in spans:
        text = span.text[:_LONG]
        names = set(identifiers(text))
        fresh = names - shown
        shown |= names
        digits = sum(map(str.isdigit, text)) / (len(text) or 1)
        rows.append([log1p(len(span.text)) / 7, digits, log1p(len(names)) / 3, log1p(len(fresh)) / 3])
    return rows
