"""Choose under a budget, or for a recall: spans, scores and costs in, one decision a span out."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from contextprune.context import Context, Kind, Span
from contextprune.errors import BudgetError
from contextprune.plan import Action, Atom, Decision, Plan, Prices
from contextprune.policy import Policy
from contextprune.selection.constraints import is_failure_span, movable, protection
from contextprune.selection.dedupe import twins
from contextprune.selection.fill import Fill

LENGTH = {Kind.DOCUMENT: 0.3, Kind.EXAMPLE: 0.3}
"""How far a span's length counts against it: value / tokens ** exponent. Results of tools pay in full (1.0)."""
RECENT = 1.5  # how much more a span of the latest turns is worth (policy.recent_turns)
LINE_WEIGHT = 3.0  # a line is quoted as a whole, an identifier stands for itself alone


class Demand(NamedTuple):
    """What is asked: at most `ceiling` tokens, reached in at most `steps` steps."""

    ceiling: int
    steps: int | None = None


def select(
    context: Context,
    spans: Sequence[Span],
    scores: Sequence[float],
    costs: Sequence[int],
    policy: Policy,
    prices: Prices,
    demand: Demand,
    atoms: Sequence[Atom] = (),
    frozen: Collection[int] = (),
) -> Plan:
    """Decide for every span. Raises BudgetError where what is protected exceeds the ceiling."""
    free = [False] * len(context.segments)
    for i in movable(context, policy, frozen):
        free[i] = True
    same = twins(spans, costs, free)
    fill = Fill(
        spans, costs, free, prices, [(atom.cost, len(atom.text) + 1) for atom in atoms], [atom.spans for atom in atoms]
    )
    if fill.used > demand.ceiling:
        raise _too_small(context, spans, costs, fill, demand.ceiling)
    values = _values(context, spans, scores, atoms, same, policy, free)
    steps = _steps(context, spans, costs, values, atoms, same, free)
    taken = _walk(fill, steps, demand)
    return Plan(context, tuple(spans), decide(context, policy, fill, scores, atoms, same, free), taken)


def _values(
    context: Context,
    spans: Sequence[Span],
    scores: Sequence[float],
    atoms: Sequence[Atom],
    same: dict[int, int],
    policy: Policy,
    free: Sequence[bool],
) -> list[float]:
    """What each span is worth: its score, that of its later copies, and the identifiers that it shows."""
    last = max((s.turn for s in context.segments), default=0)
    values = [
        score * RECENT if last - context.segments[span.segment].turn < policy.recent_turns else score
        for span, score in zip(spans, scores, strict=True)
    ]
    for i, source in same.items():
        values[source] = max(values[source], values[i])
    if atoms:
        values = [value * LINE_WEIGHT for value in values]
        for atom in atoms:
            for i in dict.fromkeys(same.get(i, i) for i in atom.spans):
                values[i] += atom.score
    return values


def _steps(
    context: Context,
    spans: Sequence[Span],
    costs: Sequence[int],
    values: Sequence[float],
    atoms: Sequence[Atom],
    same: dict[int, int],
    free: Sequence[bool],
) -> list[tuple[float, int]]:
    """(worth, span or ~identifier) in the order of the walk: failures first, then the most worth a token.

    Ties go to the later span: it is the more recent one.
    """
    steps = []
    for i, span in enumerate(spans):
        if free[span.segment] and i not in same:
            segment = context.segments[span.segment]
            density = worth(values[i], costs[i], segment.kind)
            steps.append((density + 1e6 * is_failure_span(span, segment), i))
    steps += [(atom.score / (atom.cost + 1), ~k) for k, atom in enumerate(atoms)]
    return sorted(steps, key=lambda step: (-step[0], -step[1]))


def worth(value: float, cost: int, kind: Kind) -> float:
    """Value for the tokens that it takes."""
    return value / (cost + 1) ** LENGTH.get(kind, 1.0)


def _walk(fill: Fill, steps: Sequence[tuple[float, int]], demand: Demand) -> int:
    """Take steps until one does not fit; returns how many were taken."""
    for taken, (density, i) in enumerate(steps[: demand.steps]):
        why = "chosen" if density < 1e6 else "failure line"
        if not (fill.keep(i, why, demand.ceiling) if i >= 0 else fill.carry(~i, demand.ceiling)):
            return taken
    return len(steps[: demand.steps])


def decide(
    context: Context,
    policy: Policy,
    fill: Fill,
    scores: Sequence[float],
    atoms: Sequence[Atom],
    same: dict[int, int],
    free: Sequence[bool],
) -> tuple[Decision, ...]:
    """The decisions that a fill amounts to."""
    fixed = [protection(segment, policy) or "already shortened" for segment in context.segments]
    decisions = []
    for i, span in enumerate(fill.spans):
        score, cost = scores[i], fill.costs[i]
        names = fill.carried.get(i)
        if fill.kept[i]:
            reason = fill.why.get(i, "") if free[span.segment] else fixed[span.segment]
            decisions.append(Decision(Action.KEEP, score, cost, reason))
        elif i in same and fill.kept[same[i]]:
            decisions.append(Decision(Action.MERGE, score, cost, "the same stands earlier", into=same[i]))
        elif names:
            digest = tuple(sorted((atoms[a].text for a in names), key=span.text.find))
            decisions.append(Decision(Action.DIGEST, score, cost, "its identifiers stay", digest=digest))
        else:
            decisions.append(Decision(Action.DROP, score, cost, "worth less than what is kept"))
    return tuple(decisions)


def _too_small(
    context: Context, spans: Sequence[Span], costs: Sequence[int], fill: Fill, ceiling: int
) -> BudgetError:
    held: dict[str, int] = {}
    for i, span in enumerate(spans):
        if fill.kept[i]:
            kind = context.segments[span.segment].kind.value
            held[kind] = held.get(kind, 0) + costs[i]
    held["markers"] = fill.used - sum(held.values())
    return BudgetError(ceiling, fill.used, held)
