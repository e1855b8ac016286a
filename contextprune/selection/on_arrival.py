"""Decide each block once, as it arrives, from the text before it alone: the same whatever follows.

No budget asks for anything here, so a block loses only what its recall target lets go: what scores below the bar that
calibration gives for it, or, without calibration, what is left when the kept share of the expected need reaches it;
and what an earlier block shows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

from contextprune.plan import Plan
from contextprune.selection.decide import decide
from contextprune.selection.fill import CLOSED, Fill
from contextprune.selection.prepared import Prepared
from contextprune.selection.targets import (
    IDENTIFIER_SHARE,
    IDENTIFIER_TOKENS,
    KEPT_PER_ROOT,
    LEAST_SAVING,
    LINE_WORTH_ON_ARRIVAL,
)
from contextprune.selection.under_budget import FIRST, line_value, steps
from contextprune.text.views import looks_like_view


def on_arrival(
    prepared: Prepared, bars: Mapping[int, float] | None = None, recalls: Mapping[int, float] | None = None
) -> Plan:
    """One decision for each span; blocks are taken in order.

    `bars` gives the score from which on a span of a segment is kept, where the scorer is calibrated; `recalls` the
    share of needed spans that must survive, where it is not the policy's: one of 1.0 loses only what an earlier block
    shows.
    """
    fill = prepared.fill()
    names: dict[int, list[int]] = {}
    for k, identifier in enumerate(prepared.identifiers):
        names.setdefault(prepared.spans[identifier.spans[-1]].segment, []).append(k)

    for segment, block in prepared.blocks().items():
        recall = (recalls or {}).get(segment, prepared.policy.recall)
        bar = bars.get(segment) if bars else None
        stays = recall >= 1.0 or _stays_whole(prepared, segment, block)
        target = None if stays else _Target(recall, bar, names.get(segment, ()))
        if not _shorten(prepared, fill, segment, block, target):
            for i in block:
                fill.keep(i, CLOSED)

    return Plan(prepared.context, tuple(prepared.spans), tuple(decide(prepared, fill, range(len(prepared.spans)))))


@dataclass(frozen=True, slots=True)
class _Target:
    """What must survive of a block: a share of its needed spans, or the spans from a score on; and its identifiers."""

    recall: float
    bar: float | None
    identifiers: Sequence[int]


def _shorten(prepared: Prepared, fill: Fill, segment: int, block: range, target: _Target | None) -> bool:
    """Keep what a block must keep. False, and nothing kept, where no way of shortening it pays.

    Copies of blocks that were sent before go in any case. Of blocks that arrive together it is not known how the
    earlier ones come back, if they do: a block is first shortened as if there were no other, so that one that stays
    whole does so again when they come back shortened; only where that does not pay do its copies go.
    """
    fresh = [i for i in block if i not in prepared.shown_before]
    if (target is not None or prepared.shown_before) and _pays(prepared, fill, segment, block, fresh, target):
        return True
    unrepeated = [i for i in fresh if not (i in prepared.copies and fill.kept[prepared.copies[i]])]
    return bool(prepared.copies) and _pays(prepared, fill, segment, block, unrepeated, None)


def _pays(
    prepared: Prepared, fill: Fill, segment: int, block: range, candidates: Sequence[int], target: _Target | None
) -> bool:
    """Keep what reaches the target among `candidates`, all of them without one; undo it where too little goes."""
    start = fill.steps_taken
    if target is None:
        for i in candidates:
            fill.keep(i, "chosen")
    else:
        _reach(prepared, fill, block, candidates, target)
    if fill.saving(segment) >= LEAST_SAVING * sum(prepared.costs[i] for i in block):
        return True
    fill.rewind(start)
    return False


def _reach(prepared: Prepared, fill: Fill, block: range, candidates: Sequence[int], target: _Target) -> None:
    """Keep spans and carry identifiers until the target is met, and enough of the block stands."""
    only = set(candidates)
    identifiers = [k for k in target.identifiers if only.issuperset(prepared.identifiers[k].spans)]
    for i in candidates:
        if i in prepared.standing_out:
            fill.keep(i, prepared.standing_out[i])
    room = max(IDENTIFIER_TOKENS, int(IDENTIFIER_SHARE * sum(prepared.costs[i] for i in block)))
    if target.bar is None:
        usual = [i for i in candidates if i not in prepared.standing_out]
        unseen = [k for k in identifiers if not fill.shows(k)]
        _walk(prepared, fill, usual, unseen, target.recall, room)
        _fill_up(prepared, fill, candidates)
        fill.trim()
    else:
        _keep_from_bar(prepared, fill, candidates, target.bar)
        _fill_up(prepared, fill, candidates)
        _name(prepared, fill, identifiers, room)


def _stays_whole(prepared: Prepared, segment: int, block: range) -> bool:
    """Tell whether a block stays but for copies: by the policy, or as a view of a file or a diff by its own look."""
    if prepared.policy.repetitions_only or prepared.policy.shorten_views:
        return prepared.policy.repetitions_only
    return looks_like_view(prepared.context.segments[segment].text, [prepared.spans[i] for i in block])


def _walk(
    prepared: Prepared, fill: Fill, candidates: Sequence[int], identifiers: Sequence[int], recall: float, room: int
) -> None:
    """Take steps, what must stay first, until the share of the expected need asked for is met: lines or their names."""
    values = {i: line_value(prepared, i, LINE_WORTH_ON_ARRIVAL) for i in candidates}
    wanted = recall * (sum(values.values()) + sum(prepared.identifiers[k].score for k in identifiers))
    met = 0.0
    for density, i, value in steps(prepared, fill, values, identifiers):
        if met >= wanted and density < FIRST:
            return
        if i >= 0:
            fill.keep(i, prepared.why(i))
        elif prepared.identifiers[~i].cost > room:
            continue
        elif not fill.shows(~i):
            if not fill.carry(~i):
                wanted -= recall * value  # a marker has no room for it: no line need stay for that
                continue
            room -= prepared.identifiers[~i].cost
        met += value


def _keep_from_bar(prepared: Prepared, fill: Fill, candidates: Sequence[int], bar: float) -> None:
    """Keep what reaches the bar."""
    for i in candidates:
        if prepared.comes_first(i):
            fill.keep(i, prepared.why(i))
        elif prepared.scores[i] >= bar:
            fill.keep(i, "reaches the recall asked for")


def _fill_up(prepared: Prepared, fill: Fill, candidates: Sequence[int]) -> None:
    """Keep what scores best until enough of a block stands: names alone answer no question.

    Enough is KEPT_PER_ROOT times the root of its tokens: at 12, three fifths of 400, a fifth of 4,000, a
    tenth of 16,000.
    """
    enough = KEPT_PER_ROOT * sqrt(sum(prepared.costs[i] for i in candidates))
    kept = sum(prepared.costs[i] for i in candidates if fill.kept[i])
    for i in sorted(candidates, key=lambda i: (-prepared.scores[i], i)):
        if kept >= enough:
            return
        if not fill.kept[i]:
            fill.keep(i, "the best of a block")
            kept += sum(prepared.costs[j] for j in fill.last_kept)


def _name(prepared: Prepared, fill: Fill, identifiers: Sequence[int], room: int) -> None:
    """Let markers name what the removed text alone shows, the cheapest use first.

    Identifiers are carried until the share asked for of what they are worth together is visible, or `room` tokens are
    used up: of a listing of a thousand paths only the likeliest are named.
    """
    wanted = prepared.policy.recall * sum(prepared.identifiers[k].score for k in identifiers)
    met = sum(prepared.identifiers[k].score for k in identifiers if fill.shows(k))
    for k in sorted(
        identifiers, key=lambda k: (-prepared.identifiers[k].score / (prepared.identifiers[k].cost + 1), k)
    ):
        if met < wanted and not fill.shows(k):
            if room < prepared.identifiers[k].cost:
                return
            if fill.carry(k):
                room -= prepared.identifiers[k].cost
                met += prepared.identifiers[k].score
