"""Scalar features of each span, for the late stage of the model: what the words of one window cannot show.

Where a span stands, how old it is, whether it repeats, which words it shares with the goal and with the latest calls.
Cheap: linear in the text, no model. Each is about 0..1, so that none drowns the others.

Their values are part of the trained weights, and so is all that they are made of: lexical.v1, signals.v1, failure
lines, identifiers, the splitters. A golden test notices when one of these moves; `FEATURES_VERSION` tells weights apart
that were trained on other values.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum, auto
from math import log1p

from contextprune.context import Context, Kind, Span, Unit, blocks_of
from contextprune.scoring.lexical import likeness, smoothed
from contextprune.scoring.signals import DATA_SYNTAX, Trace, shared, trace_of, weighed
from contextprune.text.identifiers import identifiers
from contextprune.text.views import is_code, without_number

FEATURES_VERSION = 1
"""Raised whenever a value below changes: weights of another version are refused when they are loaded."""


class Column(IntEnum):
    """The columns of a row of features, in the order of the trained weights."""

    # likeness to the query: zeros without one
    ITSELF = 0  # BM25 of the span, as a share of the best one's
    BEFORE = auto()  # of the span before it in the block
    AFTER = auto()
    ANCHOR = auto()  # of the best of its anchors
    OF_QUERY = auto()  # BM25 of the span, as a share of what the query could reach
    QUERY_BLOCK = auto()  # BM25 of the block
    LEXICAL = auto()  # the score of lexical.v1
    HAS_QUERY = auto()

    # trace
    SIGNALS = auto()  # the score of signals.v1
    AGE = auto()
    LATEST = auto()  # of the latest turn
    REFERRED = auto()  # share of its words that the latest calls use
    FAILURE = auto()
    CODE = auto()
    DATA = auto()
    SHORT = auto()
    REPEATED = auto()  # stands again further down
    TEMPLATE = auto()  # inside a group of log records of one form

    # block
    BLOCK_SPANS = auto()
    BLOCK_SHARE = auto()  # of the characters of the context
    BLOCKS = auto()
    BLOCK_NUMBER = auto()  # as a share of all
    DOCUMENT = auto()
    TOOL_RESULT = auto()
    QUERY_GIVEN = auto()  # by the caller, not read from the conversation

    # place in the block
    POSITION = auto()
    FROM_START = auto()
    TO_END = auto()

    # unit
    SENTENCE = auto()
    LINE = auto()
    CODE_BLOCK = auto()
    ITEM = auto()
    ROW = auto()
    RECORD = auto()
    WHOLE = auto()
    HUNK = auto()

    # content
    LENGTH = auto()
    DIGITS = auto()
    NAMES = auto()
    NEW_NAMES = auto()  # that neither the query nor a span before shows


FEATURES = len(Column)
"""Numbers for each span."""

_KINDS = (Kind.DOCUMENT, Kind.TOOL_RESULT)
_UNITS = (Unit.SENTENCE, Unit.LINE, Unit.BLOCK, Unit.ITEM, Unit.ROW, Unit.RECORD, Unit.WHOLE, Unit.HUNK)

# What log1p of a common large value is divided by, so that it comes to about 1.
AGE_SCALE = 3  # 20 calls
SPANS_SCALE = 6  # 400 spans of a block, or of a context
BLOCKS_SCALE = 4  # 50 blocks
LENGTH_SCALE = 7  # 1,100 characters
NAMES_SCALE = 3  # 20 identifiers

SHORT_BODY = 20  # characters below which a line says nothing: braces, blanks, prompts
READ_FOR_NAMES = 2000  # characters of a span whose identifiers and digits are counted
QUERY_SCALE = 2  # few spans reach more than half of what the query could


def features(context: Context, spans: Sequence[Span]) -> list[list[float]]:
    """[spans][FEATURES], each span beside all others of the context."""
    if not spans:
        return []
    groups = (group(context, spans) for group in (_likeness, _trace, _position, _content))
    return [[number for numbers in row for number in numbers] for row in zip(*groups, strict=True)]


def _likeness(context: Context, spans: Sequence[Span]) -> list[list[float]]:
    """ITSELF to HAS_QUERY: the query's words in the span, beside it, in its block, and the score of lexical.v1."""
    like = likeness(context, spans)
    if like is None:
        return [[0.0] * (Column.HAS_QUERY + 1) for _ in spans]

    by_span, blocks = like
    best = max(by_span) or 1.0
    scores = smoothed(spans, like)
    rows = []
    for i, span in enumerate(spans):
        before = by_span[i - 1] if i and spans[i - 1].segment == span.segment else 0.0
        after = by_span[i + 1] if i + 1 < len(spans) and spans[i + 1].segment == span.segment else 0.0
        anchor = max((by_span[a] for a in span.anchors), default=0.0)
        shares = (by_span[i] / best, before / best, after / best, anchor / best)
        rows.append([*shares, QUERY_SCALE * by_span[i], blocks[span.segment], scores[i], 1.0])
    return rows


def _trace(context: Context, spans: Sequence[Span]) -> list[list[float]]:
    """SIGNALS to TEMPLATE: the score of signals.v1, age, references, form, repetition."""
    trace = trace_of(context, spans)
    scores = weighed(spans, trace)
    rows = [[0.0]] * len(spans)
    later: set[str] = set()
    for i in range(len(spans) - 1, -1, -1):  # from the newest, so that the older copy is the repetition
        body = without_number(spans[i].text)
        rows[i] = _traced(spans[i], i, body, scores[i], trace, repeated=body in later)
        later.add(body)
    return rows


def _traced(span: Span, i: int, body: str, score: float, trace: Trace, *, repeated: bool) -> list[float]:
    age = trace.ages[span.segment]
    return [
        score,
        log1p(age) / AGE_SCALE,
        float(age == 0),
        shared(body, trace.recent),
        float(i in trace.failures),
        float(is_code(span)),
        float(span.syntax in DATA_SYNTAX),
        float(len(body) < SHORT_BODY),
        float(repeated),
        float(span.group is not None and i not in trace.edges),
    ]


def _position(context: Context, spans: Sequence[Span]) -> list[list[float]]:
    """BLOCK_SPANS to HUNK: how large the block is, where the span stands in it, what both are."""
    blocks = blocks_of(spans)
    total = sum(len(span.text) for span in spans) or 1
    rows = []
    for number, block in enumerate(blocks):
        segment = context.segments[spans[block.start].segment]
        of_block = (
            log1p(len(block)) / SPANS_SCALE,
            len(segment.text) / total,
            log1p(len(blocks)) / BLOCKS_SCALE,
            number / len(blocks),
            *(float(segment.kind is kind) for kind in _KINDS),
            float(context.asked),
        )

        for i in block:
            position = ((i - block.start) / len(block), 1 / (1 + i - block.start), 1 / (block.stop - i))
            unit = (float(spans[i].unit is unit) for unit in _UNITS)
            rows.append([*of_block, *position, *unit])
    return rows


def _content(context: Context, spans: Sequence[Span]) -> list[list[float]]:
    """LENGTH to NEW_NAMES: length, digits, identifiers, and those that nothing before has shown."""
    shown: set[str] = set(identifiers(context.query))
    rows = []
    for span in spans:
        text = span.text[:READ_FOR_NAMES]
        names = set(identifiers(text))
        fresh = names - shown
        shown |= names
        digits = sum(map(str.isdigit, text)) / (len(text) or 1)
        length = log1p(len(span.text)) / LENGTH_SCALE
        rows.append([length, digits, log1p(len(names)) / NAMES_SCALE, log1p(len(fresh)) / NAMES_SCALE])
    return rows
