"""What selection may not do: touch what is protected, or keep a span without its anchors."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from contextprune.context import Context, Segment, Span
from contextprune.policy import Policy


def movable(context: Context, policy: Policy, frozen: Collection[int] = ()) -> list[int]:
    """Indices of the segments that may be rewritten; `frozen` ones already carry a marker of ours."""
    return [i for i, segment in enumerate(context.segments) if i not in frozen and protection(segment, policy) is None]


def protection(segment: Segment, policy: Policy) -> str | None:
    """Why a segment is protected, or None if it may be rewritten."""
    if segment.kind in policy.protect:
        return f"protected: {segment.kind}"
    if not segment.editable or segment.cost is not None:
        return "protected: not editable"
    if segment.name is not None and segment.name in policy.exclude_tools:
        return f"protected: tool {segment.name}"
    return None


def closure(start: int, spans: Sequence[Span], kept: Sequence[int]) -> list[int]:
    """`start` and every span that it cannot be understood without, as far as they are not kept yet."""
    found = [start]
    seen = {start}
    for i in found:  # grows while it is walked
        for anchor in spans[i].anchors:
            if anchor not in seen and not kept[anchor]:
                seen.add(anchor)
                found.append(anchor)
    return found
