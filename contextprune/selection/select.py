"""Choose under a budget: spans, scores and costs in, one decision a span out."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush

from contextprune.context import Context, Kind, Span
from contextprune.errors import BudgetError
from contextprune.failures import failing
from contextprune.plan import Action, Atom, Decision, Plan, Prices
from contextprune.policy import Policy
from contextprune.selection.constraints import movable, protection
from contextprune.selection.dedupe import twins
from contextprune.selection.fill import Fill

LENGTH = {Kind.DOCUMENT: 0.0, Kind.EXAMPLE: 0.0}
"""How far a span's length counts against it: value / tokens ** exponent. Results of tools pay in full (1.0)."""
LINE = 0.1  # what quoting a line is worth beside naming an identifier: hindsight asks for ten names to one line
RECENT = 1.5  # how much more a span of the latest turns is worth (policy.recent_turns)
FIRST = 1e6  # added to a failure's worth: no other step comes before one


@dataclass(frozen=True, slots=True)
class Case:
    """What is decided upon: one context cut, scored and counted. `free` tells for each segment whether it may change,
    `same` which span repeats which."""

    context: Context
    spans: Sequence[Span]
    scores: Sequence[float]
    costs: Sequence[int]
    policy: Policy
    prices: Prices
    atoms: Sequence[Atom]
    free: Sequence[bool]
    same: dict[int, int]

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
    atoms: Sequence[Atom] = (),
    frozen: Collection[int] = (),
) -> Plan:
    """Decide for every span, so that the new texts hold at most `ceiling` tokens, exactly counted.

    Raises BudgetError where what is protected, and a marker for each block, exceeds that.
    """
    free = [False] * len(context.segments)
    for i in movable(context, policy, frozen):
        free[i] = True
    case = Case(context, spans, scores, costs, policy, prices, atoms, free, twins(context, spans, costs, free))
    fill = case.fill()
    if fill.used > ceiling:
        raise _too_small(case, fill, ceiling)
    for density, i in _steps(case, fill):
        why = "chosen" if density < FIRST else "failure line"
        if not (fill.keep(i, why, ceiling) if i >= 0 else fill.carry(~i, ceiling)):
            break
    return Plan(context, tuple(spans), _fitted(case, fill, ceiling))


def _fitted(case: Case, fill: Fill, ceiling: int) -> tuple[Decision, ...]:
    """The fill's decisions. What a text counts differs a little from what was charged for its parts; where the sum
    exceeds the ceiling, the last steps are taken back one by one, so that a larger ceiling never keeps less."""
    blocks = case.blocks()
    decisions = list(decide(case, fill, range(len(case.spans))))
    exact = {s: case.prices.exact(decisions[b.start : b.stop], b.start, b.stop) for s, b in blocks.items()}
    fixed = sum(cost for span, cost in zip(case.spans, case.costs, strict=True) if not case.free[span.segment])
    while fixed + sum(exact.values()) > ceiling:
        changed = fill.undo()
        if not changed:
            raise _too_small(case, fill, ceiling)
        for segment in changed:
            block = blocks[segment]
            again = decisions[block.start : block.stop] = decide(case, fill, block)
            exact[segment] = case.prices.exact(again, block.start, block.stop)
    return tuple(decisions)


def _steps(case: Case, fill: Fill) -> Iterator[tuple[float, int]]:
    """(worth, span or ~identifier) in the order of the walk: failures first, then the most worth a token.

    An identifier that is visible by now is worth nothing more, so a span is weighed again when its turn comes (lazy
    greedy, Minoux 1978). Of equals the more recent result of a tool comes first, and the earlier sentence of a document.
    """
    values = _values(case)
    names: dict[int, list[int]] = {}
    for k, atom in enumerate(case.atoms):
        for i in dict.fromkeys(case.same.get(i, i) for i in atom.spans):
            names.setdefault(i, []).append(k)
    failed = failing(case.context, case.spans)
    kinds = [segment.kind for segment in case.context.segments]

    def weigh(i: int) -> float:
        value = values[i] + sum(case.atoms[k].score for k in names.get(i, ()) if not fill.shows(k))
        first = FIRST if i in failed else 0.0
        return worth(value, case.costs[i], kinds[case.spans[i].segment]) + first

    heap = [(-atom.score / (atom.cost + 1), k - len(case.atoms), ~k) for k, atom in enumerate(case.atoms)]
    for i, span in enumerate(case.spans):
        if case.free[span.segment] and i not in case.same:
            heap.append((-weigh(i), -i if kinds[span.segment] is Kind.TOOL_RESULT else i, i))
    heapify(heap)
    while heap:
        stored, rank, i = heappop(heap)
        if i >= 0 and i in names and not fill.kept[i]:
            now = weigh(i)
            if now < -stored:
                heappush(heap, (-now, rank, i))
                continue
        yield -stored, i


def _values(case: Case) -> list[float]:
    """What each span is worth by itself: its score, or that of a later copy."""
    segments = case.context.segments
    last = max((segment.turn for segment in segments), default=0)
    line = LINE if case.atoms else 1.0
    weights = [line * (RECENT if last - segment.turn < case.policy.recent_turns else 1.0) for segment in segments]
    values = [score * weights[span.segment] for span, score in zip(case.spans, case.scores, strict=True)]
    for i, source in case.same.items():
        values[source] = max(values[source], values[i])
    return values


def worth(value: float, cost: int, kind: Kind) -> float:
    """Value for the tokens that it takes."""
    return value / (cost + 1) ** LENGTH.get(kind, 1.0)


def decide(case: Case, fill: Fill, block: range) -> list[Decision]:
    """The decisions that a fill amounts to, for some of the spans."""
    decisions = []
    fixed: dict[int, str] = {}
    for i in block:
        span, score, cost = case.spans[i], case.scores[i], case.costs[i]
        if fill.kept[i]:
            s = span.segment
            if not case.free[s] and s not in fixed:
                fixed[s] = protection(case.context.segments[s], case.policy) or "already shortened"
            decisions.append(Decision(Action.KEEP, score, cost, fixed.get(s) or fill.why.get(i, "")))
        elif i in case.same and fill.kept[case.same[i]]:
            decisions.append(Decision(Action.MERGE, score, cost, "the same stands earlier", into=case.same[i]))
        elif names := fill.carried.get(i):
            digest = tuple(sorted((case.atoms[a].text for a in names), key=span.text.find))
            decisions.append(Decision(Action.DIGEST, score, cost, "its identifiers stay", digest=digest))
        else:
            decisions.append(Decision(Action.DROP, score, cost, "worth less than what is kept"))
    return decisions


def _too_small(case: Case, fill: Fill, ceiling: int) -> BudgetError:
    held: dict[str, int] = {}
    for i, span in enumerate(case.spans):
        if fill.kept[i]:
            kind = case.context.segments[span.segment].kind.value
            held[kind] = held.get(kind, 0) + case.costs[i]
    held["markers"] = fill.used - sum(held.values())
    return BudgetError(ceiling, max(fill.used, ceiling + 1), held)
