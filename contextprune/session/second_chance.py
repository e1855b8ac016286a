"""The second chance of blocks that were late: they stand as they are, and may yet be shortened where that is no loss.

It is none where the provider's cache does not hold them: the request that brought them never got there, or the cache
has expired. Elsewhere it must pay, as an epoch must.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from contextprune.context import Context, Segment
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

    free     segments from which on no cache holds what the last request sent
    enough   says that there is no time left to decide a block that idle moments did not get to: then it waits
    """
    late = [at for at in sorted(state.late) if at < state.sent and _may_change(state, context, at)]
    if not late:
        return ()
    is_free = {at: free > at >= state.sent_before or free == len(state.texts) for at in late}
    aim = Aim(state, state.tokens[0], state.ends, 0.0, None, 0, gains=True, safe=True)

    # Decide what might pay, were nothing of it left.
    first_to_pay = aim.begin({at: state.after[at] for at in late})
    for at in late:
        worth_a_look = is_free[at] or (first_to_pay is not None and at >= first_to_pay)
        if state.late[at] is None and worth_a_look and not enough(state.segments[at]):
            state.late[at] = decide_late(resources, state, at, query)
    entries = {at: entry for at in late if (entry := state.late[at]) is not None and entry.text is not None}
    if not entries:
        return ()

    if all(is_free[at] for at in entries):
        first: int | None = min(entries)
    else:
        first = aim.begin({at: entry.before - entry.after for at, entry in entries.items()})
    if first is None:
        return ()
    return tuple((at, entry.text or "", entry.after) for at, entry in entries.items() if at >= first)


def decide_late(resources: Resources, state: State, at: int, query: str | None) -> Entry:
    """What a late block would have been sent as: decided from what preceded it."""
    return replace(decide(resources, state.until(at), state.segments, at, query)[0], changed=None, late=False)


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
