"""Decide each block once, as it arrives, from the text before it alone: the same whatever follows.

No budget asks for anything here, so a block loses only what its recall target lets go: what scores below the bar that
calibration gives for it, or, without calibration, what is left when the kept share of the expected need reaches it.
A block is first shortened as if there were no other, so that one that stays whole does so again when the earlier ones
come back shortened.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from contextprune.context import Context, Kind, Span
from contextprune.failures import is_code
from contextprune.plan import Atom, Plan, Prices
from contextprune.policy import Policy
from contextprune.selection.constraints import protection, staying
from contextprune.selection.dedupe import twins
from contextprune.selection.fill import CLOSED, Fill
from contextprune.selection.select import FIRST, Case, decide, line, steps

import os
NAMED, NAMED_LEAST = float(os.environ.get("XN", "0.1")), int(os.environ.get("XL", "200"))  # tokens of a block that identifiers in its markers may take: a share, and at least
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
    bars: Mapping[int, float] | None = None,
    recalls: Mapping[int, float] | None = None,
) -> Plan:
    """One decision for each span; blocks are taken in order.

    `bars` gives the score from which on a span of a segment is kept, where the scorer is calibrated; `recalls` the share
    of needed spans that must survive, where it is not the policy's. A block of 1.0 loses only what an earlier one shows.
    """
    asked = recalls or {}
    free = [False] * len(context.segments)
    for i, one in enumerate(context.segments):  # a breakpoint moves on with the next turn, so it protects no result
        free[i] = i not in frozen and one.kind in _KINDS and protection(one, policy) is None
    case = Case(context, spans, scores, costs, policy, prices, atoms, free, staying(context, spans), {})
    for segment, block in case.blocks().items():
        least = policy.rule(context.segments[segment].name).min_tokens
        free[segment] = sum(costs[i] for i in block) >= (policy.min_tokens if least is None else least)
    alone, case = case, replace(case, same=twins(context, spans, costs, free))
    fill = case.fill()
    names: dict[int, list[int]] = {}
    for k, atom in enumerate(atoms):
        names.setdefault(spans[atom.spans[-1]].segment, []).append(k)
    for segment, block in case.blocks().items():
        bar = bars.get(segment) if bars else None
        recall = asked.get(segment, policy.recall)
        stays = recall >= 1.0 or (not policy.shorten_views and _is_code(alone, segment, block))
        if stays or not _by_itself(alone, fill, segment, block, names.get(segment, ()), bar, recall):
            _by_reference(case, fill, segment, block)
    return Plan(context, tuple(spans), tuple(decide(case, fill, range(len(spans)))))


_KINDS = frozenset({Kind.TOOL_RESULT, Kind.DOCUMENT})


def _by_itself(
    case: Case, fill: Fill, segment: int, block: range, atoms: Sequence[int], bar: float | None, recall: float
) -> bool:
    """Shorten a block as if there were no other; False, and nothing done, where that does not pay."""
    start = fill.taken
    if bar is None:
        _walk(case, fill, block, atoms, recall)
    else:
        _by_bar(case, fill, block, atoms, bar)
    if _pays(case, fill, segment, block):
        return True
    fill.rewind(start)
    return False


def _is_code(case: Case, segment: int, block: range) -> bool:
    """Whether a block is a view of a file or a diff by its own look."""
    quoted = sum(len(case.spans[i].text) for i in block if is_code(case.spans[i]))
    return 2 * quoted >= len(case.context.segments[segment].text)


def _by_reference(case: Case, fill: Fill, segment: int, block: range) -> None:
    """Let go of what an earlier block shows; keep all where that does not pay."""
    for i in block:
        if not (i in case.same and fill.kept[case.same[i]]):
            fill.keep(i, "chosen")
    if not _pays(case, fill, segment, block):
        for i in block:
            fill.keep(i, CLOSED)


def _pays(case: Case, fill: Fill, segment: int, block: range) -> bool:
    return fill.saving(segment) >= LEAST_SAVING * sum(case.costs[i] for i in block)


def _walk(case: Case, fill: Fill, block: range, atoms: Sequence[int], recall: float) -> None:
    """Keep the spans of most worth a token until the share asked for of the expected need is met, then name the rest."""
    values = {i: line(case, i) for i in block}
    wanted = recall * sum(values.values())
    met = 0.0
    for density, i, _ in steps(case, fill, values, ()):
        if met >= wanted and density < FIRST:
            break
        fill.keep(i, case.stay.get(i, "chosen"))
        met += values[i]
    _name(case, fill, block, atoms)


def _by_bar(case: Case, fill: Fill, block: range, atoms: Sequence[int], bar: float) -> None:
    """Keep what reaches the bar, then name the rest."""
    for i in block:
        if i in case.stay:
            fill.keep(i, case.stay[i])
        elif case.scores[i] >= bar:
            fill.keep(i, "reaches the recall asked for")
    _name(case, fill, block, atoms)


def _name(case: Case, fill: Fill, block: range, atoms: Sequence[int]) -> None:
    """Let markers name what the removed text alone shows, the cheapest use first.

    Identifiers are carried until the share asked for of what they are worth together is visible, or they would fill
    too much of the block: of a listing of a thousand paths only the likeliest.
    """
    wanted = case.policy.recall * sum(case.atoms[k].score for k in atoms)
    met = sum(case.atoms[k].score for k in atoms if fill.shows(k))
    room = max(NAMED_LEAST, int(NAMED * sum(case.costs[i] for i in block)))
    for k in sorted(atoms, key=lambda k: (-case.atoms[k].score / (case.atoms[k].cost + 1), k)):
        if met < wanted and not fill.shows(k):
            room -= case.atoms[k].cost
            if room < 0:
                return
            fill.carry(k)
            met += case.atoms[k].score
