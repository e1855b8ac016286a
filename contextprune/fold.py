"""Arrival mode: what is sent of a conversation is a fold over its segments, each decided once from what precedes it.

What was decided is replayed, byte for byte; only what is new is cut, counted and scored. The state is a function of
the prefix alone, so what the ledger loses comes out equal again.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from contextprune.arrival import Part, Tools, decide
from contextprune.compaction import compact
from contextprune.context import Context, Ref, Segment, Span, Syntax, Unit
from contextprune.ledger import Key, Ledger, Record, chain
from contextprune.past import Past
from contextprune.plan import Action, Decision, Plan
from contextprune.policy import Policy
from contextprune.replay import boundaries
from contextprune.selection import Meter, protection, tables

HELD = 16  # conversations whose state is held; that of any other is built from the ledger


@dataclass(frozen=True, slots=True)
class Folded:
    """New text by ref, the plan, tokens by segment before and after, and whether the last request began an epoch."""

    edits: Mapping[Ref, str]
    plan: Plan
    sizes: tuple[tuple[int, int], ...]
    epoch: bool


class Fold:
    """Decides conversations with the same `tools`, and remembers them in `ledger`. Thread-safe."""

    def __init__(self, tools: Tools, ledger: Ledger) -> None:
        self._tools, self._ledger = tools, ledger
        self._held: OrderedDict[Key, Past] = OrderedDict()
        self._lock = threading.Lock()
        name = tools.scorer.name, tools.counter.name, str(tools.recallable)
        self._seed = "\0".join((repr(tools.policy), *name))

    def __call__(self, context: Context, query: str | None) -> Folded:
        """Decide what is new, replay the rest. Raises StoreError where an original cannot be kept."""
        segments = context.segments
        keys = chain(segments, f"{self._seed}\0{context.model}\0{context.bound}\0{query!r}")
        ends = frozenset(boundaries(context))
        past = self._resume(keys, ends, context.model)
        start = len(past.texts)
        known = self._ledger.known(keys[start:])
        fresh: dict[Key, Record] = {}
        parts: dict[int, Part] = {}
        epoch = False
        for i in range(start, len(keys)):
            record = known[i - start] if i - start < len(known) else None
            if record is None:
                record, part = decide(self._tools, past, segments, i, query)
                fresh[keys[i]] = record
                if part is not None:
                    parts[i] = part
            past.add(segments[i], record)
            if i + 1 in ends:
                changed = record.past
                if changed is None:
                    changed = compact(self._tools, past, context)
                    fresh[keys[i]] = replace(record, past=changed)
                epoch = bool(changed)
                past.end(changed)
        self._keep(past, fresh, start)
        if keys:
            self._hold(keys[-1], past)
        edits = {s.ref: text for s, text in zip(segments, past.texts, strict=True) if text is not None}
        plan = _plan(context, past, start, parts, self._tools.policy)
        return Folded(edits, plan, tuple(zip(past.before, past.after, strict=True)), epoch)

    def _resume(self, keys: Sequence[Key], ends: frozenset[int], model: str) -> Past:
        """The state after the longest prefix that is held, taken out of what is held; else a new one."""
        with self._lock:
            for at in range(len(keys), 0, -1):
                past = self._held.get(keys[at - 1])
                if past is not None and past.ended == (at in ends):
                    del self._held[keys[at - 1]]
                    return past
        return Past(self._tools.split, Meter(tables(model, self._tools.policy)))

    def _hold(self, key: Key, past: Past) -> None:
        with self._lock:
            self._held[key] = past
            while len(self._held) > HELD:
                self._held.popitem(last=False)

    def _keep(self, past: Past, fresh: Mapping[Key, Record], start: int) -> None:
        """Originals first, then the decisions that name them. What is replayed anew counts as used again."""
        store = self._tools.store
        if self._tools.recallable:
            changed = {at for record in fresh.values() for at, _, _ in record.past or ()}
            changed.update(at for at in range(start, len(past.texts)) if past.texts[at] is not None)
            store.put({store.key(past.segments[at].text): past.segments[at].text for at in sorted(changed)})
        self._ledger.keep(fresh)


def _plan(context: Context, past: Past, start: int, parts: Mapping[int, Part], policy: Policy) -> Plan:
    """What was decided in this call span by span; of every other segment one span."""
    spans: list[Span] = []
    decisions: list[Decision] = []
    firsts: dict[int, int] = {}
    for i, segment in enumerate(context.segments):
        firsts[i] = base = len(spans)
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
            syntax = Syntax.LINES if "\n" in segment.text else Syntax.PROSE
            spans.append(Span(i, 0, len(segment.text), Unit.WHOLE, segment.text, syntax))
            reason = _reason(segment, policy, new=i >= start)
            decisions.append(Decision(Action.KEEP, 1.0, past.after[i], reason))
    return Plan(context, tuple(spans), tuple(decisions))


def _reason(segment: Segment, policy: Policy, *, new: bool) -> str:
    return protection(segment, policy) or ("no shorter as a marker" if new else "as it was sent before")
