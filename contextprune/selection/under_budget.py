"""Choose under a budget: spans, scores and costs in, one decision a span out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from heapq import heapify, heappop, heappush

from contextprune.context import Kind, Reading, Segment
from contextprune.errors import BudgetError
from contextprune.plan import Action, Decision, Plan
from contextprune.policy import Policy
from contextprune.selection.fill import Fill
from contextprune.selection.prepared import Prepared
from contextprune.selection.protection import protection
from contextprune.selection.targets import LINE_WORTH, RECENT_WORTH

ANY_LENGTH = frozenset({Kind.DOCUMENT, Kind.EXAMPLE})
"""Kinds in which a span's length does not count against it; in a single result it does not, either."""
TRACES = frozenset({Reading.TRACE, Reading.ASKED_TRACE})
REPEATED = "the same stands earlier"
FIRST = 1e6  # added to a failure's worth: no other step comes before one


def under_budget(prepared: Prepared, ceiling: int) -> Plan:
    """Decide for every span, so that all texts and images hold at most `ceiling` tokens, exactly counted.

    Raises BudgetError where what is protected, and a marker for each block, exceeds that.
    """
    fill = prepared.fill()
    room = ceiling - sum(segment.cost or 0 for segment in prepared.context.segments)
    if fill.used > room:
        raise _too_small(prepared, fill, ceiling)

    names_first = prepared.context.reading in TRACES
    for _, i, _ in steps(prepared, fill, _values(prepared), names_first=names_first):
        fits = fill.keep(i, prepared.must_keep.get(i, "chosen"), room) if i >= 0 else fill.carry(~i, room)
        if not fits:
            break

    return Plan(prepared.context, tuple(prepared.spans), _fit_exactly(prepared, fill, ceiling))


def _fit_exactly(prepared: Prepared, fill: Fill, ceiling: int) -> tuple[Decision, ...]:
    """The fill's decisions, within the ceiling exactly.

    What a text counts differs a little from what was charged for its parts; where the sum exceeds the ceiling, the last
    steps are taken back one by one, so that a larger ceiling never keeps less.
    """
    blocks = prepared.blocks()
    decisions = list(decide(prepared, fill, range(len(prepared.spans))))
    exact = {s: prepared.markers.exact(decisions[b.start : b.stop], b.start) for s, b in blocks.items()}
    fixed = _immovable(prepared) + sum(segment.cost or 0 for segment in prepared.context.segments)

    while fixed + sum(exact.values()) > ceiling:
        changed = fill.undo()
        if not changed:
            raise _too_small(prepared, fill, ceiling)
        for segment in changed:
            block = blocks[segment]
            redecided = decisions[block.start : block.stop] = decide(prepared, fill, block)
            exact[segment] = prepared.markers.exact(redecided, block.start)

    return tuple(decisions)


def _immovable(prepared: Prepared) -> int:
    """Tokens of the spans that do not change."""
    pairs = zip(prepared.spans, prepared.costs, strict=True)
    return sum(cost for span, cost in pairs if span.segment not in prepared.movable)


def steps(
    prepared: Prepared,
    fill: Fill,
    values: Mapping[int, float],
    identifiers: Collection[int] | None = None,
    *,
    names_first: bool = True,
) -> Iterator[tuple[float, int, float]]:
    """(density, span or ~identifier, worth) in the order of the walk: failures first, then the most worth a token.

    `values` gives the spans that may be chosen and what each is worth by itself, `identifiers` those that may be
    carried (None: all). One that is visible by now is worth nothing more, so a span is weighed again when its turn
    comes (lazy greedy, Minoux 1978). Of equals the more recent result of a tool comes first, and the earlier sentence
    of a document. `names_first` weighs results as in a trace: by the token, and names before lines.
    """
    carriable = range(len(prepared.identifiers)) if identifiers is None else identifiers
    names = _names_of_spans(prepared, carriable) if names_first else {}
    density = _density(prepared, names_first=names_first)

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


def _density(prepared: Prepared, *, names_first: bool) -> Callable[[int, float], float]:
    """How early a span of some worth is chosen: by the token, but for kinds whose length does not count."""
    kinds = [segment.kind for segment in prepared.context.segments]
    any_length = [kind in ANY_LENGTH or (kind is Kind.TOOL_RESULT and not names_first) for kind in kinds]

    def density(i: int, worth: float) -> float:
        first = FIRST if i in prepared.must_keep else 0.0
        return (worth if any_length[prepared.spans[i].segment] else worth / (prepared.costs[i] + 1)) + first

    return density


def _values(prepared: Prepared) -> dict[int, float]:
    """What each span that may be chosen is worth by itself: its score, or that of a later copy."""
    segments = prepared.context.segments
    last = max((segment.turn for segment in segments), default=0)
    weights = [RECENT_WORTH if last - segment.turn < prepared.policy.recent_turns else 1.0 for segment in segments]
    names_first = prepared.context.reading in TRACES
    values = [
        line_value(prepared, i, names_first=names_first) * weights[span.segment]
        for i, span in enumerate(prepared.spans)
    ]
    for i, source in prepared.copies.items():
        values[source] = max(values[source], values[i])
    return {
        i: values[i]
        for i, span in enumerate(prepared.spans)
        if span.segment in prepared.movable and i not in prepared.copies
    }


def line_value(prepared: Prepared, i: int, *, names_first: bool = True) -> float:
    """What span `i` is worth beside identifiers, where there are any."""
    return prepared.scores[i] * LINE_WORTH if prepared.identifiers and names_first else prepared.scores[i]


def decide(prepared: Prepared, fill: Fill, block: range) -> list[Decision]:
    """The decisions that a fill amounts to, for some of the spans."""
    decisions = []
    fixed: dict[int, str] = {}

    for i in block:
        span, score, cost = prepared.spans[i], prepared.scores[i], prepared.costs[i]
        if fill.kept[i]:
            s = span.segment
            if s not in prepared.movable and s not in fixed:
                fixed[s] = _fixed(prepared.context.segments[s], prepared.policy)
            decisions.append(Decision(Action.KEEP, score, cost, fixed.get(s) or fill.why.get(i, "")))
        elif i in prepared.shown_before:
            decisions.append(Decision(Action.MERGE, score, cost, REPEATED))
        elif i in prepared.copies and fill.kept[prepared.copies[i]]:
            decisions.append(Decision(Action.MERGE, score, cost, REPEATED, into=prepared.copies[i]))
        elif carried := fill.carried.get(i):
            names = (prepared.identifiers[k].text for k in carried)
            digest = tuple(sorted(names, key=span.text.find))
            decisions.append(Decision(Action.DIGEST, score, cost, "its identifiers stay", digest=digest))
        else:
            decisions.append(Decision(Action.DROP, score, cost, "worth less than what is kept"))
    return decisions


def _fixed(segment: Segment, policy: Policy) -> str:
    """Why a segment does not change."""
    marked = "protected: the cache breaks here" if segment.marked else None
    return protection(segment, policy) or marked or "already shortened"


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

    decisions = decide(prepared, fill, range(len(prepared.spans)))
    blocks = prepared.blocks().values()
    exact = sum(prepared.markers.exact(decisions[block.start : block.stop], block.start) for block in blocks)
    needed = max(fill.used, exact + _immovable(prepared)) + images
    by_kind["markers"] = needed - sum(by_kind.values())
    return BudgetError(ceiling, max(needed, ceiling + 1), by_kind)
