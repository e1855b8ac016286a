"""What selection may not do: touch what is protected, keep a span without its anchors, or lose a failure first."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from contextprune.context import Context, Kind, Segment, Span, Syntax
from contextprune.failures import is_failure
from contextprune.policy import Policy

_CODE = frozenset({Syntax.HASH_CODE, Syntax.SLASH_CODE, Syntax.DASH_CODE, Syntax.DIFF})


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


def is_failure_span(span: Span, segment: Segment) -> bool:
    """Whether `span` is a failure line of a tool's result; source code that mentions errors is none."""
    return segment.kind is Kind.TOOL_RESULT and not is_code(span) and is_failure(span.text)


def is_code(span: Span) -> bool:
    """Whether `span` is source code, a diff, or a numbered line of a file view."""
    return span.syntax in _CODE or _is_numbered(span.text)


def _is_numbered(text: str) -> bool:
    """Whether the line starts with a line number, as views of files do."""
    head = text[:12].lstrip()
    digits = len(head) - len(head.lstrip("0123456789"))
    return 0 < digits < len(head) and head[digits] in ":|\t"
