"""Share a budget between results by turns, where what comes first in them does not fit, or takes more than half of it.

Anybody can write "ERROR:" before each line of a page. Failures come before anything else, so without a share such a
page would take all that the failures and the evidence of other results need.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from contextprune.selection.first import Rank
from contextprune.selection.prepared import Prepared
from contextprune.selection.protection import MARKED

SHARE = 0.5  # of the room that comes first in one result, where others can use the remainder; by hand
_LATE = 0.5  # of a rank, by which the last turn comes later than the first: never behind the next rank


def turns(prepared: Prepared, values: Mapping[int, float], room: int) -> dict[int, float]:
    """How many ranks each span is put back, of those that come first; none where all of them have their room.

    values   the spans that may be chosen, and what each is worth
    room     tokens that the budget leaves to be chosen

    Of one result as much comes first as half of the room, or as the others leave, and one span in any case where those
    of all results fit together; markers between the lines come on top. Results take turns: of two spans of one rank,
    that one is first before which less of its own result stands.
    """
    sizes: dict[int, int] = {}
    demands: dict[int, list[int]] = {}
    for i in values:
        segment = prepared.spans[i].segment
        sizes[segment] = sizes.get(segment, 0) + prepared.costs[i]
        if i in prepared.ranks and prepared.must_keep.get(i) != MARKED:
            demands.setdefault(segment, []).append(i)
    if len(sizes) < 2:
        return {}

    total = sum(sizes.values())
    wanted = {segment: _tokens(prepared, ranked) for segment, ranked in demands.items()}
    shares = {segment: max(SHARE * room, room - (total - sizes[segment])) for segment in wanted}
    if sum(wanted.values()) <= room and all(wanted[segment] <= shares[segment] for segment in wanted):
        return {}

    ordered = {
        segment: sorted(ranked, key=lambda i: (prepared.ranks[i], -values[i] / (prepared.costs[i] + 1), i))
        for segment, ranked in demands.items()
    }
    first_fit = sum(prepared.costs[ranked[0]] for ranked in ordered.values()) <= room
    behind: dict[int, float] = {}
    for segment, ranked in ordered.items():
        before = 0
        for i in ranked:
            late = before + prepared.costs[i] > shares[segment] and not (first_fit and i == ranked[0])
            behind[i] = len(Rank) - prepared.ranks[i] if late else _LATE * min(1.0, before / max(room, 1))
            before += 0 if late else prepared.costs[i]
    return behind


def _tokens(prepared: Prepared, spans: Collection[int]) -> int:
    return sum(prepared.costs[i] for i in spans)
