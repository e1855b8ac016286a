"""Requests in a conversation: where each ends and a reply of the model begins."""

from __future__ import annotations

from itertools import pairwise

from contextprune.context import MODEL_MADE, Context, Segment


def boundaries(context: Context) -> list[int]:
    """How many segments each request sent: where a reply of the model begins, and at an end that awaits one.

    A reply begins where the turn rises. Where nobody counted turns, it begins where the model speaks after others.
    """
    segments = context.segments
    turns = any(segment.turn for segment in segments)
    begins = _rises if turns else _speaks
    ends = [b for b, (last, first) in enumerate(pairwise(segments), start=1) if begins(last, first)]
    if segments and segments[-1].kind not in MODEL_MADE:
        ends.append(len(segments))
    return ends


def _rises(last: Segment, first: Segment) -> bool:
    return first.turn > last.turn


def _speaks(last: Segment, first: Segment) -> bool:
    return first.kind in MODEL_MADE and last.kind not in MODEL_MADE
