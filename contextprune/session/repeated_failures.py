"""The same call failing again and again: of its answers the last one stays, the earlier ones become a count.

An answer goes only where the last one, as it was sent, shows every failure line that it held: no error is lost.
"""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Collection
from typing import TypeAlias

from contextprune.context import Kind, Segment
from contextprune.markers import KEEP, line_count, recall_note
from contextprune.prepare import Resources
from contextprune.session.state import State

Call: TypeAlias = tuple[str, str]
"""The tool of a call and its arguments, with white space folded."""


def mark_repeated(resources: Resources, state: State, failed: Collection[int], free: Collection[int]) -> dict[int, str]:
    """A marker for each `free` result that a later one of the same call repeats; `failed` are all that failed."""
    markers: dict[int, str] = {}
    for attempts in _by_call(state, failed):
        *earlier, last = attempts
        going = [at for at in earlier if at in free and KEEP not in state.segments[at].text]
        if going:
            shown = _squeezed(state.text(last))
            like = f"failed like attempt {len(attempts)} of {len(attempts)}"
            covered = (at for at in going if all(_squeezed(text) in shown for text in state.failures(at)))
            markers.update((at, _marker(resources, state.segments[at], like)) for at in covered)
    return markers


def _by_call(state: State, failed: Collection[int]) -> list[list[int]]:
    """The results that failed, in order, for each call that failed more than once."""
    calls: dict[str, Call] = {}
    groups: dict[Call, list[int]] = {}
    pairs = {state.segments[at].pair for at in failed}
    parts = Tally(s.pair for s in state.segments if s.kind is not Kind.TOOL_CALL)  # an answer of several says more
    for at, segment in enumerate(state.segments):
        if segment.pair is None or segment.pair not in pairs:
            continue
        if segment.kind is Kind.TOOL_CALL:
            calls[segment.pair] = segment.name or "", _squeezed(segment.text)
        elif at in failed and segment.pair in calls and parts[segment.pair] == 1:
            groups.setdefault(calls[segment.pair], []).append(at)
    return [attempts for attempts in groups.values() if len(attempts) > 1]


def _marker(resources: Resources, segment: Segment, like: str) -> str:
    lines = segment.text.count("\n") + (not segment.text.endswith("\n"))
    return (
        f"[{line_count(lines)} cut{recall_note(resources.key(segment.text))}, {like}]"
        if resources.key
        else f"[… {like}]"
    )


def _squeezed(text: str) -> str:
    return " ".join(text.split())
