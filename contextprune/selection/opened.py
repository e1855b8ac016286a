"""Traces opened: a stack trace is one span where it is scored, and its frames are spans where it is decided.

So the scorer reads what it was trained on, and a trace that is larger than the budget is cut inside.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias, TypeVar

from contextprune.context import Context, Kind, Span, Unit
from contextprune.text.traces import Part, parts_of, piece_starts

V = TypeVar("V")
Pieces: TypeAlias = Callable[[str, Sequence[int]], list[int]]
"""The tokens of pieces of a text, by where they end: `Counter.pieces`."""


@dataclass(slots=True)
class Opened:
    """Spans with their traces opened, in parallel lists.

    parts    what each piece of a trace is, by the index of its span
    firsts   for each span as it was, the index of the first that stands for it; one more at the end
    """

    spans: list[Span] = field(default_factory=list)
    costs: list[int] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    parts: dict[int, Part] = field(default_factory=dict)
    firsts: list[int] = field(default_factory=list)

    def moved(self, values: Mapping[int, V]) -> dict[int, V]:
        """What holds for spans as they were, for each of those that stand for them."""
        return {j: value for i, value in values.items() for j in range(self.firsts[i], self.firsts[i + 1])}


def open_traces(
    context: Context, spans: Sequence[Span], costs: Sequence[int], scores: Sequence[float], count: Pieces
) -> Opened:
    """Cut traces into frames, each with the score of the whole; anchors follow, and a frame needs the trace's head."""
    opened = Opened()
    at = 0
    while at < len(spans):
        end = _trace_end(context, spans, at)
        text = "".join(span.text for span in spans[at:end])
        starts = piece_starts(text) if "\n" in text.rstrip() else []
        if end > at and len(starts) > 1:
            _add_trace(opened, spans[at:end], scores[at:end], text, starts, count)
            at = end
        else:
            opened.firsts.append(len(opened.spans))
            opened.spans.append(spans[at])
            opened.costs.append(costs[at])
            opened.scores.append(scores[at])
            at += 1
    opened.firsts.append(len(opened.spans))

    if opened.parts:
        for i, span in enumerate(opened.spans):
            if span.anchors:
                opened.spans[i] = _anchored(opened, span)
    return opened


def _trace_end(context: Context, spans: Sequence[Span], at: int) -> int:
    """The index behind the records that may be a trace which begins at `at`: a long one was cut into several."""
    if spans[at].unit is not Unit.RECORD or context.segments[spans[at].segment].kind is not Kind.TOOL_RESULT:
        return at
    end = at + 1
    while end < len(spans) and spans[end].unit is Unit.RECORD and at in spans[end].anchors:
        end += 1
    return end


def _add_trace(
    opened: Opened, spans: Sequence[Span], scores: Sequence[float], text: str, starts: Sequence[int], count: Pieces
) -> None:
    """Add the pieces of a trace, the text of `spans` together; `starts` is where they begin in it."""
    ends = [*starts[1:], len(text)]
    pieces = [text[start:end] for start, end in zip(starts, ends, strict=True)]
    first, base = len(opened.spans), spans[0].start
    for k, part in enumerate(parts_of(pieces)):
        opened.parts[first + k] = part
        anchors = (-first - 1,) if k else spans[0].anchors
        bounds = base + starts[k], base + ends[k]
        opened.spans.append(Span(spans[0].segment, *bounds, Unit.LINE, pieces[k], spans[0].syntax, anchors))
    opened.costs += count(text, ends)
    opened.scores += [max(scores)] * len(pieces)
    opened.firsts += [first + bisect_left(starts, span.start - base) for span in spans]


def _anchored(opened: Opened, span: Span) -> Span:
    """The span with anchors that count opened spans; one below zero was counted so from the start."""
    anchors = tuple(opened.firsts[a] if a >= 0 else -a - 1 for a in span.anchors)
    return replace(span, anchors=anchors)
