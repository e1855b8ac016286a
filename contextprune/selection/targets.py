"""How hard to prune: the tuned numbers of the decision path, and from what can be observed to a target.

Each number names what set it; `docs/explanation/tuning.md` has the runs. A trained policy can take this file's place.
"""

from __future__ import annotations

from math import log

from contextprune.policy import Policy

LARGE_RESULT_SLACK = 5.0
"""How much more of a large result may be missed than was asked for: most of what it says is never used, what it fails
at stays, what it names is carried, and the rest can be recalled."""
LEAST_RECALL = 0.5  # of the recall asked for, however large the result
LARGE = 500, 3000  # tokens from which on a result counts as large, and from which on fully

EPOCH_SHARE, LONG_PAST_SHARE = 0.5, 0.1  # of an old block's tokens that an epoch leaves
LONG_PAST = 12  # model's replies


def recall_on_arrival(policy: Policy, tool: str, tokens: int, *, view: bool, by_query: bool) -> float:
    """The share of what is needed of a block that must survive: 1.0 keeps it whole but for copies.

    tool       the tool or document that it came from, "" where that is not known
    tokens     its size
    view       it shows a file or a diff, of which an edit may have to match every byte
    by_query   the caller said what it is needed for
    """
    if view and not policy.shorten_views:
        return 1.0
    rule = policy.rule(tool)
    recall = policy.recall if rule.recall is None else rule.recall
    if by_query:
        return recall
    slackened = 1.0 - (1.0 - recall) * (1.0 + LARGE_RESULT_SLACK * _between(tokens, *LARGE))
    return max(slackened, recall * LEAST_RECALL)


def share_at_epoch(policy: Policy, pressure: float, age: int) -> float:
    """The share of an old block's tokens that an epoch leaves, as a ceiling over all old blocks that it shrinks.

    Views of files shrink like all else: an edit quotes what was read lately, and what an epoch takes can be recalled.
    Where the window is nearly full, blocks long past make room for those that are still worked with.

    pressure   share of the window that is in use
    age        model's replies since the block came
    """
    return LONG_PAST_SHARE if pressure > policy.high_water and age > LONG_PAST else EPOCH_SHARE


def _between(value: float, low: float, high: float) -> float:
    """0 at `low` or less, 1 at `high` or more, and in equal ratios between."""
    return min(1.0, max(0.0, log(max(1.0, value) / low) / log(high / low)))
