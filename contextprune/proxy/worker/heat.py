"""The context of a request as it was sent, block by block, for the dashboard: what stayed, what went, and since when.

A block that this request decided is drawn span by span with its reasons; one that an earlier request decided, as the
text that is sent in its place.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, TypeAlias

from contextprune.context import Ref, Segment, Span
from contextprune.display.heatmap import markers
from contextprune.markers import marker_ranges
from contextprune.plan import Action, Decision
from contextprune.pruner import Pruned
from contextprune.session.decided import AT_EPOCH
from contextprune.session.requests import boundaries

MARKER = "marker"
"""In place of an action: the piece is a marker, which is sent in place of the pieces before it, or of an old cut."""

_KEPT_CHARACTERS = 4000  # of a kept text
_CHARACTERS = 2 << 20  # of all texts

Piece: TypeAlias = list[Any]
"""Text, action or MARKER, reason, and the score where one was given."""


def heat_of(pruned: Pruned) -> bytes:
    """The blocks of a request as JSON: see `Answer.heat`. Texts are cut to some megabytes in all."""
    context = pruned.plan.context
    ends = boundaries(context)
    decided: dict[int, list[tuple[Span, Decision]]] = {}
    for span, decision in zip(pruned.plan.spans, pruned.plan.decisions, strict=True):
        decided.setdefault(span.segment, []).append((span, decision))

    left = _CHARACTERS
    rows: list[list[Any]] = []
    for at, segment in enumerate(context.segments):
        pieces = list(_bounded(_pieces(segment, decided.get(at, ()), pruned.edits), left))
        left = max(0, left - sum(len(text) for text, *_ in pieces))
        rows.append([segment.kind.value, segment.name or "", pieces, _facts(pruned, at, ends, decided.get(at, ()))])
    return json.dumps(rows, separators=(",", ":")).encode()


def _facts(pruned: Pruned, at: int, ends: Sequence[int], decided: Sequence[tuple[Span, Decision]]) -> Mapping[str, Any]:
    """What a block weighs, before and after, the request of its conversation that brought it, and when it was cut."""
    request = bisect_right(ends, at) + 1
    is_new = request == len(ends) or _is_planned(decided)
    cut = "epoch" if any(decision.reason == AT_EPOCH for _, decision in decided) else "now" if is_new else "old"
    is_cut = pruned.plan.context.segments[at].ref in pruned.edits
    return {"tokens": pruned.sizes[at], "request": request, "cut": cut if is_cut else ""}


def _is_planned(decided: Sequence[tuple[Span, Decision]]) -> bool:
    """Tell whether the spans of a block were decided in this request, some of them to go."""
    return any(decision.action is not Action.KEEP for _, decision in decided)


def _pieces(segment: Segment, decided: Sequence[tuple[Span, Decision]], edits: Mapping[Ref, str]) -> Iterator[Piece]:
    """The pieces of a block in reading order, uncut."""
    sent = edits.get(segment.ref)
    if sent is None or _is_planned(decided):
        yield from _planned(decided, sent)
        return

    start = 0
    reason = decided[0][1].reason if decided else ""
    for first, end in marker_ranges(sent, segment.text):
        if first > start:
            yield [sent[start:first], Action.KEEP.value, reason]
        yield [sent[first:end], MARKER, reason]
        start = end
    if sent[start:]:
        yield [sent[start:], Action.KEEP.value, reason]


def _planned(decided: Sequence[tuple[Span, Decision]], sent: str | None) -> Iterator[Piece]:
    """Spans as they were decided in this request, each gap with its marker behind it."""
    kept = [(decision.action is Action.KEEP, span.text) for span, decision in decided]
    notes = iter(markers(kept, sent))
    for is_kept, run in groupby(decided, key=lambda pair: pair[1].action is Action.KEEP):
        for span, decision in run:
            yield [span.text, decision.action.value, decision.reason, round(decision.score, 3)]
        if not is_kept and (note := next(notes, "")):
            yield [note, MARKER, ""]


def _bounded(pieces: Iterator[Piece], left: int) -> Iterator[Piece]:
    """The pieces with texts that are long cut off: kept ones at some thousand characters, any at what is `left`."""
    for text, action, *others in pieces:
        limit = min(_KEPT_CHARACTERS if action == Action.KEEP.value else left, left)
        shown = text if len(text) <= limit else f"{text[:limit]} …"
        left = max(0, left - len(shown))
        yield [shown, action, *others]
