"""Choose under a budget: spans, scores and costs in, one decision a span out."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush

from contextprune.context import Context, Kind, Reading, Segment, Span
from contextprune.errors import BudgetError
from contextprune.plan import Action, Decision, Identifier, Plan, Prices
from contextprune.policy import Policy
from contextprune.selection.dedupe import duplicates
from contextprune.selection.fill import Fill
from contextprune.selection.protection import movable, must_keep, protection

WHATEVER_LENGTH = frozenset({Kind.DOCUMENT, Kind.EXAMPLE})
"""Kinds in which a span's length does not count against it; in a single result it does not, either."""
TRACES = frozenset({Reading.TRACE, Reading.ASKED_TRACE})
LINE = 0.15  # in a trace, what quoting a line is worth beside naming an identifier: names are asked for far more often
RECENT = 1.5  # how much more a span of the latest turns is worth (policy.recent_turns)
FIRST = 1e6  # added to a failure's worth: no other step comes before one


@dataclass(frozen=True, slots=True)
class Case:
    """What is decided upon: one context cut, scored and counted.

    free     for each segment, whether it may change
    stay     the spans that come before all others, and why: failure lines, and what is marked to be kept
    same     which span repeats which earlier one
    trace    whether results are weighed as in a trace: by the token, and names before lines
    """

    context: Context
    spans: Sequence[Span]
    scores: Sequence[float]
    costs: Sequence[int]
    policy: Policy
    prices: Prices
    atoms: Sequence[Identifier]
    free: Sequence[bool]
    stay: Mapping[int, str]
    same: Mapping[int, int]
    trace: bool = True

    def fill(self) -> Fill:
        """Nothing chosen yet."""
        names = [(atom.cost, len(atom.text) + 1) for atom in self.atoms]
        shown = [atom.spans for atom in self.atoms]
        return Fill(self.spans, self.costs, self.free, self.prices, names, shown)

    def blocks(self) -> dict[int, range]:
        """The spans of each segment that may change."""
        firsts: dict[int, int] = {}
        ends: dict[int, int] = {}
        for i, span in enumerate(self.spans):
            if self.free[span.segment]:
                firsts.setdefault(span.segment, i)
                ends[span.segment] = i + 1
        return {segment: range(first, ends[segment]) for segment, first in firsts.items()}


def select(
    context: Context,
    spans: Sequence[Span],
    scores: Sequence[float],
    costs: Sequence[int],
    policy: Policy,
    prices: Prices,
    ceiling: int,
    atoms: Sequence[Identifier] = (),
    frozen: Collection[int] = (),
) -> Plan:
    """Decide for every span, so that all texts and images hold at most `ceiling` tokens, exactly counted.

    Raises BudgetError where what is protected, and a marker for each block, exceeds that.
    """
    free = [False] * len(context.segments)
    for i in movable(context, policy, frozen):
        free[i] = True
    stay, same = must_keep(context, spans), duplicates(context, spans, costs, free)
    case = Case(context, spans, scores, costs, policy, prices, atoms, free, stay, same, context.reading in TRACES)
    fill = case.fill()
    room = ceiling - sum(segment.cost or 0 for segment in context.segments)
    if fill.used > room:
        raise _too_small(case, fill, ceiling)
    for _, i, _ in steps(case, fill, _values(case)):
        if not (fill.keep(i, stay.get(i, "chosen"), room) if i >= 0 else fill.carry(~i, room)):
            break
    return Plan(context, tuple(spans), _fitted(case, fill, ceiling))


def _fitted(case: Case, fill: Fill, ceiling: int) -> tuple[Decision, ...]:
    """The fill's decisions, within the ceiling exactly.

    What a text counts differs a little from what was charged for its parts; where the sum exceeds the ceiling, the last
    steps are taken back one by one, so that a larger ceiling never keeps less.
    """
    blocks = case.blocks()
    decisions = list(decide(case, fill, range(len(case.spans))))
    exact = {s: case.prices.exact(decisions[b.start : b.stop], b.start) for s, b in blocks.items()}
    fixed = sum(cost for span, cost in zip(case.spans, case.costs, strict=True) if not case.free[span.segment])
    fixed += sum(segment.cost or 0 for segment in case.context.segments)
    while fixed + sum(exact.values()) > ceiling:
        changed = fill.undo()
        if not changed:
            raise _too_small(case, fill, ceiling)
        for segment in changed:
            block = blocks[segment]
            again = decisions[block.start : block.stop] = decide(case, fill, block)
            exact[segment] = case.prices.exact(again, block.start)
    return tuple(decisions)


def steps(
    case: Case, fill: Fill, values: Mapping[int, float], atoms: Collection[int] | None = None
) -> Iterator[tuple[float, int, float]]:
    """(density, span or ~identifier, worth) in the order of the walk: failures first, then the most worth a token.

    `values` gives the spans that may be chosen and what each is worth by itself, `atoms` the identifiers (None: all).
    One that is visible by now is worth nothing more, so a span is weighed again when its turn comes (lazy greedy,
    Minoux 1978). Of equals the more recent result of a tool comes first, and the earlier sentence of a document.
    """
    names: dict[int, list[int]] = {}
    chosen = range(len(case.atoms)) if atoms is None else atoms
    for k in chosen if case.trace else ():
        for i in dict.fromkeys(case.same.get(i, i) for i in case.atoms[k].spans):
            names.setdefault(i, []).append(k)
    kinds = [segment.kind for segment in case.context.segments]

    def weigh(i: int) -> float:
        return values[i] + sum(case.atoms[k].score for k in names.get(i, ()) if not fill.shows(k))

    def density(i: int, value: float) -> float:
        first = FIRST if i in case.stay else 0.0
        kind = kinds[case.spans[i].segment]
        whatever = kind in WHATEVER_LENGTH or (kind is Kind.TOOL_RESULT and not case.trace)
        return (value if whatever else value / (case.costs[i] + 1)) + first

    heap = [(-case.atoms[k].score / (case.atoms[k].cost + 1), k - len(case.atoms), ~k) for k in chosen]
    late = [kind is Kind.TOOL_RESULT for kind in kinds]
    heap += [(-density(i, weigh(i)), -i if late[case.spans[i].segment] else i, i) for i in values]
    heapify(heap)
    while heap:
        stored, rank, i = heappop(heap)
        value = weigh(i) if i >= 0 else case.atoms[~i].score * (not fill.shows(~i))
        if i in names and not fill.kept[i] and -density(i, value) > stored:
            heappush(heap, (-density(i, value), rank, i))
        else:
            yield -stored, i, value


def _values(case: Case) -> dict[int, float]:
    """What each span that may be chosen is worth by itself: its score, or that of a later copy."""
    segments = case.context.segments
    last = max((segment.turn for segment in segments), default=0)
    weights = [RECENT if last - segment.turn < case.policy.recent_turns else 1.0 for segment in segments]
    values = [line(case, i) * weights[span.segment] for i, span in enumerate(case.spans)]
    for i, source in case.same.items():
        values[source] = max(values[source], values[i])
    return {i: values[i] for i, span in enumerate(case.spans) if case.free[span.segment] and i not in case.same}


def line(case: Case, i: int) -> float:
    """What span `i` is worth beside identifiers, where there are any."""
    return case.scores[i] * LINE if case.atoms and case.trace else case.scores[i]


def decide(case: Case, fill: Fill, block: range) -> list[Decision]:
    """The decisions that a fill amounts to, for some of the spans."""
    decisions = []
    fixed: dict[int, str] = {}
    for i in block:
        span, score, cost = case.spans[i], case.scores[i], case.costs[i]
        if fill.kept[i]:
            s = span.segment
            if not case.free[s] and s not in fixed:
                fixed[s] = _fixed(case.context.segments[s], case.policy)
            decisions.append(Decision(Action.KEEP, score, cost, fixed.get(s) or fill.why.get(i, "")))
        elif i in case.same and fill.kept[case.same[i]]:
            decisions.append(Decision(Action.MERGE, score, cost, "the same stands earlier", into=case.same[i]))
        elif names := fill.carried.get(i):
            digest = tuple(sorted((case.atoms[a].text for a in names), key=span.text.find))
            decisions.append(Decision(Action.DIGEST, score, cost, "its identifiers stay", digest=digest))
        else:
            decisions.append(Decision(Action.DROP, score, cost, "worth less than what is kept"))
    return decisions


def _fixed(segment: Segment, policy: Policy) -> str:
    """Why a segment does not change."""
    marked = "protected: the cache breaks here" if segment.marked else None
    return protection(segment, policy) or marked or "already shortened"


def _too_small(case: Case, fill: Fill, ceiling: int) -> BudgetError:
    held: dict[str, int] = {}
    for segment in case.context.segments:
        if segment.cost:
            held[segment.kind.value] = held.get(segment.kind.value, 0) + segment.cost
    images = sum(held.values())
    for i, span in enumerate(case.spans):
        if fill.kept[i]:
            kind = case.context.segments[span.segment].kind.value
            held[kind] = held.get(kind, 0) + case.costs[i]
    decisions = decide(case, fill, range(len(case.spans)))
    blocks = case.blocks().values()
    exact = sum(case.prices.exact(decisions[block.start : block.stop], block.start) for block in blocks)
    fixed = sum(cost for span, cost in zip(case.spans, case.costs, strict=True) if not case.free[span.segment])
    needed = max(fill.used, exact + fixed) + images
    held["markers"] = needed - sum(held.values())
    return BudgetError(ceiling, max(needed, ceiling + 1), held)
