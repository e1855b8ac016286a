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
    """One decision for each span; blocks are taken in order."""
    free = [False] * len(context.segments)
    for i in movable(context, policy, frozen):
        free[i] = True
    case = Case(context, spans, scores, costs, policy, prices, atoms, free, {})
    for segment, block in case.blocks().items():
        free[segment] = sum(costs[i] for i in block) >= policy.min_tokens and context.segments[segment].kind in _KINDS
    case = replace(case, same=twins(context, spans, costs, free))
    fill = case.fill()
    names: dict[int, list[int]] = {}
    for k, atom in enumerate(atoms):
        names.setdefault(spans[atom.spans[-1]].segment, []).append(k)
    for segment, block in case.blocks().items():
        _decide_block(case, fill, segment, block, names.get(segment, ()))
    return Plan(context, tuple(spans), tuple(decide(case, fill, range(len(spans)))))


_KINDS = frozenset({Kind.TOOL_RESULT, Kind.DOCUMENT})


def _decide_block(case: Case, fill: Fill, segment: int, block: range, atoms: Sequence[int]) -> None:
    """Shorten a block by itself; where that does not pay, refer to what an earlier block shows; else keep it whole.

    By itself first: a block that stays whole must do so again when the earlier ones come back shortened.
    """
    least = LEAST_SAVING * sum(case.costs[i] for i in block)
    start = fill.taken
    text = case.context.segments[segment].text
    quoted = sum(len(case.spans[i].text) for i in block if is_code(case.spans[i]))
    if 2 * quoted < len(text):  # views of files and diffs stay: the next edit may have to quote them to the letter
        _walk(case, fill, block, atoms)
        if fill.saving(segment) >= least:
            return
        fill.rewind(start)
    for i in block:
        if not (i in case.same and fill.kept[case.same[i]]):
            fill.keep(i, "chosen")
    if fill.saving(segment) < least:
        for i in block:
            fill.keep(i, CLOSED)


def _walk(case: Case, fill: Fill, block: range, atoms: Sequence[int]) -> None:
    """Take the block's steps, failures first, until the share of its expected need asked for is met."""
    values = {i: line(case, i) for i in block}
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
