"""Decide each block once, as it arrives, from the text before it alone: the same whatever follows.

No budget asks for anything here, so a block loses only what its recall target lets go: steps are taken, best first, until
the kept share of the block's expected need reaches it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from contextprune.context import Context, Kind, Span
from contextprune.plan import Atom, Plan, Prices
from contextprune.policy import Policy
from contextprune.selection.constraints import is_code, is_failure_span, movable
from contextprune.selection.dedupe import twins
from contextprune.selection.fill import CLOSED, Fill
from contextprune.selection.select import decide, worth

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
    ranges = _ranges(spans)
    free = [False] * len(context.segments)
    for i in movable(context, policy, frozen):
        if i in ranges:
            first, end = ranges[i]
            free[i] = _may_shrink(context, spans[first:end], sum(costs[first:end]), policy)
    same = twins(spans, costs, free)
    names = [(atom.cost, len(atom.text) + 1) for atom in atoms]
    fill = Fill(spans, costs, free, prices, names, [atom.spans for atom in atoms])
    by_segment: dict[int, list[int]] = {}
    for k, atom in enumerate(atoms):
        by_segment.setdefault(spans[atom.spans[-1]].segment, []).append(k)
    for segment, (first, end) in ranges.items():
        if free[segment]:
            block = range(first, end)
            _walk(context, block, scores, costs, policy, fill, atoms, by_segment.get(segment, ()), same)
            _gate(block, costs, fill, segment)
    return Plan(context, tuple(spans), decide(context, policy, fill, scores, atoms, same, free), 0)


def _may_shrink(context: Context, spans: Sequence[Span], tokens: int, policy: Policy) -> bool:
    """Small blocks stay, and so do views of files and diffs, which the next edit may have to quote to the letter."""
    segment = context.segments[spans[0].segment]
    if segment.kind not in (Kind.TOOL_RESULT, Kind.DOCUMENT) or tokens < policy.min_tokens:
        return False
    return 2 * sum(len(span.text) for span in spans if is_code(span)) < len(segment.text)


def _walk(
    context: Context,
    block: range,
    scores: Sequence[float],
    costs: Sequence[int],
    policy: Policy,
    fill: Fill,
    atoms: Sequence[Atom],
    names: Sequence[int],
    same: dict[int, int],
) -> None:
    """Take the block's steps, failures first, until the expected need is met."""
    steps = []
    for i in block:
        if i in same and fill.kept[same[i]]:
            continue
        segment = context.segments[fill.spans[i].segment]
        failure = is_failure_span(fill.spans[i], segment)
        steps.append((worth(scores[i], costs[i], segment.kind) + 1e6 * failure, i, scores[i]))
    steps += [(atoms[k].score / (atoms[k].cost + 1), ~k, atoms[k].score) for k in names]
    steps.sort(key=lambda step: (-step[0], -step[1]))
    wanted = policy.recall * sum(value for _, _, value in steps)
    met = 0.0
    for density, i, value in steps:
        if met >= wanted and density < 1e6:
            return
        if i >= 0:
            fill.keep(i, "chosen" if density < 1e6 else "failure line")
        else:
            fill.carry(~i)
        met += value


def _gate(block: range, costs: Sequence[int], fill: Fill, segment: int) -> None:
    """Keep the block whole where the saving is too small to be worth it."""
    whole = sum(costs[i] for i in block)
    if fill.saving(segment) < LEAST_SAVING * whole:
        for i in block:
            fill.keep(i, CLOSED)


def _ranges(spans: Sequence[Span]) -> dict[int, tuple[int, int]]:
    ranges: dict[int, tuple[int, int]] = {}
    for i, span in enumerate(spans):
        ranges[span.segment] = (ranges.get(span.segment, (i, i))[0], i + 1)
    return ranges
