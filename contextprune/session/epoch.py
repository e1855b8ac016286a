"""An epoch: old blocks decided anew, deeply and all at once, when it is needed or pays; then frozen again.

First goes what nobody misses: reasoning that the provider lets go, failures that a later one repeats, old screens.
What the model has just seen, failures that nothing has mended yet, what was asked back, and everything before signed
reasoning that is bound to it stay as they were sent.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from contextprune.context import BLOCKS, Context, Kind, Segment
from contextprune.markers import KEY_SHAPE, RECALL_TOOL, unreferred
from contextprune.money.payback import EVERY, keeps_cacheable
from contextprune.policy import Policy
from contextprune.prepare import New, Resources, is_shorter
from contextprune.selection.protection import protection
from contextprune.selection.targets import (
    CACHE_CUSHION,
    EPOCH_BLOCK_TOKENS,
    EPOCH_RECENT_TURNS,
    EPOCH_WORTH,
    EPOCH_WORTH_FREE,
    LAST_RESORT_SHARE,
    share_at_epoch,
)
from contextprune.session.old_images import seen_before, stale
from contextprune.session.references import keep_sources, references
from contextprune.session.repeated_failures import mark_repeated
from contextprune.session.rewrite import rewrite
from contextprune.session.state import Look, State
from contextprune.session.worked_files import idle_views, worked_with
from contextprune.storage.store import is_marked
from contextprune.text.calls import files_named, files_shown
from contextprune.text.failures import fails
from contextprune.text.views import is_view

Changed = tuple[tuple[int, str, int], ...]


def is_bound(state: State, context: Context, at: int = 0) -> bool:
    """Tell whether signed reasoning stands in the conversation from `at` on."""
    return context.bound and state.signed >= at


def run_epoch(resources: Resources, state: State, context: Context, *, cold: bool = False) -> Changed:
    """(segment, what is sent from now on, tokens) of each block that changes before the request that ends here.

    `cold` says that the provider's cache has expired, so that rewriting costs nothing.
    """
    policy = resources.policy
    if not (policy.redecides and resources.references) or is_bound(state, context):
        return ()
    if (aim := _aim(policy, state, cold=cold)) is None or state.shortenable < max(1.0, aim.needed):
        return ()
    possible = _possible(state, policy)
    if aim.begin({at: state.after[at] for at in possible}) is None:  # cheap, and nearly always the end
        return ()

    # What could go, and from which segment on that is worth most.
    looks = _looks(state)
    old = [at for at in possible if state.segments[at].kind in BLOCKS and not _is_recalled(resources, state, looks, at)]
    needed = references(state) if aim.low is None else {}
    free = set(old).difference(*needed.values())
    new = _replace(resources, state, possible, {at for at, look in looks.items() if look.failed}, free)
    shrinking = _shrinking(policy, state, looks, [at for at in old if at not in new], aim, new)
    new |= _unreferred(resources, state, looks, needed, shrinking, new)
    keep_sources(needed, shrinking, new)
    first = aim.begin({at: state.after[at] - tokens for at, (_, tokens) in new.items()} | shrinking)
    if first is None:
        return ()

    # Replace and rewrite from there on.
    new = {at: text for at, text in new.items() if at >= first}
    new |= _shorter(resources, state, seen_before(resources, state, new, first))
    shrinking = {at: tokens for at, tokens in shrinking.items() if at >= first}
    ceiling = sum(state.after[at] - tokens for at, tokens in shrinking.items())
    new |= rewrite(resources, state, shrinking, ceiling, new)

    removed = sum(state.after[at] - tokens for at, (_, tokens) in new.items())
    if aim.worth(min(new, default=0), removed) is None:
        return ()
    return tuple((at, *new[at]) for at in sorted(new))


@dataclass(frozen=True, slots=True)
class Aim:
    """The terms of an epoch.

    state    the conversation; `plain`: its tokens as they came; `ends`: those sent before each segment, and in all
    needed   tokens that it must remove
    low      tokens to come down to, the oldest blocks first; None: all old blocks shrink by their share
    limit    tokens to come below at any price
    gains    it must be expected to pay back
    safe     no bill may grow by it, even if the session ended at once
    """

    state: State
    plain: int
    ends: Sequence[int]
    needed: float
    low: int | None
    limit: int
    gains: bool
    safe: bool

    def begin(self, removable: Mapping[int, int]) -> int | None:
        """The segment from which on to remove the tokens `removable` for the most worth; None where none is allowed."""
        best: tuple[float, int] | None = None
        removed = 0
        for at in sorted(removable, reverse=True):
            removed += removable[at]
            worth = self.worth(at, removed, 0.0 if best is None else best[0])
            if worth is not None:
                best = worth, at
        return None if best is None else best[1]

    def worth(self, first: int, removed: int, least: float = 0.0) -> float | None:
        """The worth of removing so many tokens from segment `first` on; None where that is not allowed, or not
        worth more than `least`.
        """
        total, cached = self.ends[-1], self.ends[self.state.sent]
        sent, stays = total - removed, min(self.ends[first], cached)
        meter = self.state.meter
        if removed <= 0 or removed < self.needed:
            return None
        worth = meter.gain(removed, max(0, cached - stays - removed)) if self.gains else float(removed)
        if worth <= least or (self.safe and not meter.affords(self.plain, sent, stays)):
            return None
        if not all(keeps_cacheable(total, sent, table.least, CACHE_CUSHION) for table in meter.tables):
            return None
        return worth

    def excess(self, mark: int, new: New) -> int:
        """Tokens to remove beside what is replaced, to come down to a mark."""
        return self.ends[-1] - mark - sum(self.state.after[at] - tokens for at, (_, tokens) in new.items())


def _aim(policy: Policy, state: State, *, cold: bool) -> Aim | None:
    """The terms of an epoch here; None where it is not the time for one.

    Above `high_water` one happens when it has been paid for by earlier savings, halfway from there to the end of the
    window at any price: a request that does not fit is worth nothing.
    """
    plain, ends = state.tokens[0], state.ends
    high, low = policy.high_water * policy.window, int(policy.low_water * policy.window)
    limit = int(high + policy.window) // 2
    if ends[-1] > high:
        safe = not cold and ends[-1] <= limit
        if cold or state.meter.looks(len(state.texts), EVERY if safe else 1):
            return Aim(state, plain, ends, EPOCH_WORTH_FREE * ends[-1], low, limit, gains=False, safe=safe)
    if cold:
        return Aim(state, plain, ends, EPOCH_WORTH_FREE * ends[-1], None, limit, gains=False, safe=False)
    if state.meter.rests(len(state.texts)):
        return None
    return Aim(state, plain, ends, EPOCH_WORTH * ends[-1], None, limit, gains=True, safe=True)


def _possible(state: State, policy: Policy) -> list[int]:
    """The segments that may change at all, as far as that shows without a look into the text."""
    spoken = max((at for at, segment in enumerate(state.segments) if segment.kind is Kind.USER), default=0)
    possible = []
    for at, segment in enumerate(state.segments):
        old = _is_old(state, policy, at)
        if segment.kind in BLOCKS:
            may = old and state.after[at] >= EPOCH_BLOCK_TOKENS and _may_shrink(state, policy, at)
        elif segment.kind is Kind.IMAGE:
            may = old and segment.editable and state.texts[at] is None
        else:  # until the user speaks again, some servers want the reasoning back
            may = segment.kind is Kind.REASONING and segment.editable and at < spoken and state.after[at] > 0
        if may:
            possible.append(at)
    return possible


def _is_old(state: State, policy: Policy, at: int) -> bool:
    age = state.segments[-1].turn - state.segments[at].turn
    return age >= max(EPOCH_RECENT_TURNS, policy.recent_turns)


def _may_shrink(state: State, policy: Policy, at: int) -> bool:
    segment, rule = state.segments[at], policy.rule(state.segments[at].name)
    if protection(segment, policy) is not None or rule.recall == 1.0 or state.before[at] < (rule.min_tokens or 0):
        return False
    return segment.name is None or not segment.name.endswith(RECALL_TOOL)


def _looks(state: State) -> dict[int, Look]:
    """What the text of each result, and of the call that it answers, tells; each is read once in its life."""
    calls: dict[str | None, Segment] = {}
    for at, segment in enumerate(state.segments):
        if segment.kind is Kind.TOOL_CALL:
            calls[segment.pair] = segment
        elif segment.kind in BLOCKS and at not in state.looks:
            call = calls.get(segment.pair) if segment.pair is not None else None
            state.looks[at] = _look(segment, "" if call is None else call.text)
    return state.looks


def _look(segment: Segment, call: str) -> Look:
    failed = segment.kind is Kind.TOOL_RESULT and (segment.failed or fails(segment.text))
    view = is_view(call, segment.name, segment.text)
    files = (files_shown(segment.name, call) or files_named(segment.text)) if view else frozenset()
    return Look(failed, frozenset(KEY_SHAPE.findall(call)), view, files)


def _is_recalled(resources: Resources, state: State, looks: Mapping[int, Look], at: int) -> bool:
    """Tell whether a block gives back an original, or carries a marker of ours in its own text."""
    return not looks[at].keys.isdisjoint(state.keys) or is_marked(resources.store, state.segments[at].text)


def _replace(
    resources: Resources, state: State, possible: Collection[int], failed: Collection[int], old: Collection[int]
) -> dict[int, tuple[str, int]]:
    """The texts in place of what goes first: reasoning, images, and answers that say no more than a later one."""
    texts = dict.fromkeys((at for at in possible if state.segments[at].kind is Kind.REASONING), "")
    texts |= stale(resources, state, max(EPOCH_RECENT_TURNS, resources.policy.recent_turns))
    texts |= mark_repeated(resources, state, failed, old)
    return _shorter(resources, state, texts)


def _shorter(resources: Resources, state: State, texts: Mapping[int, str]) -> dict[int, tuple[str, int]]:
    """Each text with its tokens, as far as it is shorter than what was sent; of an image that is its source."""
    shorter = {}
    for at, text in texts.items():
        tokens = resources.counter(text) if text else 0
        segment = state.segments[at]
        sent = segment.source or "" if segment.kind is Kind.IMAGE else state.text(at)
        if is_shorter(text, tokens, sent, state.after[at]):
            shorter[at] = text, tokens
    return shorter


def _shrinking(
    policy: Policy, state: State, looks: Mapping[int, Look], old: Collection[int], aim: Aim, new: New
) -> dict[int, int]:
    """Tokens that each old block is to lose: what is above its share, of the oldest first where there is a mark.

    A later action rather uses what came late, and views of files that are worked with: those lose something only where
    there is a mark, after all others. Where the prompt would not fit even so, little but names stays of the oldest.
    """
    unmended = _unmended(state, looks)
    spared = worked_with(state, looks, [at for at in old if at not in unmended])
    idle = idle_views(state, looks)
    pressure = state.tokens[1] / policy.window
    newest = state.segments[-1].turn
    loses = {}

    excess = sum(state.after) if aim.low is None else aim.excess(aim.low, new)
    order = [at for at in old if at not in unmended and at not in spared] + (spared if aim.low is not None else [])
    for at in order:
        share = share_at_epoch(policy, pressure, idle.get(at, newest - state.segments[at].turn))
        tokens = state.after[at] - int(share * state.before[at])
        if tokens >= EPOCH_BLOCK_TOKENS and excess > 0:
            loses[at] = tokens
            excess -= tokens

    excess = aim.excess(aim.limit, new) - sum(loses.values())
    for at in order:
        all_of_it = state.after[at] - int(LAST_RESORT_SHARE * state.before[at])
        if all_of_it >= EPOCH_BLOCK_TOKENS and excess > 0:  # also of what already is below its share
            excess -= all_of_it - loses.get(at, 0)
            loses[at] = all_of_it
    return loses


def _unreferred(
    resources: Resources,
    state: State,
    looks: Mapping[int, Look],
    needed: Mapping[int, set[int]],
    shrinking: Collection[int],
    new: New,
) -> dict[int, tuple[str, int]]:
    """The texts of old blocks that nobody works with and that refer to what shrinks: they do so no more."""
    policy = resources.policy
    broken = [at for at, sources in needed.items() if at not in shrinking and not sources.isdisjoint(shrinking)]
    old = [at for at in broken if at not in new and _is_old(state, policy, at) and _may_shrink(state, policy, at)]
    stays = {*_unmended(state, looks), *worked_with(state, looks, old)} if old else set()
    free = [at for at in old if at not in stays and not _is_recalled(resources, state, looks, at)]
    return _shorter(resources, state, {at: unreferred(state.text(at), state.segments[at].text) for at in free})


def _unmended(state: State, looks: Mapping[int, Look]) -> set[int]:
    """Results that failed and whose tool has not succeeded since."""
    mended: set[str | None] = set()
    unmended: set[int] = set()
    for at in sorted(looks, reverse=True):
        name = state.segments[at].name
        if not looks[at].failed:
            if state.segments[at].kind is Kind.TOOL_RESULT:
                mended.add(name)
        elif name not in mended:
            unmended.add(at)
    return unmended
