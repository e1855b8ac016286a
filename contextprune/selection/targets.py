"""How hard to prune: the tuned numbers of the decision path, and from what can be observed to a target.

Each number names what set it; `docs/explanation/tuning.md` has the runs. A trained policy can take this file's place.
"""

from __future__ import annotations

from math import log

from contextprune.policy import Policy

# On arrival: how much of a new block stays.
LARGE_RESULT_SLACK = 5.0  # times more may be missed of a large result than was asked for; set with `bench sessions`
LARGE = 500, 3000  # tokens from which on a result counts as large, and from which on fully; set with it
LEAST_RECALL = 0.5  # of the recall asked for, however large the result; by hand, the default recall never gets there
KEPT_PER_ROOT = 12.0  # times the root of its tokens stays of a block at least; `bench sessions` and `bench field`
LEAST_SAVING = 0.2  # of a block's tokens must go, or it stays whole; by hand: a marker stands in the model's way
IDENTIFIER_SHARE = 0.3  # of a block's tokens that identifiers in markers may take; by hand, for listings of paths
IDENTIFIER_TOKENS = 500  # that they may take in any case; by hand
MIN_RUN = 24  # tokens of consecutive copies before a reference pays for its marker; by hand: two markers' worth
SHARED_CHARACTERS = 40  # in common with an earlier block before the two are compared; by hand, for speed
COMPARED_BLOCKS = 4  # earlier blocks that a new one is compared with, those that share most; by hand, for speed
ONGOING_AFTER = 4  # replies after which a conversation is taken to go on; by hand, for prompts near the least size

# Under a budget: what a span is worth.
LINE_WORTH = 0.15  # of quoting a line beside naming an identifier, in a trace; set with `bench traces`
LINE_WORTH_ON_ARRIVAL = 0.4  # the same where no budget asks for anything; set with `bench field`
RECENT_WORTH = 1.5  # times more is a span of the latest turns worth (policy.recent_turns); by hand

# At an epoch: when it happens, and how much of old blocks stays.
EPOCH_WORTH = 0.15  # of the prompt must go for an epoch that pays; by hand
EPOCH_WORTH_FREE = 0.1  # the same where the rewrite costs nothing, or room is needed; by hand
EPOCH_RECENT_TURNS = 4  # are left alone at least; by hand: an edit quotes what was read lately
VIEW_IDLE = 16  # replies since a call named its file after which an epoch may shrink a view; set with the same
EPOCH_BLOCK_TOKENS = 100  # that an old block must be able to lose; by hand
EPOCH_SHARE = 0.3  # of an old block's tokens that an epoch leaves; `bench traces`, grounded edits: at 0.5 as many
LONG_PAST_SHARE = 0.1  # the same of blocks long past, where the window fills up; set with `bench epochs`
LONG_PAST = 12  # model's replies after which a block is long past; set with `bench epochs`
LAST_RESORT_SHARE = 0.1  # of the oldest, where the prompt would not fit: what their names take; with `bench epochs`
CACHE_CUSHION = 4  # times the least size must go from a prompt that falls below it; reckoned: see `keeps_cacheable`
MARKER_ALLOWANCE = 40  # tokens that markers may cost more where a rewrite keeps more; by hand: two markers' worth


def recall_on_arrival(policy: Policy, tool: str, tokens: int, *, view: bool, by_query: bool) -> float:
    """The share of what is needed of a block that must survive: 1.0 keeps it whole but for copies.

    tool       the tool or document that it came from, "" where that is not known
    tokens     its size
    view       it shows a file or a diff, of which an edit may have to match every byte
    by_query   the caller said what it is needed for
    """
    if policy.repetitions_only or (view and not policy.shorten_views):
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
