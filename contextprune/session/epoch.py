"""An epoch: old blocks decided anew, deeply and all at once, when it is needed or pays; then frozen again.

First goes what nobody misses: reasoning that the provider lets go, failures that a later one repeats, old screens.
What the model has just seen, failures that nothing has mended yet, what was asked back, and everything before signed
reasoning that is bound to it stay as they were sent.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import accumulate

from contextprune.context import Context, Kind
from contextprune.markers import KEY_SHAPE, RECALL_TOOL, is_marked
from contextprune.money.payback import EVERY, keeps_cacheable
from contextprune.policy import Policy
from contextprune.selection import Observed, protection, share_at_epoch
from contextprune.session.arrival import Tools
from contextprune.session.old_images import seen_before, stale
from contextprune.session.repeated_failures import repeated
from contextprune.session.rewrite import New, rewritten
from contextprune.session.state import BLOCKS, Look, Past, size
from contextprune.text.failures import fails
from contextprune.text.views import is_view

LEAST = 100  # tokens that an old block must be able to lose
RECENT = 4  # the least number of turns that an epoch leaves alone
WORTH = 0.15  # of the prompt that an epoch must remove to be worth a rewriting
WORTH_FREE = 0.1  # the same where the rewriting costs nothing, or room is needed
Changed = tuple[tuple[int, str, int], ...]

NAMES = 0.1  # of a block: what its identifiers take
CUSHION = 4  # see keeps_cacheable


def _bound(past: Past, context: Context) -> bool:
    """Whether signed reasoning stands in the conversation so far; reasoning that may be edited is not signed."""
    return context.bound and any(s.kind is Kind.REASONING and not s.editable for s in past.segments)


def compact(tools: Tools, past: Past, context: Context, *, cold: bool = False) -> Changed:
    """(segment, what is sent from now on, tokens) of each block that changes before the request that ends here.

    `cold` says that the provider's cache has expired, so that rewriting costs nothing.
    """
    if not tools.policy.epochs or _bound(past, context) or (aim := _aim(tools.policy, past, cold=cold)) is None:
        return ()
    possible = _possible(past, tools.policy)
    if aim.begin({at: past.after[at] for at in possible}) is None:  # cheap, and nearly always the end
        return ()
    looks = _looks(past)
    old = [at for at in possible if past.segments[at].kind in BLOCKS and not _asked_back(tools, past, looks, at)]
    new = _replaced(tools, past, possible, {at for at, look in looks.items() if look.failed}, old)
    shrinking = _shrinking(tools, past, looks, [at for at in old if at not in new], aim, new)
    first = aim.begin({at: past.after[at] - tokens for at, (_, tokens) in new.items()} | shrinking)
    if first is None:
        return ()
    new = {at: one for at, one in new.items() if at >= first}
    new |= _counted(tools, past, seen_before(tools, past, new, first))
    shrinking = {at: tokens for at, tokens in shrinking.items() if at >= first}
    ceiling = sum(past.after[at] - tokens for at, tokens in shrinking.items())
    new |= rewritten(tools, past, shrinking, ceiling, new)
    removed = sum(past.after[at] - tokens for at, (_, tokens) in new.items())
    if aim.worth(min(new, default=0), removed) is None:
        return ()
    return tuple((at, *new[at]) for at in sorted(new))


@dataclass(frozen=True, slots=True)
class _Aim:
    """What an epoch is held to.

    past     the conversation; `plain`: its tokens as they came; `ends`: those sent before each segment, and in all
    needed   tokens that it must remove
    low      tokens to come down to, the oldest blocks first; None: all old blocks shrink by their share
    most     tokens to come below at any price
    gains    it must be expected to pay back
    safe     no bill may grow by it, even if the session ended at once
    """

    past: Past
    plain: int
    ends: tuple[int, ...]
    needed: float
    low: int | None
    most: int
    gains: bool
    safe: bool

    def begin(self, going: Mapping[int, int]) -> int | None:
        """From which segment on to remove the tokens `going`, for the most worth; None where that is not allowed."""
        best: tuple[float, int] | None = None
        removed = 0
        for at in sorted(going, reverse=True):
            removed += going[at]
            worth = self.worth(at, removed, 0.0 if best is None else best[0])
            if worth is not None:
                best = worth, at
        return None if best is None else best[1]

    def worth(self, first: int, removed: int, least: float = 0.0) -> float | None:
        """What it is worth to remove so many tokens from segment `first` on; None where that is not allowed, or not
        worth more than `least`.
        """
        total, known = self.ends[-1], self.ends[self.past.known]
        sent, stays = total - removed, min(self.ends[first], known)
        meter = self.past.meter
        if removed <= 0 or removed < self.needed:
            return None
        worth = meter.gain(removed, max(0, known - stays - removed)) if self.gains else float(removed)
        if worth <= least or (self.safe and not meter.affords(self.plain, sent, stays)):
            return None
        if not all(keeps_cacheable(total, sent, table.least, CUSHION) for table in meter.tables):
            return None
        return worth

    def excess(self, mark: int, new: New) -> int:
        """Tokens to remove beside what is replaced, to come down to a mark."""
        return self.ends[-1] - mark - sum(self.past.after[at] - tokens for at, (_, tokens) in new.items())


def _aim(policy: Policy, past: Past, *, cold: bool) -> _Aim | None:
    """What an epoch here would be held to; None where it is not the time for one.

    Above `high_water` one happens when it has been paid for by earlier savings, halfway from there to the end of the
    window at any price: a request that does not fit is worth nothing.
    """
    plain, ends = sum(past.before), tuple(accumulate(past.after, initial=0))
    high, low = policy.high_water * policy.window, int(policy.low_water * policy.window)
    most = int(high + policy.window) // 2
    if ends[-1] > high:
        safe = not cold and ends[-1] <= most
        if not safe or past.meter.quiet % EVERY == 0:
            return _Aim(past, plain, ends, WORTH_FREE * ends[-1], low, most, gains=False, safe=safe)
    if cold:
        return _Aim(past, plain, ends, WORTH_FREE * ends[-1], None, most, gains=False, safe=False)
    if past.meter.rests():
        return None
    return _Aim(past, plain, ends, WORTH * ends[-1], None, most, gains=True, safe=True)


def _possible(past: Past, policy: Policy) -> list[int]:
    """What may go at all, as far as that shows without a look into the text."""
    spoken = max((at for at, segment in enumerate(past.segments) if segment.kind is Kind.USER), default=0)
    newest = past.segments[-1].turn if past.segments else 0
    found = []
    for at, segment in enumerate(past.segments):
        old = newest - segment.turn >= max(RECENT, policy.recent_turns)
        if segment.kind in BLOCKS:
            may = old and past.after[at] >= LEAST and _may_shrink(past, policy, at)
        elif segment.kind is Kind.IMAGE:
            may = old and segment.editable and past.texts[at] is None
        else:  # until the user speaks again, some servers want the reasoning back
            may = segment.kind is Kind.REASONING and segment.editable and at < spoken and past.after[at] > 0
        if may:
            found.append(at)
    return found


def _may_shrink(past: Past, policy: Policy, at: int) -> bool:
    segment, rule = past.segments[at], policy.rule(past.segments[at].name)
    if protection(segment, policy) is not None or rule.recall == 1.0 or past.before[at] < (rule.min_tokens or 0):
        return False
    return segment.name is None or not segment.name.endswith(RECALL_TOOL)


def _looks(past: Past) -> dict[int, Look]:
    """What the text of each result, and of the call that it answers, tells; each is read once in its life."""
    calls: dict[str | None, str] = {}
    for at, segment in enumerate(past.segments):
        if segment.kind is Kind.TOOL_CALL:
            calls[segment.pair] = segment.text
        elif segment.kind in BLOCKS and at not in past.looks:
            call = calls.get(segment.pair, "") if segment.pair is not None else ""
            failed = segment.kind is Kind.TOOL_RESULT and (segment.failed or fails(segment.text))
            past.looks[at] = Look(failed, is_view(call, segment.name), frozenset(KEY_SHAPE.findall(call)))
    return past.looks


def _asked_back(tools: Tools, past: Past, looks: Mapping[int, Look], at: int) -> bool:
    """Whether a block gives back an original, or carries a marker of ours in its own text."""
    return not looks[at].keys.isdisjoint(past.keys) or is_marked(past.segments[at].text, tools.store.get)


def _replaced(
    tools: Tools, past: Past, possible: Collection[int], failed: Collection[int], old: Collection[int]
) -> dict[int, tuple[str, int]]:
    """What goes first: reasoning, images, and answers that say no more than a later one."""
    texts = dict.fromkeys((at for at in possible if past.segments[at].kind is Kind.REASONING), "")
    texts |= stale(tools, past, max(RECENT, tools.policy.recent_turns))
    texts |= repeated(tools, past, failed, old)
    return _counted(tools, past, texts)


def _counted(tools: Tools, past: Past, texts: Mapping[int, str]) -> dict[int, tuple[str, int]]:
    """Each text with its tokens, as far as it is shorter than what was sent."""
    found = {}
    for at, text in texts.items():
        tokens = tools.counter(text) if text else 0
        image = past.segments[at].kind is Kind.IMAGE  # measured by its source already
        if tokens < past.after[at] and (image or size(text) <= size(past.text(at))):
            found[at] = text, tokens
    return found


def _shrinking(
    tools: Tools, past: Past, looks: Mapping[int, Look], old: Collection[int], aim: _Aim, new: New
) -> dict[int, int]:
    """Tokens that each old block is to lose: what is above its share, of the oldest first where there is a mark.

    A later action rather uses what came late. Where the prompt would not fit even so, little but names stays of the
    oldest.
    """
    open_ = _open(past, looks)
    going = {}
    excess = sum(past.after) if aim.low is None else aim.excess(aim.low, new)
    for at in [at for at in old if at not in open_]:
        tokens = past.after[at] - int(share_at_epoch(_observed(tools, past, looks, at), tools.policy) * past.before[at])
        if tokens >= LEAST and excess > 0:
            going[at] = tokens
            excess -= tokens
    excess = aim.excess(aim.most, new) - sum(going.values())
    for at in list(going):
        if excess > 0:
            more = past.after[at] - int(NAMES * past.before[at]) - going[at]
            going[at], excess = going[at] + more, excess - more
    return going


def _open(past: Past, looks: Mapping[int, Look]) -> set[int]:
    """Results that failed and whose tool has not succeeded since."""
    mended: set[str | None] = set()
    found: set[int] = set()
    for at in sorted(looks, reverse=True):
        name = past.segments[at].name
        if not looks[at].failed:
            if past.segments[at].kind is Kind.TOOL_RESULT:
                mended.add(name)
        elif name not in mended:
            found.add(at)
    return found


def _observed(tools: Tools, past: Past, looks: Mapping[int, Look], at: int) -> Observed:
    segment = past.segments[at]
    return Observed(
        segment.kind,
        segment.name or "",
        past.before[at],
        (),
        past.segments[-1].turn - segment.turn,
        sum(past.after) / tools.policy.window,
        looks[at].view,
    )
