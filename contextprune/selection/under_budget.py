"""Choose under a budget: spans, scores and costs in, one decision a span out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from heapq import heapify, heappop, heappush
from types import MappingProxyType

from contextprune.context import Kind
from contextprune.errors import BudgetError
from contextprune.plan import Plan
from contextprune.selection.fill import Fill
from contextprune.selection.first import TRACES, Rank
from contextprune.selection.prepared import Prepared
from contextprune.selection.settle import Exact, settle
from contextprune.selection.targets import LINE_WORTH, RECENT_WORTH
from contextprune.selection.turns import turns

ANY_LENGTH = frozenset({Kind.DOCUMENT, Kind.EXAMPLE})
"""Kinds in which a span's length does not count against it; in a single result it does not, either."""
FIRST = 1e6  # added to a failure's worth: no other step comes before one
RANKS = len(Rank)
NOTHING: Mapping[int, float] = MappingProxyType({})


def under_budget(prepared: Prepared, ceiling: int) -> Plan:
    """Decide for every span, so that all texts and images hold at most `ceiling` tokens, exactly counted.

    Raises BudgetError where what is protected, and a marker for each block, exceeds that.
    """
    fill = prepared.fill()
    images = sum(segment.cost or 0 for segment in prepared.context.segments)
    if fill.used + images > ceiling:
        raise _too_small(prepared, fill, ceiling)

    names_first = prepared.context.reading in TRACES
    values = _values(prepared)
    behind = turns(prepared, values, ceiling - images - fill.used)
    order = (i for _, i, _ in steps(prepared, fill, values, names_first=names_first, behind=behind))
    decisions = settle(prepared, fill, order, ceiling)
    if decisions is None:
        raise _too_small(prepared, fill, ceiling)
    return Plan(prepared.context, tuple(prepared.spans), decisions)


def steps(
    prepared: Prepared,
    fill: Fill,
    values: Mapping[int, float],
    identifiers: Collection[int] | None = None,
    *,
    names_first: bool = True,
    behind: Mapping[int, float] = NOTHING,
) -> Iterator[tuple[float, int, float]]:
    """(density, span or ~identifier, worth) in the order of the walk: failures first, then the most worth a token.

    `values` gives the spans that may be chosen and what each is worth by itself, `identifiers` those that may be
    carried (None: all). One that is visible by now is worth nothing more, so a span is weighed again when its turn
    comes (lazy greedy, Minoux 1978). Of equals the more recent result of a tool comes first, and the earlier sentence
    of a document. `names_first` weighs results as in a trace: by the token, and names before lines; `behind` is from
    `turns`.
    """
    carriable = range(len(prepared.identifiers)) if identifiers is None else identifiers
    names = _names_of_spans(prepared, carriable) if names_first else {}
    density = _density(prepared, behind, names_first=names_first)

    def weigh(i: int) -> float:
        return values[i] + sum(prepared.identifiers[k].score for k in names.get(i, ()) if not fill.shows(k))

    # Spans and identifiers in one queue: the densest first, ties by position.
    worths = [(prepared.identifiers[k].score / (prepared.identifiers[k].cost + 1), k) for k in carriable]
    queue = [(-worth, k - len(prepared.identifiers), ~k) for worth, k in worths]
    latest_first = [segment.kind is Kind.TOOL_RESULT for segment in prepared.context.segments]
    queue += [(-density(i, weigh(i)), -i if latest_first[prepared.spans[i].segment] else i, i) for i in values]
    heapify(queue)

    while queue:
        stored, rank, i = heappop(queue)
        value = weigh(i) if i >= 0 else prepared.identifiers[~i].score * (not fill.shows(~i))
        if i in names and not fill.kept[i] and -density(i, value) > stored:
            heappush(queue, (-density(i, value), rank, i))
        else:
            yield -stored, i, value


def _names_of_spans(prepared: Prepared, carriable: Collection[int]) -> dict[int, list[int]]:
    """Span -> the identifiers out of `carriable` that it shows; a copy's are those of the span that it repeats."""
    names: dict[int, list[int]] = {}
    for k in carriable:
        for i in dict.fromkeys(prepared.copies.get(i, i) for i in prepared.identifiers[k].spans):
            names.setdefault(i, []).append(k)
    return names


def _density(prepared: Prepared, behind: Mapping[int, float], *, names_first: bool) -> Callable[[int, float], float]:
    """How early a span of some worth is chosen: by the token, but for kinds whose length does not count."""
    kinds = [segment.kind for segment in prepared.context.segments]
    any_length = [kind in ANY_LENGTH or (kind is Kind.TOOL_RESULT and not names_first) for kind in kinds]

    def density(i: int, worth: float) -> float:
        first = FIRST * (RANKS - prepared.ranks.get(i, 0) - behind.get(i, 0.0)) if prepared.comes_first(i) else 0.0
        return (worth if any_length[prepared.spans[i].segment] else worth / (prepared.costs[i] + 1)) + first

    return density


def _values(prepared: Prepared) -> dict[int, float]:
    """What each span that may be chosen is worth by itself: its score, or that of a later copy."""
    segments = prepared.context.segments
    last = max((segment.turn for segment in segments), default=0)
    weights = [RECENT_WORTH if last - segment.turn < prepared.policy.recent_turns else 1.0 for segment in segments]
    names_first = prepared.context.reading in TRACES
    values = [
        line_value(prepared, i, LINE_WORTH if names_first else 1.0) * weights[span.segment]
        for i, span in enumerate(prepared.spans)
    ]
    for i, source in prepared.copies.items():
        values[source] = max(values[source], values[i])
    return {
        i: values[i]
        for i, span in enumerate(prepared.spans)
        if span.segment in prepared.movable and i not in prepared.copies
    }


def line_value(prepared: Prepared, i: int, beside_names: float) -> float:
    """What span `i` is worth: its score, times `beside_names` where there are identifiers."""
    return prepared.scores[i] * beside_names if prepared.identifiers else prepared.scores[i]


def _too_small(prepared: Prepared, fill: Fill, ceiling: int) -> BudgetError:
    by_kind: dict[str, int] = {}
    for segment in prepared.context.segments:
        if segment.cost:
            by_kind[segment.kind.value] = by_kind.get(segment.kind.value, 0) + segment.cost
    images = sum(by_kind.values())
    for i, span in enumerate(prepared.spans):
        if fill.kept[i]:
            kind = prepared.context.segments[span.segment].kind.value
            by_kind[kind] = by_kind.get(kind, 0) + prepared.costs[i]

    text = Exact(prepared, fill)
    text.count(text.blocks)
    needed = max(fill.used + images, text.tokens)
    by_kind["markers"] = needed - sum(by_kind.values())
    return BudgetError(ceiling, max(needed, ceiling + 1), by_kind)
