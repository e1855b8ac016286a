"""What selection may not do: touch what is protected, or keep a span without its anchors."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Mapping, Sequence

from contextprune.context import BLOCKS, Context, Segment, Span
from contextprune.markers import KEEP, kept_ranges
from contextprune.policy import Policy
from contextprune.selection.first import Rank

MARKED = "marked to be kept"
"""Why a span stays that somebody marked."""


def movable(context: Context, policy: Policy, frozen: Collection[int] = ()) -> list[int]:
    """Indices of the segments that may be rewritten; `frozen` ones already carry a marker of ours."""
    return [
        i
        for i, segment in enumerate(context.segments)
        if i not in frozen and not segment.marked and protection(segment, policy) is None
    ]


def shortenable(context: Context, tokens: Sequence[int], policy: Policy, frozen: Collection[int] = ()) -> list[int]:
    """Indices of the blocks that may be shortened as they arrive; `tokens` are those of each segment.

    A breakpoint of the provider's cache moves on with the next turn, so it protects no block here.
    """
    return [
        i
        for i, segment in enumerate(context.segments)
        if i not in frozen
        and segment.kind in BLOCKS
        and protection(segment, policy) is None
        and tokens[i] >= least_tokens(segment, policy)
    ]


def least_tokens(segment: Segment, policy: Policy) -> int:
    """Tokens below which a block is left alone: the policy's, or those of the rule for its tool."""
    least = policy.rule(segment.name).min_tokens
    return policy.min_tokens if least is None else least


def must_keep(context: Context, spans: Sequence[Span], ranked: Mapping[int, float], policy: Policy) -> dict[int, str]:
    """The spans that stay whatever their score, and why: failures, and what somebody marked to be kept.

    `ranked` are those that come before all others; what only belongs to a failure may go where room is short.
    """
    marked = dict.fromkeys(sorted(_kept_by_hand(context, spans, policy)), MARKED)
    failures = (i for i in sorted(ranked) if ranked[i] in (Rank.FAILURE, Rank.REPETITION))
    return dict.fromkeys(failures, "failure line") | marked


def _kept_by_hand(context: Context, spans: Sequence[Span], policy: Policy) -> set[int]:
    """Indices of the spans that somebody marked to be kept, the marks included; strangers' marks count for nothing."""
    marked = {
        i: kept_ranges(segment.text)
        for i, segment in enumerate(context.segments)
        if KEEP in segment.text and policy.hears_marks(segment.name)
    }
    return {i for i, span in enumerate(spans) if span.segment in marked and _overlaps(span, marked[span.segment])}


def _overlaps(span: Span, ranges: Sequence[tuple[int, int]]) -> bool:
    """Whether a span shares a character with one of the ranges, which are in order and apart."""
    before = bisect_left(ranges, (span.end, 0))
    return before > 0 and ranges[before - 1][1] > span.start


def protection(segment: Segment, policy: Policy) -> str | None:
    """Why a segment is protected, or None if it may be rewritten."""
    if segment.kind in policy.protect:
        return f"protected: {segment.kind}"
    if not segment.editable or segment.cost is not None:
        return "protected: not editable"
    if policy.excludes(segment.name):
        return f"protected: tool {segment.name}"
    return None


def closure(start: int, spans: Sequence[Span], kept: Sequence[int]) -> list[int]:
    """`start` and every span that it cannot be understood without, as far as they are not kept yet."""
    needed = [start]
    visited = {start}
    for i in needed:  # grows while it is walked
        for anchor in spans[i].anchors:
            if anchor not in visited and not kept[anchor]:
                visited.add(anchor)
                needed.append(anchor)
    return needed
