"""Decide each block once, as it arrives, from the text before it alone: the same whatever follows.

No budget asks for anything here, so a block loses only what its recall target lets go: steps are taken, best first,
until the kept share of the block's expected need reaches it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from contextprune.context import Context, Kind, Span
from contextprune.failures import is_code
from contextprune.plan import Atom, Plan, Prices
from contextprune.policy import Policy
from contextprune.selection.constraints import movable
from contextprune.selection.dedupe import twins
from contextprune.selection.fill import CLOSED, Fill
from contextprune.selection.select import FIRST, Case, decide, line, steps

LEAST_SAVING = 0.2  # of a block's tokens; less is not worth a marker in the model's way


def arrive(
    context: Context,
    spans: Sequence[Span],
    scores: Sequence[float],
    costs: Sequence[int],
    policy: Policy,
    prices: Prices,
    atoms: Sequence[Atom] = (),
    frozen: Collection[int] = (),
) -> Plan:
    """One decision for each span; blocks are taken in order, each by itself."""
    free = [False] * len(context.segments)
    for i in movable(context, policy, frozen):
        free[i] = True
    whole = Case(context, spans, scores, costs, policy, prices, atoms, free, {})
    for segment, block in whole.blocks().items():
        free[segment] = _may_shrink(context, spans[block.start : block.stop], sum(costs[i] for i in block), policy)
    case = replace(whole, same=twins(context, spans, costs, free))
    fill = case.fill()
    names: dict[int, list[int]] = {}
    for k, atom in enumerate(atoms):
        names.setdefault(spans[atom.spans[-1]].segment, []).append(k)
    for segment, block in case.blocks().items():
        _walk(case, fill, block, names.get(segment, ()))
        if fill.saving(segment) < LEAST_SAVING * sum(costs[i] for i in block):
            for i in block:
                fill.keep(i, CLOSED)
    return Plan(context, tuple(spans), tuple(decide(case, fill, range(len(spans)))))


def _may_shrink(context: Context, spans: Sequence[Span], tokens: int, policy: Policy) -> bool:
    """Small blocks stay, and so do views of files and diffs, which the next edit may have to quote to the letter."""
    segment = context.segments[spans[0].segment]
    if segment.kind not in (Kind.TOOL_RESULT, Kind.DOCUMENT) or tokens < policy.min_tokens:
        return False
    return 2 * sum(len(span.text) for span in spans if is_code(span)) < len(segment.text)


def _walk(case: Case, fill: Fill, block: range, atoms: Sequence[int]) -> None:
    """Take the block's steps, failures first, until the share of its expected need asked for is met.

    A span that a kept earlier one repeats is no step: that one shows it.
    """
    values = {i: line(case, i) for i in block if not (i in case.same and fill.kept[case.same[i]])}
    wanted = case.policy.recall * (sum(values.values()) + sum(case.atoms[k].score for k in atoms))
    met = 0.0
    for density, i, value in steps(case, fill, values, atoms):
        if met >= wanted and density < FIRST:
            return
        if i < 0:
            fill.carry(~i)
        else:
            fill.keep(i, "chosen" if density < FIRST else "failure line")
        met += value
