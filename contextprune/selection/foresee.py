"""What keeping a span would take, reckoned without keeping it: most steps at the end of a walk do not fit.

What was reckoned holds as long as nothing else is kept or named of the segment, however often a step is tried again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from contextprune.context import Span
from contextprune.plan import Prices
from contextprune.selection.account import Account


class Foreseen(NamedTuple):
    """What keeping a span would take, as long as its segment changes no more.

    changes   to the segment so far
    added     tokens, those of names that no marker need carry any more not yet taken off; None: only trying tells
    spans     those that would be kept with it
    """

    changes: int
    added: int | None
    spans: Sequence[int]


def foresee(
    needed: Sequence[int],
    account: Account,
    spans: Sequence[Span],
    costs: Sequence[int],
    prices: Prices,
    pays: Callable[[Account, int, int], bool],
) -> Foreseen:
    """What keeping the spans `needed` of a segment would take if it closed no gap; `pays` tells which stay open."""
    saving = account.removed - account.markers - account.identifiers
    chars = account.chars - account.marker_chars - account.identifier_chars
    gaps = len(account.gaps)
    parts: list[tuple[int, int]] = []  # gaps as they would be, of those that change
    total = 0

    for i in needed:
        gap = next((part for part in parts if part[0] <= i < part[1]), None)
        if gap is None:
            gap = account.gap_at(i)
        else:
            parts.remove(gap)
        gaps -= 1
        tokens, length = prices.gap(*gap)
        added, added_chars = costs[i] - tokens, len(spans[i].text) - length
        for part in ((gap[0], i), (i + 1, gap[1])):
            if part[0] < part[1]:
                if not pays(account, *part):
                    return Foreseen(account.changes, None, ())
                tokens, length = prices.gap(*part)
                added, added_chars, gaps = added + tokens, added_chars + length, gaps + 1
                parts.append(part)
        total, saving, chars = total + added, saving - added, chars - added_chars
        if gaps and (saving <= 0 or chars <= 0):
            return Foreseen(account.changes, None, ())
    return Foreseen(account.changes, total - (0 if gaps else account.key), needed)
