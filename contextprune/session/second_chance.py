"""The second chance of blocks that were late: they stand as they are, and may yet be shortened where that is no loss.

It is none where the provider's cache does not hold them: the request that brought them never got there, or the cache
has expired. Elsewhere it must pay, as an epoch must.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from contextprune.context import Context, Segment
from contextprune.money.payback import Meter
from contextprune.prepare import Resources, is_shorter
from contextprune.session.arrival import decide
from contextprune.session.epoch import Aim, Changed, is_bound
from contextprune.session.ledger import Entry
from contextprune.session.sent import REFERS
from contextprune.session.state import State


def second_chances(
    resources: Resources,
    state: State,
    context: Context,
    query: str | None,
    *,
    free: int,
    enough: Callable[[Segment], bool],
) -> Changed:
    """(segment, what is sent from now on, tokens) of late blocks that are shortened with the request that ends here.

    free     segments from which on no cache holds what the last request sent: there, what was not decided yet is
             decided now, unless `enough` says that there is no time; everywhere else only what has been prepared counts
    """
    possible = {}
    for at in [at for at in sorted(state.late) if at < state.sent and _may_change(state, context, at)]:
        is_free = free > at >= state.sent_before or free == len(state.texts)
        if state.late[at] is None and is_free and not enough(state.segments[at]):
            state.late[at] = decide_late(resources, state, at, query)
        entry = state.late[at]
        if entry is not None and entry.text is not None:
            possible[at] = entry, is_free
    if not possible:
        return ()

    if all(is_free for _, is_free in possible.values()):
        first: int | None = min(possible)
    else:
        aim = Aim(state, state.tokens[0], state.ends, 0.0, None, 0, gains=True, safe=True)
        first = aim.begin({at: entry.before - entry.after for at, (entry, _) in possible.items()})
    if first is None:
        return ()
    return tuple((at, entry.text or "", entry.after) for at, (entry, _) in possible.items() if at >= first)


def decide_late(resources: Resources, state: State, at: int, query: str | None) -> Entry:
    """What a late block would have been sent as: decided from what preceded it."""
    earlier = State(Meter(state.meter.tables), asides=state.asides)
    for i in range(at):
        earlier.add(state.segments[i], Entry(state.texts[i], state.before[i], state.after[i]))
    return replace(decide(resources, earlier, state.segments, at, query)[0], changed=None, late=False)


def still_shorter(state: State, changes: Changed) -> Changed:
    """Of changes that were decided for the request before this one, those that still make something shorter."""
    return tuple(
        (at, text, tokens)
        for at, text, tokens in changes
        if is_shorter(text, tokens, state.segments[at].source or state.text(at), state.after[at])
    )


def _may_change(state: State, context: Context, at: int) -> bool:
    """Tell whether no signed reasoning and no reference behind a block depends on it."""
    behind = range(at + 1, len(state.texts))
    return not is_bound(state, context, at) and not any(REFERS in (state.texts[i] or "") for i in behind)
