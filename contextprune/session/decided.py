"""What is sent of a conversation: new texts by ref, a plan of the whole context, and tokens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from contextprune.context import Context, Ref, Segment, Span, Syntax, Unit, rebased
from contextprune.plan import Action, Decision, Plan
from contextprune.policy import Policy
from contextprune.selection.protection import protection
from contextprune.session.arrival import BlockPlan
from contextprune.session.epoch import Changed
from contextprune.session.identity import Conversation
from contextprune.session.state import State

_NEW, _SENT = "no shorter as a marker", "as it was sent before"
AT_EPOCH = "as an epoch left it"
"""Reason for what is sent of a block that an epoch changed."""


@dataclass(frozen=True, slots=True)
class Decided:
    """What is sent of a conversation.

    edits       new text by ref
    plan        what was decided in this call span by span; of every other segment one span
    sizes       tokens of each segment, before and after
    epoch       whether the last request began an epoch
    rewritten   the first segment that this epoch changed, where the context ends with that request
    notes       what was decided in this call, as the ledger keeps it
    unknown     blocks of earlier requests of which nothing was known in this call, and which therefore stand
    """

    edits: Mapping[Ref, str]
    plan: Plan
    sizes: tuple[tuple[int, int], ...]
    epoch: bool = False
    rewritten: int | None = None
    notes: Mapping[bytes, bytes] = field(default_factory=dict)
    unknown: int = 0


@dataclass(frozen=True, slots=True)
class Shown:
    """What a plan shows of one call.

    start           segments of the conversation before it are replayed
    plans           what was decided in this call, by segment of the conversation
    changed         what an epoch changed last
    aside_tokens    of each segment that is no part of the conversation, by its position in the context
    notes           what was decided, as the ledger keeps it
    unknown         see `Decided`
    """

    start: int
    plans: Mapping[int, BlockPlan | None]
    changed: Changed
    aside_tokens: Mapping[int, int]
    notes: Mapping[bytes, bytes] = field(default_factory=dict)
    unknown: int = 0


def assemble(context: Context, conversation: Conversation, state: State, policy: Policy, shown: Shown) -> Decided:
    """Put together what is sent: of the conversation as the state has it, of all else as it stands."""
    sizes = [(shown.aside_tokens.get(i, 0),) * 2 for i in range(len(context.segments))]
    for position, before, after in zip(conversation.positions, state.before, state.after, strict=True):
        sizes[position] = before, after

    ended = len(conversation.segments) in conversation.ends
    rewritten = min((conversation.positions[at] for at, _, _ in shown.changed), default=None) if ended else None
    pairs = zip(conversation.segments, state.texts, strict=True)
    edits = {segment.ref: text for segment, text in pairs if text is not None}
    plan = _plan(context, state, policy, shown)
    return Decided(edits, plan, tuple(sizes), bool(shown.changed), rewritten, shown.notes, shown.unknown)


def _plan(context: Context, state: State, policy: Policy, shown: Shown) -> Plan:
    """What was decided in this call span by span; of every other segment one span."""
    spans: list[Span] = []
    decisions: list[Decision] = []
    firsts: list[int] = []  # of each segment of the conversation
    at = 0
    for position, segment in enumerate(context.segments):
        if position in shown.aside_tokens:
            if segment.text:
                span, decision = _single_span(
                    position, segment, shown.aside_tokens[position], protection(segment, policy) or _NEW
                )
                spans.append(span)
                decisions.append(decision)
            continue

        firsts.append(len(spans))
        block = shown.plans.get(at)
        if block is not None and state.texts[at] is not None:
            spans += rebased(block.spans, position - block.spans[0].segment, len(spans))
            decisions += [
                replace(decision, into=firsts[block.shown_before[k]]) if decision.action is Action.MERGE else decision
                for k, decision in enumerate(block.decisions)
            ]
        elif segment.text:
            span, decision = _as_sent(state, at, position, segment, policy, replayed=at < shown.start)
            if block is not None:  # why it stands as it is
                decision = replace(decision, reason=block.decisions[0].reason)
            spans.append(span)
            decisions.append(decision)
        at += 1
    return Plan(context, tuple(spans), tuple(decisions))


def _as_sent(
    state: State, at: int, position: int, segment: Segment, policy: Policy, *, replayed: bool
) -> tuple[Span, Decision]:
    """A segment as one span that is kept: as the call before said it, if it is replayed and nothing about it is new."""
    if replayed and at in state.replayed:
        editable, span, decision = state.replayed[at]
        unchanged = span.text is segment.text and span.segment == position
        if unchanged and decision.cost == state.after[at] and editable is segment.editable:
            return span, decision

    reason = _reason(state, at, segment, policy, replayed=replayed)
    sent = _single_span(position, segment, state.after[at], reason)
    if replayed:
        state.replayed[at] = segment.editable, *sent
    return sent


def _reason(state: State, at: int, segment: Segment, policy: Policy, *, replayed: bool) -> str:
    """The reason why a segment is sent as it is; an epoch is named whoever went on from it."""
    if at in state.rewritten:
        return AT_EPOCH
    return protection(segment, policy) or (_SENT if replayed or state.texts[at] is not None else _NEW)


def _single_span(position: int, segment: Segment, tokens: int, reason: str) -> tuple[Span, Decision]:
    """A segment as one span that is kept."""
    syntax = Syntax.LINES if "\n" in segment.text else Syntax.PROSE
    span = Span(position, 0, len(segment.text), Unit.WHOLE, segment.text, syntax)
    return span, Decision(Action.KEEP, 1.0, tokens, reason)
