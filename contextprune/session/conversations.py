"""Arrival mode: a conversation is decided segment by segment, each once, from what precedes it (a fold over segments).

What was decided is replayed, byte for byte; only what is new is cut, counted and scored. The state is a function of
the prefix alone, so what the ledger loses comes out equal again.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from contextprune.context import Context, Ref, Segment, Span, Syntax, Unit, rebased
from contextprune.money.payback import Meter, tables
from contextprune.plan import Action, Decision, Plan
from contextprune.policy import Policy
from contextprune.prepare import Resources
from contextprune.selection.protection import protection
from contextprune.session.arrival import BlockPlan, decide
from contextprune.session.epoch import Changed, run_epoch
from contextprune.session.ledger import Entry, Key, Ledger, alike, chain, seed
from contextprune.session.requests import boundaries
from contextprune.session.state import State

_NEW, _SENT = "no shorter as a marker", "as it was sent before"
AT_EPOCH = "as an epoch left it"
"""Reason for what is sent of a block that an epoch changed."""
MOST_STATES = 16  # conversations whose state is in memory; that of any other is built from the ledger


@dataclass(frozen=True, slots=True)
class Decided:
    """What is sent of a conversation.

    edits       new text by ref
    plan        what was decided in this call span by span; of every other segment one span
    sizes       tokens of each segment, before and after
    epoch       whether the last request began an epoch
    rewritten   the first segment that this epoch changed, where the context ends with that request
    """

    edits: Mapping[Ref, str]
    plan: Plan
    sizes: tuple[tuple[int, int], ...]
    epoch: bool = False
    rewritten: int | None = None


class _Remembered(NamedTuple):
    """A conversation as it was left, with the keys of its segments, which hold under the same seed."""

    seed: str
    keys: list[Key]
    state: State


@dataclass(slots=True)
class _News:
    """What one call decided: entries and plans by segment, and what the last epoch changed."""

    entries: dict[int, Entry]
    plans: dict[int, BlockPlan | None]
    changed: Changed = ()


class Conversations:
    """Decides conversations with the same `resources`, and remembers them in `ledger`. Thread-safe."""

    def __init__(self, resources: Resources, ledger: Ledger) -> None:
        self._resources, self._ledger = resources, ledger
        self._remembered: OrderedDict[Key, _Remembered] = OrderedDict()
        self._lock = threading.Lock()
        markers = f"{resources.recallable}" if resources.hints else "without hints"
        self._seed = seed(resources.policy, resources.scorer.name, resources.counter.name, markers)

    def decide(
        self,
        context: Context,
        query: str | None,
        *,
        cold: bool = False,
        as_sent: bool = False,
        frozen: int = 0,
        enough: Callable[[Segment], bool] | None = None,
    ) -> Decided:
        """Decide what is new, replay the rest. Raises StoreError where an original cannot be kept.

        `cold` says that the provider's cache has expired. It is no part of a key: what it brings about is remembered
        with the last request, and nothing that is decided anew without it comes out as with it.
        `as_sent` says that earlier requests of which nothing is known were sent as they stand: they stay so.
        `frozen` counts the first segments, of which the provider has cached what was sent: of those, too, what is not
        known stands, and no epoch begins in this call.
        `enough` is asked before each segment of which nothing is known; where it says so, that one stands as it is.
        What it raises goes through, and nothing new is remembered.
        """
        segments = context.segments
        own_seed = self._seed_of(context, query)
        ends = frozenset(boundaries(context))
        sent = max(_sent_before(ends, len(segments)) if as_sent else 0, frozen)

        # The longest beginning whose state is in memory, and what the ledger knows beyond it.
        keys, state = self._begin(own_seed, context, ends)
        start = len(state.texts)
        known = dict(enumerate(self._ledger.find(keys[start:]), start))

        def stands(at: int) -> bool:
            return (enough is not None and enough(segments[at])) or at < sent

        news = self._advance(state, context, ends, known, stands, query, cold=cold, epochs=not frozen)
        self._keep(state, {keys[at]: entry for at, entry in news.entries.items()}, start)
        plan = _plan(context, state, start, news.plans, self._resources.policy)
        decided = _decided(context, state, plan, news.changed, ended=len(segments) in ends)
        if keys:  # last of all: from here on another thread may go on with it
            self._remember(_Remembered(own_seed, keys, state))
        return decided

    def _advance(
        self,
        state: State,
        context: Context,
        ends: Collection[int],
        known: Mapping[int, Entry],
        stands: Callable[[int], bool],
        query: str | None,
        *,
        cold: bool,
        epochs: bool,
    ) -> _News:
        """Add the segments that the state lacks: `known` ones as they were decided, new ones decided now.

        Where a request ends, an epoch may be due, with `epochs`. A new segment of which `stands` says so is left.
        """
        news = _News({}, {})
        segments = context.segments
        for i in range(len(state.texts), len(segments)):
            block: BlockPlan | None = None
            if i in known:
                entry = known[i]
            elif stands(i):
                entry = news.entries[i] = self._unchanged(segments[i])
            else:
                entry, block = decide(self._resources, state, segments, i, query)
                news.entries[i], news.plans[i] = entry, block
            state.add(segments[i], entry, block.spans if block else ())

            if i + 1 in ends:
                if entry.changed is None:
                    changed: Changed = ()
                    if epochs:
                        changed = run_epoch(self._resources, state, context, cold=cold and i + 1 == len(segments))
                    entry = news.entries[i] = replace(entry, changed=changed)
                news.changed = entry.changed or ()
                state.end(news.changed)
        return news

    def replay(self, context: Context, query: str | None = None) -> dict[Ref, str]:
        """The new texts that earlier requests sent, by ref; nothing is decided, and nothing new remembered.

        Where the ledger's notes cannot be read, those that are in memory.
        """
        segments = context.segments
        texts: list[str | None] = []
        for entry in self._ledger.find(chain(segments, self._seed_of(context, query)), in_memory=True):
            texts.append(entry.text)
            for at, text, _ in entry.changed or ():
                texts[at] = text
        return {segment.ref: text for segment, text in zip(segments, texts, strict=False) if text is not None}

    def sent_unchanged(self, context: Context, query: str | None = None, *, whole: bool = False) -> None:
        """Remember that what is new in `context` was sent as it stands, whatever was decided about it.

        What earlier requests sent is left as the ledger knows it; `whole`: all of it was sent as it stands.
        Raises StoreError where that cannot be kept.
        """
        segments, own_seed = context.segments, self._seed_of(context, query)
        keys = chain(segments, own_seed)
        last = 0 if whole else max((end for end in boundaries(context) if end < len(segments)), default=0)
        first = min(last, len(self._ledger.find(keys)))
        fresh = {key: self._unchanged(s) for key, s in zip(keys[first:], segments[first:], strict=True)}
        with self._lock:
            for remembered in list(self._remembered.values()):
                if remembered.keys[first : first + 1] == keys[first : first + 1] != []:
                    del self._remembered[remembered.keys[-1]]
        self._ledger.keep(fresh)

    def prepare_next(self, context: Context, query: str | None = None, *, enough: Callable[[], bool]) -> None:
        """Make ready, until `enough`, what deciding the next block of a conversation needs, where its state is kept."""
        own_seed = self._seed_of(context, query)
        keys, state = self._resume(own_seed, context.segments, frozenset(boundaries(context)))
        if state is not None:
            state.prepare(enough)
            self._remember(_Remembered(own_seed, keys[: len(state.texts)], state))

    def _seed_of(self, context: Context, query: str | None) -> str:
        return f"{self._seed}\0{context.model}\0{query!r}"

    def _unchanged(self, segment: Segment) -> Entry:
        """The entry of a segment that was sent as it stands, and after which nothing was decided anew."""
        tokens = segment.cost if segment.cost is not None else self._resources.counter(segment.text)
        return Entry(None, tokens, tokens, ())

    def _begin(self, own_seed: str, context: Context, ends: frozenset[int]) -> tuple[list[Key], State]:
        """The key of each segment, and the state to go on from: a new one where none is in memory."""
        keys, state = self._resume(own_seed, context.segments, ends)
        if state is None:
            policy = self._resources.policy
            return keys, State(Meter(tables(context.model, policy.prices, policy.tariffs)))
        state.segments[:] = context.segments[: len(state.texts)]  # the same texts; breakpoints may have moved on
        return keys, state

    def _resume(
        self, own_seed: str, segments: Sequence[Segment], ends: frozenset[int]
    ) -> tuple[list[Key], State | None]:
        """The key of each segment, and the state after the longest beginning that is in memory, taken out of it.

        Segments are compared with those in memory, since a long history is hashed far more slowly.
        """
        keys: list[Key] = []
        longest: _Remembered | None = None

        with self._lock:
            for remembered in self._remembered.values():
                if remembered.seed != own_seed:
                    continue
                size = len(remembered.keys)
                common = _common(remembered.state.segments, segments)
                if common > len(keys):
                    keys = remembered.keys[:common]
                fits = common == size and remembered.state.ended == (size in ends)
                if fits and (not longest or size > len(longest.keys)):
                    longest = remembered

            if longest is not None:
                del self._remembered[longest.keys[-1]]
        return chain(segments[len(keys) :], own_seed, keys), longest and longest.state

    def _remember(self, conversation: _Remembered) -> None:
        with self._lock:
            self._remembered[conversation.keys[-1]] = conversation
            while len(self._remembered) > MOST_STATES:
                self._remembered.popitem(last=False)

    def _keep(self, state: State, fresh: Mapping[Key, Entry], start: int) -> None:
        """Keep originals first, then the decisions that name them. What is replayed anew counts as used again."""
        store = self._resources.store
        if self._resources.recallable:
            changed = {at for entry in fresh.values() for at, _, _ in entry.changed or ()}
            changed.update(at for at in range(start, len(state.texts)) if state.texts[at] is not None)
            originals = [state.segments[at].source or state.segments[at].text for at in sorted(changed)]
            store.put({store.key(original): original for original in originals if original})
        self._ledger.keep(fresh)


def _sent_before(ends: Collection[int], length: int) -> int:
    """How many of so many segments an earlier request sent, of those that end at `ends`."""
    return max((end for end in ends if end < length), default=0)


def _decided(context: Context, state: State, plan: Plan, changed: Changed, *, ended: bool) -> Decided:
    """What is sent, after an epoch `changed` these segments; `ended`: a request ends with the context."""
    rewritten = min((at for at, _, _ in changed), default=None) if ended else None
    edits = {s.ref: text for s, text in zip(context.segments, state.texts, strict=True) if text is not None}
    sizes = tuple(zip(state.before, state.after, strict=True))
    return Decided(edits, plan, sizes, bool(changed), rewritten)


def _plan(context: Context, state: State, start: int, plans: Mapping[int, BlockPlan | None], policy: Policy) -> Plan:
    """What was decided in this call span by span; of every other segment one span."""
    spans: list[Span] = []
    decisions: list[Decision] = []
    firsts: list[int] = []
    for i, segment in enumerate(context.segments):
        first = len(spans)
        firsts.append(first)
        block = plans.get(i)
        if block is not None and state.texts[i] is not None:
            spans += rebased(block.spans, i - block.spans[0].segment, first)
            decisions += [
                replace(decision, into=firsts[block.shown_before[k]]) if decision.action is Action.MERGE else decision
                for k, decision in enumerate(block.decisions)
            ]
        elif segment.text:
            span, decision = _whole(state, i, segment, policy, replayed=i < start)
            spans.append(span)
            decisions.append(decision)
    return Plan(context, tuple(spans), tuple(decisions))


def _whole(state: State, at: int, segment: Segment, policy: Policy, *, replayed: bool) -> tuple[Span, Decision]:
    """A segment as one span that is kept: as the call before said it, if it is replayed and nothing about it is new."""
    if replayed and at in state.replayed:
        editable, span, decision = state.replayed[at]
        if span.text is segment.text and decision.cost == state.after[at] and editable is segment.editable:
            return span, decision

    syntax = Syntax.LINES if "\n" in segment.text else Syntax.PROSE
    span = Span(at, 0, len(segment.text), Unit.WHOLE, segment.text, syntax)
    reason = _reason(state, at, segment, policy, replayed=replayed)
    decision = Decision(Action.KEEP, 1.0, state.after[at], reason)
    if replayed:
        state.replayed[at] = segment.editable, span, decision
    return span, decision


def _reason(state: State, at: int, segment: Segment, policy: Policy, *, replayed: bool) -> str:
    """The reason why a segment is sent as it is; an epoch is named whoever went on from it."""
    if at in state.rewritten:
        return AT_EPOCH
    return protection(segment, policy) or (_SENT if replayed else _NEW)


def _common(before: Sequence[Segment], now: Sequence[Segment]) -> int:
    """How many segments from the first on a ledger cannot tell apart."""
    return next(
        (i for i, (a, b) in enumerate(zip(before, now, strict=False)) if not alike(a, b)), min(len(before), len(now))
    )
