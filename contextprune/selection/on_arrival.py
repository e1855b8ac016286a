"""Decide each block once, as it arrives, from the text before it alone: the same whatever follows.

No budget asks for anything here, so a block loses only what its recall target lets go: what scores below the bar that
calibration gives for it, or, without calibration, what is left when the kept share of the expected need reaches it;
and what an earlier block shows.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from math import sqrt

from contextprune.context import Context, Kind, Span
from contextprune.plan import Identifier, Plan, Prices
from contextprune.policy import Policy
from contextprune.selection.dedupe import duplicates
from contextprune.selection.fill import CLOSED, Fill
from contextprune.selection.protection import must_keep, protection
from contextprune.selection.under_budget import FIRST, Case, decide, line, steps
from contextprune.text.views import looks_like_view

NAMED, NAMED_LEAST = 0.3, 500  # what identifiers in markers may take of a block: a share of its tokens, and tokens
ENOUGH, ENOUGH_BARRED = 12.0, 20.0  # times the root of its tokens: what stays of a block at least, and by a bar
LEAST_SAVING = 0.2  # of a block's tokens; less is not worth a marker in the model's way


def arrive(
    context: Context,
    spans: Sequence[Span],
    scores: Sequence[float],
    costs: Sequence[int],
    policy: Policy,
    prices: Prices,
    atoms: Sequence[Identifier] = (),
    frozen: Collection[int] = (),
    bars: Mapping[int, float] | None = None,
    recalls: Mapping[int, float] | None = None,
    *,
    settled: bool = False,
) -> Plan:
    """One decision for each span; blocks are taken in order.

    `bars` gives the score from which on a span of a segment is kept, where the scorer is calibrated; `recalls` the
    share of needed spans that must survive, where it is not the policy's: one of 1.0 loses only what an earlier one
    shows. `settled` tells that the earlier blocks stand as they will be sent. Where they do not, a block is first
    shortened as if there were no other, so that one that stays whole does so again when they come back shortened.
    """
    asked = recalls or {}
    free = [False] * len(context.segments)
    for i, one in enumerate(context.segments):  # a breakpoint moves on with the next turn, so it protects no result
        free[i] = i not in frozen and one.kind in _KINDS and protection(one, policy) is None
    case = Case(context, spans, scores, costs, policy, prices, atoms, free, must_keep(context, spans), {})
    for segment, block in case.blocks().items():
        least = policy.rule(context.segments[segment].name).min_tokens
        free[segment] = sum(costs[i] for i in block) >= (policy.min_tokens if least is None else least)
    alone, case = case, replace(case, same=duplicates(context, spans, costs, free))
    fill = case.fill()
    names: dict[int, list[int]] = {}
    for k, atom in enumerate(atoms):
        names.setdefault(spans[atom.spans[-1]].segment, []).append(k)
    for segment, block in case.blocks().items():
        recall = asked.get(segment, policy.recall)
        text, shown = context.segments[segment].text, spans[block.start : block.stop]
        whole = recall >= 1.0 or (not policy.shorten_views and looks_like_view(text, shown))
        target = None if whole else _Target(recall, bars.get(segment) if bars else None, names.get(segment, ()))
        by_itself = not settled and target is not None and _shorten(alone, fill, segment, block, target)
        if not by_itself and not _shorten(case, fill, segment, block, target if settled else None):
            for i in block:
                fill.keep(i, CLOSED)
    return Plan(context, tuple(spans), tuple(decide(case, fill, range(len(spans)))))


@dataclass(frozen=True, slots=True)
class _Target:
    """What must survive of a block: a share of its needed spans, or the spans from a score on; and its identifiers."""

    recall: float
    bar: float | None
    atoms: Sequence[int]


_KINDS = frozenset({Kind.TOOL_RESULT, Kind.DOCUMENT})


def _shorten(case: Case, fill: Fill, segment: int, block: range, target: _Target | None) -> bool:
    """Keep what a block must keep, and of copies nothing; without a target, all but copies.

    False, and nothing done, where that does not pay.
    """
    start = fill.taken
    own = [i for i in block if not (i in case.same and fill.kept[case.same[i]])]
    if target is None:
        for i in own:
            fill.keep(i, "chosen")
    else:
        only = set(own)
        atoms = [k for k in target.atoms if only.issuperset(case.atoms[k].spans)]
        room = max(NAMED_LEAST, int(NAMED * sum(case.costs[i] for i in block)))
        if target.bar is None:
            _walk(case, fill, own, atoms, target.recall, room)
        else:
            _by_bar(case, fill, own, target.bar)
        _fill_up(case, fill, own, ENOUGH if target.bar is None else ENOUGH_BARRED)
        if target.bar is not None:
            _name(case, fill, atoms, room)
    if _pays(case, fill, segment, block):
        return True
    fill.rewind(start)
    return False


def _pays(case: Case, fill: Fill, segment: int, block: range) -> bool:
    return fill.saving(segment) >= LEAST_SAVING * sum(case.costs[i] for i in block)


def _walk(case: Case, fill: Fill, own: Sequence[int], atoms: Sequence[int], recall: float, room: int) -> None:
    """Take steps, what must stay first, until the share of the expected need asked for is met: lines or their names."""
    values = {i: line(case, i) for i in own}
    wanted = recall * (sum(values.values()) + sum(case.atoms[k].score for k in atoms))
    met = 0.0
    for density, i, value in steps(case, fill, values, atoms):
        if met >= wanted and density < FIRST:
            return
        if i >= 0:
            fill.keep(i, case.stay.get(i, "chosen"))
        elif case.atoms[~i].cost > room:
            continue
        elif not fill.shows(~i):
            room -= case.atoms[~i].cost
            fill.carry(~i)
        met += value


def _by_bar(case: Case, fill: Fill, own: Sequence[int], bar: float) -> None:
    """Keep what reaches the bar."""
    for i in own:
        if i in case.stay:
            fill.keep(i, case.stay[i])
        elif case.scores[i] >= bar:
            fill.keep(i, "reaches the recall asked for")


def _fill_up(case: Case, fill: Fill, own: Sequence[int], least: float) -> None:
    """Keep what scores best until enough of a block stands: names alone answer no question.

    Enough is `least` times the root of its tokens: at 12, three fifths of 400, a fifth of 4,000, a tenth of 16,000.
    """
    enough = least * sqrt(sum(case.costs[i] for i in own))
    kept = sum(case.costs[i] for i in own if fill.kept[i])
    for i in sorted(own, key=lambda i: (-case.scores[i], i)):
        if kept >= enough:
            return
        if not fill.kept[i]:
            fill.keep(i, "the best of a block")
            kept += case.costs[i]


def _name(case: Case, fill: Fill, atoms: Sequence[int], room: int) -> None:
    """Let markers name what the removed text alone shows, the cheapest use first.

    Identifiers are carried until the share asked for of what they are worth together is visible, or `room` tokens are
    used up: of a listing of a thousand paths only the likeliest are named.
    """
    wanted = case.policy.recall * sum(case.atoms[k].score for k in atoms)
    met = sum(case.atoms[k].score for k in atoms if fill.shows(k))
    for k in sorted(atoms, key=lambda k: (-case.atoms[k].score / (case.atoms[k].cost + 1), k)):
        if met < wanted and not fill.shows(k):
            room -= case.atoms[k].cost
            if room < 0:
                return
            fill.carry(k)
            met += case.atoms[k].score
