"""The decisions that a fill amounts to: which spans stay, which refer to an equal one, which are named, which go."""

from __future__ import annotations

from contextprune.context import Segment
from contextprune.plan import Action, Decision
from contextprune.policy import Policy
from contextprune.selection.fill import Fill
from contextprune.selection.prepared import Prepared
from contextprune.selection.protection import protection

REPEATED = "the same stands earlier"


def decide(prepared: Prepared, fill: Fill, block: range) -> list[Decision]:
    """The decisions that a fill amounts to, for some of the spans."""
    decisions = []
    fixed: dict[int, str] = {}

    for i in block:
        span, score, cost = prepared.spans[i], prepared.scores[i], prepared.costs[i]
        if fill.kept[i]:
            s = span.segment
            if s not in prepared.movable and s not in fixed:
                fixed[s] = _fixed(prepared.context.segments[s], prepared.policy)
            decisions.append(Decision(Action.KEEP, score, cost, fixed.get(s) or fill.why.get(i, "")))
        elif i in prepared.shown_before:
            decisions.append(Decision(Action.MERGE, score, cost, REPEATED))
        elif i in prepared.copies and fill.kept[prepared.copies[i]]:
            decisions.append(Decision(Action.MERGE, score, cost, REPEATED, into=prepared.copies[i]))
        elif carried := fill.carried.get(i):
            names = (prepared.identifiers[k].text for k in carried)
            digest = tuple(sorted(names, key=span.text.find))
            decisions.append(Decision(Action.DIGEST, score, cost, "its identifiers stay", digest=digest))
        else:
            decisions.append(Decision(Action.DROP, score, cost, "worth less than what is kept"))
    return decisions


def _fixed(segment: Segment, policy: Policy) -> str:
    """Why a segment does not change."""
    marked = "protected: the cache breaks here" if segment.marked else None
    return protection(segment, policy) or marked or "already shortened"
