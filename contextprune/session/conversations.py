"""Arrival mode: what is sent of a conversation is a fold over its segments, each decided once from what precedes it.

What was decided is replayed, byte for byte; only what is new is cut, counted and scored. The state is a function of
the prefix alone, so what the ledger loses comes out equal again.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from contextprune.context import Context, Ref, Segment, Span, Syntax, Unit
from contextprune.money.payback import Meter, tables
from contextprune.plan import Action, Decision, Plan
from contextprune.policy import Policy
from contextprune.selection import protection
from contextprune.session.arrival import Part, Tools, decide
from contextprune.session.epoch import compact
from contextprune.session.ledger import Key, Ledger, Record, alike, chain, seed
from contextprune.session.requests import boundaries
from contextprune.session.state import Past

_NEW, _SENT = "no shorter as a marker", "as it was sent before"
HELD = 16  # conversations whose state is held; that of any other is built from the ledger


@dataclass(frozen=True, slots=True)
class Folded:
    """New text by ref, the plan, tokens by segment before and after, and whether the last request began an epoch."""

    edits: Mapping[Ref, str]
    plan: Plan
    sizes: tuple[tuple[int, int], ...]
    epoch: bool


class _Held(NamedTuple):
    """A conversation as it was left, with the keys of its segments, which hold under the same seed."""

    seed: str
    keys: list[Key]
    past: Past


class Fold:
    """Decides conversations with the same `tools`, and remembers them in `ledger`. Thread-safe."""

    def __init__(self, tools: Tools, ledger: Ledger) -> None:
        self._tools, self._ledger = tools, ledger
        self._held: OrderedDict[Key, _Held] = OrderedDict()
        self._lock = threading.Lock()
        said = f"{tools.recallable}" if tools.hints else "without hints"
        self._seed = seed(tools.policy, tools.scorer.name, tools.counter.name, said)

    def __call__(
        self,
        context: Context,
        query: str | None,
        *,
        cold: bool = False,
        as_sent: bool = False,
        enough: Callable[[Segment], bool] | None = None,
    ) -> Folded:
        """Decide what is new, replay the rest. Raises StoreError where an original cannot be kept.

        `cold` says that the provider's cache has expired. It is no part of a key: what it brings about is remembered
        with the last request, and nothing that is decided anew without it comes out as with it.
        `as_sent` says that earlier requests of which nothing is known were sent as they stand: they stay so.
        `enough` is asked before each segment of which nothing is known; where it says so, that one stands as it is.
        What it raises goes through, and nothing new is remembered.
        """
        segments = context.segments
        own = self._own(context, query)
        ends = frozenset(boundaries(context))
        sent = max((end for end in ends if end < len(segments)), default=0) if as_sent else 0
        keys, past = self._resume(own, segments, ends)
        policy = self._tools.policy
        past = past or Past(self._tools.split, Meter(tables(context.model, policy.prices, policy.tariffs)))
        start = len(past.texts)
        past.segments[:] = segments[:start]  # the same texts; breakpoints of the cache may have moved on
        known = self._ledger.known(keys[start:])
        fresh: dict[Key, Record] = {}
        parts: dict[int, Part] = {}
        epoch = False
        for i in range(start, len(keys)):
            record = known[i - start] if i - start < len(known) else None
            if record is None and ((enough is not None and enough(segments[i])) or i < sent):
                record = fresh[keys[i]] = self._standing(segments[i])
            elif record is None:
                record, part = decide(self._tools, past, segments, i, query)
                fresh[keys[i]] = record
                if part is not None:
                    parts[i] = part
            past.add(segments[i], record, parts[i].spans if i in parts else ())
            if i + 1 in ends:
                changed = record.past
                if changed is None:
                    changed = compact(self._tools, past, context, cold=cold and i + 1 == len(keys))
                    fresh[keys[i]] = replace(record, past=changed)
                epoch = bool(changed)
                past.end(changed)
        self._keep(past, fresh, start)
        done = _folded(context, past, start, parts, self._tools.policy, epoch=epoch)
        if keys:  # last of all: from here on another thread may go on with it
            self._hold(_Held(own, keys, past))
        return done

    def replay(self, context: Context, query: str | None = None) -> dict[Ref, str]:
        """The new texts that earlier requests sent, by ref; nothing is decided, and nothing new remembered.

        Where the ledger's notes cannot be read, those that are in memory.
        """
        segments = context.segments
        texts: list[str | None] = []
        for record in self._ledger.known(chain(segments, self._own(context, query)), at_hand=True):
            texts.append(record.text)
            for at, text, _ in record.past or ():
                texts[at] = text
        return {segment.ref: text for segment, text in zip(segments, texts, strict=False) if text is not None}

    def passed(self, context: Context, query: str | None = None, *, whole: bool = False) -> None:
        """Remember that what is new in `context` was sent as it stands, whatever was decided about it.

        What earlier requests sent is left as the ledger knows it; `whole`: all of it was sent as it stands.
        Raises StoreError where that cannot be kept.
        """
        segments, own = context.segments, self._own(context, query)
        keys = chain(segments, own)
        last = 0 if whole else max((end for end in boundaries(context) if end < len(segments)), default=0)
        first = min(last, len(self._ledger.known(keys)))
        fresh = {key: self._standing(s) for key, s in zip(keys[first:], segments[first:], strict=True)}
        with self._lock:
            for held in list(self._held.values()):
                if held.keys[first : first + 1] == keys[first : first + 1] != []:
                    del self._held[held.keys[-1]]
        self._ledger.keep(fresh)

    def prime(self, context: Context, query: str | None = None, *, enough: Callable[[], bool]) -> None:
        """Make ready, until `enough`, what deciding the next block of a conversation needs, where its state is held."""
        own = self._own(context, query)
        keys, past = self._resume(own, context.segments, frozenset(boundaries(context)))
        if past is not None:
            past.prepare(enough)
            self._hold(_Held(own, keys[: len(past.texts)], past))

    def _own(self, context: Context, query: str | None) -> str:
        return f"{self._seed}\0{context.model}\0{query!r}"

    def _standing(self, segment: Segment) -> Record:
        """The record of a segment that was sent as it stands, and after which nothing was decided anew."""
        tokens = segment.cost if segment.cost is not None else self._tools.counter(segment.text)
        return Record(None, tokens, tokens, ())

    def _resume(self, own: str, segments: Sequence[Segment], ends: frozenset[int]) -> tuple[list[Key], Past | None]:
        """The key of each segment, and the state after the longest beginning that is held, taken out of what is held.

        Segments are compared with those of what is held, since a long history is hashed far more slowly.
        """
        known: list[Key] = []
        found: _Held | None = None
        with self._lock:
            for held in self._held.values():
                if held.seed != own:
                    continue
                size = len(held.keys)
                same = _common(held.past.segments, segments)
                if same > len(known):
                    known = held.keys[:same]
                if same == size and held.past.ended == (size in ends) and (not found or size > len(found.keys)):
                    found = held
            if found is not None:
                del self._held[found.keys[-1]]
        return chain(segments[len(known) :], own, known), found and found.past

    def _hold(self, held: _Held) -> None:
        with self._lock:
            self._held[held.keys[-1]] = held
            while len(self._held) > HELD:
                self._held.popitem(last=False)

    def _keep(self, past: Past, fresh: Mapping[Key, Record], start: int) -> None:
        """Originals first, then the decisions that name them. What is replayed anew counts as used again."""
        store = self._tools.store
        if self._tools.recallable:
            changed = {at for record in fresh.values() for at, _, _ in record.past or ()}
            changed.update(at for at in range(start, len(past.texts)) if past.texts[at] is not None)
            originals = [past.segments[at].source or past.segments[at].text for at in sorted(changed)]
            store.put({store.key(original): original for original in originals if original})
        self._ledger.keep(fresh)


def _folded(
    context: Context, past: Past, start: int, parts: Mapping[int, Part], policy: Policy, *, epoch: bool
) -> Folded:
    edits = {s.ref: text for s, text in zip(context.segments, past.texts, strict=True) if text is not None}
    sizes = tuple(zip(past.before, past.after, strict=True))
    return Folded(edits, _plan(context, past, start, parts, policy), sizes, epoch)


def _plan(context: Context, past: Past, start: int, parts: Mapping[int, Part], policy: Policy) -> Plan:
    """What was decided in this call span by span; of every other segment one span."""
    spans: list[Span] = []
    decisions: list[Decision] = []
    firsts: list[int] = []
    for i, segment in enumerate(context.segments):
        base = len(spans)
        firsts.append(base)
        part = parts.get(i)
        if part is not None and past.texts[i] is not None:
            spans += [
                replace(span, segment=i, anchors=tuple(anchor + base for anchor in span.anchors)) for span in part.spans
            ]
            decisions += [
                decision if source is None else replace(decision, into=firsts[source])
                for decision, source in zip(part.decisions, part.standing, strict=True)
            ]
        elif segment.text:
            span, decision = (
                _whole(past, i, segment, policy) if i < start else _standing(past, i, segment, policy, _NEW)
            )
            spans.append(span)
            decisions.append(decision)
    return Plan(context, tuple(spans), tuple(decisions))


def _whole(past: Past, at: int, segment: Segment, policy: Policy) -> tuple[Span, Decision]:
    """What the plan says of a segment that is replayed: as the call before said it, if nothing about it is new."""
    if at in past.told:
        editable, span, decision = past.told[at]
        if span.text is segment.text and decision.cost == past.after[at] and editable is segment.editable:
            return span, decision
    span, decision = _standing(past, at, segment, policy, _SENT)
    past.told[at] = segment.editable, span, decision
    return span, decision


def _standing(past: Past, at: int, segment: Segment, policy: Policy, reason: str) -> tuple[Span, Decision]:
    syntax = Syntax.LINES if "\n" in segment.text else Syntax.PROSE
    span = Span(at, 0, len(segment.text), Unit.WHOLE, segment.text, syntax)
    return span, Decision(Action.KEEP, 1.0, past.after[at], protection(segment, policy) or reason)


def _common(one: Sequence[Segment], other: Sequence[Segment]) -> int:
    """How many segments from the first on a ledger cannot tell apart."""
    return next(
        (i for i, (a, b) in enumerate(zip(one, other, strict=False)) if not alike(a, b)), min(len(one), len(other))
    )
