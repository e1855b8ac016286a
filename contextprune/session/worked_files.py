"""Files that a conversation works with: at an epoch their views stay whole, for the next edit quotes them.

A view is idle since a call last named its file, be it to read, search or edit it. Files that were edited are edited
again, so they are worked with to the end, and so are those that the user named: the list of tasks that is read first is
ticked off last.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from contextprune.context import Kind
from contextprune.selection.targets import VIEW_IDLE
from contextprune.session.state import Look, State
from contextprune.text.calls import edited_by
from contextprune.text.harness import own_words


def worked_with(state: State, looks: Mapping[int, Look], old: Collection[int]) -> list[int]:
    """The old blocks that are views of files which are worked with, the idlest first."""
    idle = idle_views(state, looks)
    lasting = edited_files(state) | named_by_user(state, {file for at in idle for file in looks[at].files})
    views = [at for at in old if at in idle and (idle[at] <= VIEW_IDLE or not lasting.isdisjoint(looks[at].files))]
    return sorted(views, key=lambda at: (-idle[at], at))


def idle_views(state: State, looks: Mapping[int, Look]) -> dict[int, int]:
    """The model's replies since a call last named the file of each view, by segment."""
    files = {file for look in looks.values() for file in look.files}
    last = _last_named(state, files)
    newest = state.segments[-1].turn
    return {
        at: newest - max([state.segments[at].turn, *(last[file] for file in look.files if file in last)])
        for at, look in looks.items()
        if look.view
    }


def edited_files(state: State) -> frozenset[str]:
    """The names, without folders, of the files that calls have changed."""
    calls = (segment for segment in state.segments if segment.kind is Kind.TOOL_CALL)
    return frozenset(file for call in calls for file in edited_by(call.name, call.text))


def named_by_user(state: State, files: Collection[str]) -> frozenset[str]:
    """Those of the files that the user's own words name."""
    words = [own_words(segment.text) for segment in state.segments if segment.kind is Kind.USER]
    return frozenset(file for file in files if any(file in text for text in words))


def _last_named(state: State, files: set[str]) -> dict[str, int]:
    """The turn of the last call that names each file, as far as any does."""
    last: dict[str, int] = {}
    unnamed = set(files)
    for segment in reversed(state.segments):
        if not unnamed:
            break
        if segment.kind is Kind.TOOL_CALL:
            named = {file for file in unnamed if file in segment.text}
            last.update(dict.fromkeys(named, segment.turn))
            unnamed -= named
    return last
