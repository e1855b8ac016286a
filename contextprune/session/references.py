"""References between blocks: the earlier blocks that the markers of a later one point to, "as above".

What a marker points to stays in sight as long as the marker does, but where the window is full: then the recall key in
the marker is all that is left of it. Nothing is remembered for that: what a block
lacks of its original, and which blocks show it, follows from the texts as they were sent.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from contextprune.context import BLOCKS, Context
from contextprune.selection.dedupe import sameness
from contextprune.session.sent import REFERS
from contextprune.session.shown_lines import ShownLines
from contextprune.session.state import State
from contextprune.splitting import split


def references(state: State) -> dict[int, set[int]]:
    """The segments that each block which refers to earlier ones needs, the last block first.

    Each block is read once, until an epoch changes what was sent.
    """
    sources = state.sources
    for at in range(sources.looked, len(state.texts)):
        if _refers(state, at):
            sources.last = at
    sources.looked = len(state.texts)

    for at in range(sources.covered, sources.last + 1):
        if _refers(state, at):
            sources.needed[at] = _sources(state, at, sources.lines)
        if state.segments[at].kind in BLOCKS:
            sources.lines.add(at, state.text(at))
    sources.covered = max(sources.covered, sources.last + 1)
    return dict(reversed(sources.needed.items()))


def keep_sources(needed: Mapping[int, set[int]], loses: dict[int, int], changing: Collection[int]) -> None:
    """Let no block shrink that another one refers to which stays as it is.

    needed     see `references`
    loses      tokens that each block is to lose
    changing   blocks that change in another way, and then refer to nothing any more
    """
    for at, sources in needed.items():  # a block that is kept for a later one may refer to one before it
        if at not in loses and at not in changing:
            for source in sources:
                loses.pop(source, None)


def _refers(state: State, at: int) -> bool:
    return state.segments[at].kind in BLOCKS and REFERS in (state.texts[at] or "")


def _sources(state: State, at: int, lines: ShownLines) -> set[int]:
    """The segments before block `at` that show what its text, as it was sent, lacks."""
    segment = state.segments[at]
    spans = split(Context((segment,)))
    sent = {sameness(span.text) for span in state.cut(at)}
    owners = lines.find(segment.text, spans)
    keys = {i: key for i, span in enumerate(spans) if (key := sameness(span.text)) not in sent}
    first = state.first_shown
    segments = {owners.get(i, first.get(key, at)) for i, key in keys.items()}
    return {earlier for earlier in segments if earlier < at}
