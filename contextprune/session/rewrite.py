"""Old blocks written anew, all at once and under one ceiling: what `select` makes of them beside all that stands.

Failure lines, and what somebody marked to be kept, stay whatever the ceiling: it rises until it holds them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

from contextprune.context import Context, Kind, Span
from contextprune.errors import BudgetError
from contextprune.plan import Action, Plan
from contextprune.rendering import Markers, render
from contextprune.scoring import check, identifiers_to_carry
from contextprune.selection import select
from contextprune.selection.protection import closure, must_keep
from contextprune.session.arrival import Tools
from contextprune.session.state import Past, shown_as, size

GOAL = 4000  # characters of what the user said last
MARKER = 40  # tokens that markers may cost more where more is kept

New: TypeAlias = Mapping[int, tuple[str, int]]
"""What is sent of some segments from now on, by index: text and tokens."""


def rewritten(tools: Tools, past: Past, old: Collection[int], ceiling: int, new: New) -> dict[int, tuple[str, int]]:
    """The old blocks that `ceiling` tokens for all of them make shorter than what was sent, and how they look then.

    `new` is what else changes at the same time.
    """
    if not old:
        return {}
    seen = _seen(past, frozenset(old), new)
    spans = tools.split(seen)
    held = {i: tokens for i, tokens in enumerate(past.after) if i not in old}
    held.update((i, tokens) for i, (_, tokens) in new.items())
    plan, markers = _plan(tools, seen, spans, held, ceiling)
    found = {}
    for i, text in sorted(render(plan, markers).items()):
        tokens = tools.counter(text)
        if i not in held and tokens < past.after[i] and size(text) <= size(past.text(i)):
            found[i] = text, tokens
    return found


def _seen(past: Past, old: Collection[int], new: New) -> Context:
    """The conversation with the originals of what is decided anew, and all else as it will stand beside them."""
    segments = []
    for i, segment in enumerate(past.segments):
        if i in old:
            segments.append(replace(segment, marked=False))
            continue
        text = new[i][0] if i in new else past.texts[i]
        shown = segment.text if text is None else text
        segments.append(replace(shown_as(segment, shown), editable=False, cost=segment.cost if text is None else None))
    goal = next((s.text for s in reversed(past.segments) if s.kind is Kind.USER), "")
    return Context(tuple(segments), goal[:GOAL])


def _plan(
    tools: Tools, seen: Context, spans: Sequence[Span], held: Mapping[int, int], ceiling: int
) -> tuple[Plan, Markers]:
    """The decisions under `ceiling` tokens for the blocks that are not `held`, or under as little more as must stay."""
    costs = _costs(tools, seen, spans, held)
    scores = tools.scorer(seen, spans)
    check(scores, spans, tools.scorer.name)
    free = [i for i in range(len(seen.segments)) if i not in held]
    named = identifiers_to_carry(seen, spans, free, tools.counter.pieces) if tools.recallable else []
    markers = Markers(seen, spans, tools.counter, tools.key)
    stay = [i for i in must_keep(seen, spans) if spans[i].segment not in held]
    ceiling += sum(held.values())
    while True:
        try:
            plan = select(seen, spans, scores, costs, tools.policy, markers, ceiling, named)
        except BudgetError as error:  # less than the markers take
            ceiling = error.needed
            continue
        lost = _needed(plan, spans, stay)
        if not lost:
            return plan, markers
        ceiling += sum(costs[i] for i in lost) + MARKER


def _needed(plan: Plan, spans: Sequence[Span], stay: Sequence[int]) -> set[int]:
    """Spans that the plan lets go though they must stay, or what must stay needs them."""
    gone = [d.action in (Action.DROP, Action.DIGEST) for d in plan.decisions]
    kept = [d.action is Action.KEEP for d in plan.decisions]
    return {i for start in stay if gone[start] for i in closure(start, spans, kept)}


def _costs(tools: Tools, seen: Context, spans: Sequence[Span], held: Mapping[int, int]) -> list[int]:
    """Tokens of each span; what does not change is one span, and was counted before."""
    ends: dict[int, list[int]] = {}
    for span in spans:
        ends.setdefault(span.segment, []).append(span.end)
    costs: list[int] = []
    for segment, cuts in ends.items():
        costs += [held[segment]] if segment in held else tools.counter.pieces(seen.segments[segment].text, cuts)
    return costs
