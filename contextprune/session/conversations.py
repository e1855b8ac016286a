"""Arrival mode: a conversation is decided segment by segment, each once, from what precedes it (a fold over segments).

What was decided is replayed, byte for byte; only what is new is cut, counted and scored. The state is a function of
the prefix alone, so what the ledger loses comes out equal again.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from contextprune.context import BLOCKS, Context, Kind, Ref, Segment
from contextprune.errors import StoreError
from contextprune.money.payback import Meter, tables
from contextprune.prepare import Resources
from contextprune.selection.protection import least_tokens, protection
from contextprune.session.arrival import BlockPlan, decide
from contextprune.session.decided import Decided, Shown, assemble
from contextprune.session.epoch import Changed, run_epoch
from contextprune.session.identity import LASTING, Conversation, Key, Link, chain, conversation_of, seed, shared
from contextprune.session.ledger import Entry, Ledger, packed
from contextprune.session.second_chance import decide_late, second_chances, still_shorter
from contextprune.session.sent import (
    Recorded,
    block_entries,
    find_recorded,
    is_confirmed,
    named,
    placed,
    sent_texts,
    unknown_blocks,
)
from contextprune.session.state import State

MOST_STATES = 16  # conversations whose state is in memory; that of any other is built from the ledger
OVERTAKEN = 3  # times that another process may be first before a call gives up
ASIDES_COUNTED = 64  # texts beside conversations, such as system prompts, whose tokens are remembered


class _Remembered(NamedTuple):
    """A conversation as it was left, with its links, which hold under the same seed."""

    seed: str
    links: list[Link]
    state: State
    changed: Changed = ()


@dataclass(slots=True)
class _News:
    """What one call decided: entries and plans by segment, what the last epoch changed, and all of it as notes."""

    entries: dict[int, Entry] = field(default_factory=dict)
    plans: dict[int, BlockPlan | None] = field(default_factory=dict)
    changed: Changed = ()
    notes: Mapping[Key, bytes] = field(default_factory=dict)


class _Overtaken(Exception):  # noqa: N818 - says what happened
    """Another process has decided about the same segments first; its decisions count."""


class _Call(NamedTuple):
    """What a call brings besides the context: see `Conversations.decide`."""

    query: str | None
    cold: bool
    uncached: bool
    as_sent: bool
    frozen: int
    enough: Callable[[Segment], bool]


class _Terms(NamedTuple):
    """What decides about the segments that a state lacks.

    recorded  what the ledger knows of them
    foreign   segments before it of which nothing is recorded were sent as they stand
    pending   what an epoch changed, decided too late for the request before this one
    """

    call: _Call
    recorded: Recorded
    foreign: int
    pending: Changed


class Conversations:
    """Decides conversations with the same `resources`, and remembers them in `ledger`. Thread-safe.

    lasting   what was sent stays sent, whatever the settings, the scorer or the version by which it was decided
    """

    def __init__(self, resources: Resources, ledger: Ledger, *, lasting: bool = False) -> None:
        self._resources, self._ledger, self._lasting = resources, ledger, lasting
        self._remembered: OrderedDict[Link, _Remembered] = OrderedDict()
        self._pending: OrderedDict[Link, Sequence[tuple[Key, str, int]]] = OrderedDict()
        self._aside_tokens: OrderedDict[str, int] = OrderedDict()
        self._lock = threading.Lock()
        names = resources.scorer.name, resources.counter.name
        markers = f"{resources.recallable}" if resources.hints else "without hints"
        markers += "" if resources.references else ", each by itself"
        self._seed = LASTING if lasting else seed(resources.policy, *names, markers)

    def decide(
        self,
        context: Context,
        query: str | None,
        *,
        cold: bool = False,
        uncached: bool = False,
        as_sent: bool = False,
        frozen: int = 0,
        enough: Callable[[Segment], bool] | None = None,
    ) -> Decided:
        """Decide what is new, replay the rest. Raises StoreError where an original cannot be kept.

        `cold` says that the provider's cache has expired: what that brings about is remembered with the last request.
        `uncached` says that the request before this one never reached the provider's cache.
        `as_sent` says that earlier requests of which nothing is recorded were sent as they stand: they stay so.
        `frozen` counts the first segments, of which the provider has cached what was sent: of those, too, what is not
        recorded stands, and no epoch begins in this call.
        `enough` is asked before each segment of which nothing is recorded; where it says so, that one stands as it is.
        What it raises goes through, and nothing new is remembered.
        """
        call = _Call(query, cold, uncached, as_sent, frozen, enough or (lambda _: False))
        call = call._replace(cold=cold and self._decided_last(context, query))

        for _ in range(OVERTAKEN):
            with suppress(_Overtaken):
                return self._decide(context, call)
        raise StoreError("other processes decide about this conversation, again and again; the next request may do")

    def _decide(self, context: Context, call: _Call) -> Decided:
        """Decide what is new. Raises _Overtaken where another process was first."""
        conversation, own_seed = conversation_of(context), self._seed_of(call.query)

        # The longest beginning whose state is in memory, and what the ledger knows beyond it.
        aside_tokens = self._count_asides(context, conversation)
        links, state = self._begin(own_seed, context, conversation)
        state.asides = conversation.before_each(aside_tokens)
        start = len(state.texts)
        recorded = find_recorded(self._ledger, conversation, links, start, reuse=self._lasting and call.as_sent)

        foreign = max(conversation.sent if call.as_sent else 0, bisect_left(conversation.positions, call.frozen))
        pending = placed(self._pending_of(links, conversation), links, conversation.segments)
        news = self._advance(state, context, conversation, links, _Terms(call, recorded, foreign, pending))
        self._keep(conversation, links, state, news, start, recorded)
        unknown = unknown_blocks(conversation, recorded, range(start, foreign))
        shown = Shown(start, news.plans, news.changed, aside_tokens, news.notes, unknown)
        result = assemble(context, conversation, state, self._resources.policy, shown)
        if links:  # last of all: from here on another thread may go on with it
            self._remember(_Remembered(own_seed, links, state, news.changed))
        return result

    def _advance(
        self,
        state: State,
        context: Context,
        conversation: Conversation,
        links: Sequence[Link],
        terms: _Terms,
    ) -> _News:
        """Add the segments that the state lacks: recorded ones as they were decided, new ones decided now.

        Where a request ends, an epoch may be due.
        """
        news = _News()
        segments, ends = conversation.segments, frozenset(conversation.ends)
        for i in range(len(state.texts), len(segments)):
            entry, block = self._entry(state, conversation, i, terms)
            if i not in terms.recorded.entries:
                news.entries[i], news.plans[i] = entry, block
            state.add(segments[i], entry, block.spans if block else ())

            if i + 1 in ends:
                last = i + 1 == len(segments)
                if entry.changed is None:
                    news.changed = self._changes(state, context, terms, last=last)
                    news.entries[i] = replace(entry, changed=named(news.changed, links, segments))
                else:
                    news.changed = placed(entry.changed, links, segments[: i + 1])
                state.end(news.changed)
        return news

    def _entry(
        self, state: State, conversation: Conversation, at: int, terms: _Terms
    ) -> tuple[Entry, BlockPlan | None]:
        """What is sent of a segment: as before where that is recorded, as it stands where it must, else decided now."""
        segment, entries, reused = conversation.segments[at], terms.recorded.entries, terms.recorded.reused
        if at in entries:
            return self._counted(entries[at], segment), None
        if at in reused:
            return replace(reused[at], changed=()), None
        if segment.kind is Kind.REASONING or at < terms.foreign:
            return self._unchanged(segment), None
        if segment.kind in BLOCKS and len(segment.text) > least_tokens(segment, self._resources.policy):
            state.prepare(lambda: False)  # before the time is asked for, which is then the block's own
        if terms.call.enough(segment):
            return self._unchanged(segment, late=True), None
        return decide(self._resources, state, conversation.segments, at, terms.call.query)

    def _changes(self, state: State, context: Context, terms: _Terms, *, last: bool) -> Changed:
        """What an epoch changes before the request that ends here is sent, and late blocks that get their chance."""
        pending = still_shorter(state, terms.pending) if last else ()
        if terms.call.frozen:
            return ()
        if pending:
            return pending
        call = terms.call
        cold = call.cold and last
        changed = run_epoch(self._resources, state, context, cold=cold)
        if not last or (changed and not cold):
            return changed

        free = len(state.texts) if cold else state.sent if call.uncached else 0
        chances = second_chances(self._resources, state, context, call.query, free=free, enough=call.enough)
        changes = {at: (text, tokens) for at, text, tokens in (*chances, *changed)}
        return tuple((at, *changes[at]) for at in sorted(changes))

    def replay(self, context: Context, query: str | None = None) -> dict[Ref, str]:
        """The new texts that earlier requests sent, by ref; nothing is decided, and nothing new remembered.

        Where the ledger's notes cannot be read, those that are in memory.
        """
        conversation, own_seed = conversation_of(context), self._seed_of(query)
        links = chain(conversation.segments, own_seed)
        recorded = find_recorded(self._ledger, conversation, links, reuse=self._lasting, in_memory=True)
        texts = sent_texts(conversation, links, recorded)
        return {s.ref: text for s, text in zip(conversation.segments, texts, strict=True) if text is not None}

    def sent_unchanged(self, context: Context, query: str | None = None, *, whole: bool = False) -> None:
        """Remember that what is new in `context` was sent as it stands, whatever was decided about it.

        What earlier requests sent is left as the ledger knows it; `whole`: all of it was sent as it stands.
        Raises StoreError where that cannot be kept.
        """
        conversation, own_seed = conversation_of(context), self._seed_of(query)
        segments, links = conversation.segments, chain(conversation.segments, own_seed)
        recorded = Recorded({}, 0) if whole else find_recorded(self._ledger, conversation, links, reuse=self._lasting)
        first = min(recorded.size, 0 if whole else conversation.sent)

        fresh: dict[Key, Entry] = {}
        for at in range(first, len(segments)):
            entry = recorded.reused.get(at) or self._unchanged(segments[at], late=not whole and at >= conversation.sent)
            fresh[links[at]] = replace(entry, changed=())
        self._forget(links, first)
        self._ledger.keep(fresh)

    def forget(self, context: Context, query: str | None = None) -> None:
        """Drop from memory the decisions about what is new in a context; the ledger's notes say what was sent of it."""
        conversation = conversation_of(context)
        links = chain(conversation.segments, self._seed_of(query))
        self._forget(links, conversation.sent)
        self._ledger.forget(links[conversation.sent :])

    def prepare_next(self, context: Context, query: str | None = None, *, enough: Callable[[], bool]) -> None:
        """Make ready, until `enough`, what deciding the next block of a conversation needs, where its state is kept.

        Blocks that were late are decided as well, for the case that they may yet be shortened.
        """
        conversation, own_seed = conversation_of(context), self._seed_of(query)
        links, state = self._resume(own_seed, conversation)
        if state is None:
            return
        state.prepare(enough)
        for at in [at for at, entry in state.late.items() if entry is None]:
            if enough():
                break
            state.late[at] = decide_late(self._resources, state, at, query)
        self._remember(_Remembered(own_seed, links[: len(state.texts)], state))

    def _decided_last(self, context: Context, query: str | None) -> bool:
        """Tell whether nobody else has decided the last request: another process may have kept the cache warm."""
        conversation = conversation_of(context)
        if not self._lasting or not conversation.sent:
            return True
        return self._ledger.holds(chain(conversation.segments[: conversation.sent], self._seed_of(query))[-1])

    def _seed_of(self, query: str | None) -> str:
        return self._seed if query is None else f"{self._seed}\0{query}"

    def _unchanged(self, segment: Segment, *, late: bool = False) -> Entry:
        """The entry of a segment that was sent as it stands, and after which nothing was decided anew."""
        tokens = segment.cost if segment.cost is not None else self._resources.counter(segment.text)
        policy = self._resources.policy
        late = late and segment.kind in BLOCKS and tokens >= least_tokens(segment, policy)
        return Entry(None, tokens, tokens, (), late and protection(segment, policy) is None)

    def _counted(self, entry: Entry, segment: Segment) -> Entry:
        """An entry with the tokens of its segment, where it was made without a counter or for another model."""
        if entry.text is not None or (segment.cost is None and entry.before >= 0):
            return entry
        unchanged = self._unchanged(segment, late=entry.late)
        return replace(unchanged, changed=entry.changed)

    def _begin(self, own_seed: str, context: Context, conversation: Conversation) -> tuple[list[Link], State]:
        """The link of each segment, and the state to go on from: a new one where none is in memory."""
        links, state = self._resume(own_seed, conversation)
        policy = self._resources.policy
        prices = tables(context.model, policy.prices, policy.tariffs)
        if state is None or not is_confirmed(self._ledger, conversation, links[: len(state.texts)]):
            state = State(Meter(prices))
        elif state.meter.tables != prices:  # another model
            state.meter.reprice(prices)
        state.renew(conversation.segments[: len(state.texts)])
        return links, state

    def _count_asides(self, context: Context, conversation: Conversation) -> dict[int, int]:
        """Tokens of what is no part of the conversation, by position; each text is counted once."""
        counts = {}
        for position in conversation.asides:
            text = context.segments[position].text
            with self._lock:
                tokens = self._aside_tokens.pop(text, None)
            tokens = self._resources.counter(text) if tokens is None else tokens
            with self._lock:
                self._aside_tokens[text] = counts[position] = tokens
                while len(self._aside_tokens) > ASIDES_COUNTED:
                    self._aside_tokens.popitem(last=False)
        return counts

    def _resume(self, own_seed: str, conversation: Conversation) -> tuple[list[Link], State | None]:
        """The link of each segment, and the state after the longest beginning that is in memory, taken out of it.

        Segments are compared with those in memory, since a long history is hashed far more slowly.
        """
        segments = conversation.segments
        links: list[Link] = []
        longest: _Remembered | None = None

        with self._lock:
            for remembered in self._remembered.values():
                if remembered.seed != own_seed:
                    continue
                size = len(remembered.links)
                common = shared(remembered.state.segments, segments)
                if common > len(links):
                    links = remembered.links[:common]
                fits = common == size and remembered.state.ended == (size in conversation.ends)
                if fits and (not longest or size > len(longest.links)):
                    longest = remembered

            if longest is not None:
                del self._remembered[longest.links[-1]]
        return chain(segments[len(links) :], own_seed, links), longest and longest.state

    def _remember(self, conversation: _Remembered) -> None:
        with self._lock:
            self._remembered[conversation.links[-1]] = conversation
            while len(self._remembered) > MOST_STATES:
                self._remembered.popitem(last=False)

    def _forget(self, links: Sequence[Link], first: int) -> None:
        """Drop the states that hold segment `first`; what an epoch changed in them waits for the next request."""
        with self._lock:
            for remembered in list(self._remembered.values()):
                if remembered.links[first : first + 1] != links[first : first + 1] or first >= len(links):
                    continue
                del self._remembered[remembered.links[-1]]
                if remembered.changed and remembered.links == links:
                    self._pending[links[-1]] = named(remembered.changed, links, remembered.state.segments)
            while len(self._pending) > MOST_STATES:
                self._pending.popitem(last=False)

    def _pending_of(self, links: Sequence[Link], conversation: Conversation) -> Sequence[tuple[Key, str, int]]:
        """What an epoch changed that was decided too late for the request before this one."""
        with self._lock:
            return self._pending.pop(links[conversation.sent - 1], ()) if conversation.sent else ()

    def _keep(
        self,
        conversation: Conversation,
        links: Sequence[Link],
        state: State,
        news: _News,
        start: int,
        recorded: Recorded,
    ) -> None:
        """Keep originals first, then the decisions that name them. What is replayed anew counts as used again."""
        segments, store = conversation.segments, self._resources.store
        fresh = {at: entry for at, entry in news.entries.items() if segments[at].kind is not Kind.REASONING}
        if self._resources.recallable:
            shortened = [at for at, text in enumerate(state.texts) if text is not None]
            kept = [at for at in shortened if at >= start or at in state.rewritten]
            originals = [segments[at].source or segments[at].text for at in kept]
            store.put({store.key(original): original for original in originals if original})

        again = {links[at]: entry for at, entry in fresh.items() if at in recorded.entries}
        self._ledger.keep(again | (block_entries(conversation, links, fresh) if self._lasting else {}))
        new = {links[at]: entry for at, entry in fresh.items() if at not in recorded.entries}
        if not self._ledger.keep_first(new):
            raise _Overtaken
        news.notes = {key: packed(entry) for key, entry in (again | new).items()}
