"""Choose whole in-context examples: near the query, unlike one another (maximal marginal relevance, Carbonell and
Goldstein 1998), copies never twice. An example is never torn; the order of the walk does not depend on the budget.
"""

from __future__ import annotations

from collections.abc import Sequence

from contextprune.context import Context, Span, Syntax, Unit
from contextprune.plan import Action, Decision, Plan
from contextprune.selection.prepared import Prepared
from contextprune.text.identifiers import words

LIKENESS = 0.3  # how much likeness to what is chosen counts against an example
POOL = 400  # examples that are compared with one another; the rest follow by relevance alone


def choose(prepared: Prepared, ceiling: int) -> Plan:
    """Keep whole segments, one span each, in order of worth: all that fit under `ceiling` tokens in turn.

    Copies of what is chosen have a turn only where nothing else was left out.
    """
    scores, costs = prepared.scores, prepared.costs
    firsts, copies = _order(prepared.context, scores)
    kept = _fitting(firsts, costs, ceiling)
    if len(kept) == len(firsts):
        kept |= _fitting(copies, costs, ceiling - sum(costs[i] for i in kept))

    decisions = tuple(
        Decision(Action.KEEP, scores[i], costs[i], "chosen")
        if i in kept
        else Decision(Action.DROP, scores[i], costs[i], "worth less than what is kept")
        for i in range(len(costs))
    )
    return Plan(prepared.context, tuple(prepared.spans), decisions)


def _fitting(order: Sequence[int], costs: Sequence[int], room: int) -> set[int]:
    """Those that fit in `room` tokens when each is tried in turn."""
    kept = set()
    for i in order:
        if costs[i] <= room:
            room -= costs[i]
            kept.add(i)
    return kept


def as_spans(context: Context) -> tuple[Span, ...]:
    """Each segment as one span."""
    return tuple(
        Span(i, 0, len(segment.text), Unit.WHOLE, segment.text, Syntax.LINES)
        for i, segment in enumerate(context.segments)
    )


def _order(context: Context, scores: Sequence[float]) -> tuple[list[int], list[int]]:
    """Indices by marginal relevance, and those of exact copies."""
    by_score = sorted(range(len(scores)), key=lambda i: (-scores[i], i))
    pool, beyond_pool = by_score[:POOL], by_score[POOL:]
    bags = {i: frozenset(words(context.segments[i].text)) for i in pool}
    likeness = dict.fromkeys(pool, 0.0)
    order: list[int] = []

    while likeness:
        best = min(likeness, key=lambda i: (-(scores[i] - LIKENESS * likeness[i]), i))
        del likeness[best]
        order.append(best)
        for i in likeness:
            common = len(bags[i] & bags[best])
            likeness[i] = max(likeness[i], common / (len(bags[i]) + len(bags[best]) - common or 1))

    order += beyond_pool
    first_copy: dict[str, int] = {}
    for i in order:
        first_copy.setdefault(context.segments[i].text, i)
    firsts = set(first_copy.values())
    return [i for i in order if i in firsts], [i for i in order if i not in firsts]
