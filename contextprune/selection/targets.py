"""How hard to prune: one function from what can be observed to a threshold, fixed by the bench.

Everything that decides how much of a block goes stands here, so that a trained policy can take its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

from contextprune.context import Kind
from contextprune.policy import Policy


@dataclass(frozen=True, slots=True)
class Observed:
    """What is known of a block when it is decided.

    tool      the tool or document that it came from, "" where that is not known
    tokens    its size
    scores    its spans' scores, in order
    age       model's replies since it came; 0 on arrival
    pressure  share of the window that is in use
    quoted    it is a view of a file or a diff, of which an edit may have to match every byte
    asked     the caller said what it is needed for
    """

    kind: Kind
    tool: str
    tokens: int
    scores: Sequence[float]
    age: int
    pressure: float
    quoted: bool
    asked: bool = False


def recall_on_arrival(seen: Observed, policy: Policy) -> float:
    """The share of what is needed that must survive: 1.0 keeps the block whole."""
    rule = policy.rule(seen.tool)
    if seen.quoted and not policy.shorten_views:
        return 1.0
    asked = policy.recall if rule.recall is None else rule.recall
    if seen.asked:
        return asked
    daring = 1.0 - (1.0 - asked) * (1.0 + DARING * _between(seen.tokens, *LARGE))
    return max(daring, asked * LEAST)


DARING = 5.0
"""How much more of a large result may be missed than was asked for: most of what it says is never used, what it fails
at stays, what it names is carried, and the rest can be recalled."""
LEAST = 0.5  # of the recall asked for, however large the result
LARGE = 500, 3000  # tokens from which on a result counts as large, and from which on fully


def _between(value: float, low: float, high: float) -> float:
    """0 at `low` or less, 1 at `high` or more, and in equal ratios between."""
    return min(1.0, max(0.0, log(max(1.0, value) / low) / log(high / low)))


def share_at_epoch(seen: Observed, policy: Policy) -> float:
    """The share of an old block's tokens that an epoch leaves, as a ceiling over all old blocks that it shrinks.

    Where the window is nearly full, those long past make room for those that are still worked with.
    """
    return LONG_PAST_SHARE if seen.pressure > policy.high_water and seen.age > LONG_PAST else EPOCH_SHARE


EPOCH_SHARE, LONG_PAST_SHARE = 0.5, 0.1
LONG_PAST = 12  # model's replies
