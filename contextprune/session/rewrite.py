"""Old blocks rewritten, all at once and under one ceiling: what a budget makes of them beside all that stands.

Failure lines, and what somebody marked to be kept, stay whatever the ceiling: it rises until it holds them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from contextprune.context import Context
from contextprune.errors import BudgetError
from contextprune.plan import Action, Plan
from contextprune.prepare import New, Resources, count, finish, prepare
from contextprune.selection import Prepared, under_budget
from contextprune.selection.protection import closure, movable
from contextprune.selection.targets import MARKER_ALLOWANCE
from contextprune.session.state import State, shown_as
from contextprune.splitting import split


def rewrite(
    resources: Resources, state: State, old: Collection[int], ceiling: int, new: New
) -> dict[int, tuple[str, int]]:
    """The old blocks that `ceiling` tokens for all of them make shorter than what was sent, and how they look then.

    `new` is what else changes at the same time.
    """
    if not old:
        return {}
    context = _beside(state, frozenset(old), new)
    standing = {i: tokens for i, tokens in enumerate(state.after) if i not in old}
    standing.update((i, tokens) for i, (_, tokens) in new.items())

    counted = count(resources.counter, context, split(context), standing)
    prepared = prepare(resources, counted, movable(context, resources.policy))
    plan = _plan(prepared, standing, ceiling + sum(standing.values()))
    texts = finish(
        resources,
        plan,
        lambda i: (state.text(i), state.after[i]),
        lambda fresh: sum(fresh[i][1] if i in fresh else state.after[i] for i in old) <= ceiling,
    )
    return {i: text for i, text in texts.items() if i not in standing}


def _beside(state: State, old: Collection[int], new: New) -> Context:
    """The conversation with the originals of what is decided anew, and all else as it will stand beside them."""
    segments = []
    for i, segment in enumerate(state.segments):
        if i in old:
            segments.append(replace(segment, marked=False))
            continue
        text = new[i][0] if i in new else state.texts[i]
        shown = segment.text if text is None else text
        segments.append(replace(shown_as(segment, shown), editable=False, cost=segment.cost if text is None else None))
    return Context(tuple(segments), str(state.goal))


def _plan(prepared: Prepared, standing: Mapping[int, int], ceiling: int) -> Plan:
    """The decisions under `ceiling` tokens in all, or under as little more as what must stay takes.

    What that takes is reckoned first, so the loop seldom turns: only where texts count more than their parts. It ends,
    for each turn raises the ceiling to what was needed, and with a ceiling of all tokens nothing goes.
    """
    prepared = replace(prepared, must_keep=_with_sources(prepared))
    must_stay = [i for i in prepared.must_keep if prepared.spans[i].segment not in standing]
    ceiling = max(ceiling, _least(prepared, must_stay))
    while True:
        try:
            plan = under_budget(prepared, ceiling)
        except BudgetError as error:  # less than the markers take
            ceiling = error.needed
            continue
        lost = _lost(plan, must_stay)
        if not lost:
            return plan
        ceiling += sum(prepared.costs[i] for i in lost) + MARKER_ALLOWANCE


def _with_sources(prepared: Prepared) -> dict[int, str]:
    """What must stay, and what it is a copy of: only that can be kept in its place."""
    sources = {prepared.copies[i]: why for i, why in prepared.must_keep.items() if i in prepared.copies}
    return {**sources, **prepared.must_keep}


def _least(prepared: Prepared, must_stay: Sequence[int]) -> int:
    """The tokens of all that stands, what must stay, what that needs, and markers in place of the rest."""
    fill = prepared.fill()
    for i in must_stay:
        if i not in prepared.copies:  # a reference to the earlier one will do
            fill.keep(i, prepared.must_keep[i])
    return fill.used + sum(segment.cost or 0 for segment in prepared.context.segments)


def _lost(plan: Plan, must_stay: Sequence[int]) -> set[int]:
    """Spans that the plan lets go though they must stay, or what must stay needs them."""
    removed = [d.action in (Action.DROP, Action.DIGEST) for d in plan.decisions]
    kept = [d.action is Action.KEEP for d in plan.decisions]
    return {i for start in must_stay if removed[start] for i in closure(start, plan.spans, kept)}
