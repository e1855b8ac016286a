"""Survival at epochs: recorded sessions are too short for one, so it is brought about; later actions show the loss.

Two ways: sessions of one family are joined until they outgrow a small window twice, and single sessions pause half-way
until the provider's cache has expired. Values and lines count which only results hold and the current session uses.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from typing import Any, Literal, NamedTuple, TypeAlias

from rich.console import Console
from rich.table import Table

import contextprune as cp
from contextprune.bench.data import Message, Session
from contextprune.bench.ours import SCORERS
from contextprune.bench.sessions.bill import Tally
from contextprune.bench.sessions.rivals import CLEARED
from contextprune.bench.sessions.stories import Uses, renamed
from contextprune.bench.traces.future_use import is_result
from contextprune.context import Context, Kind, Ref
from contextprune.dialects import apply, read
from contextprune.session.replay import Request, replay
from contextprune.session.requests import boundaries
from contextprune.text.later_use import needed
from contextprune.training.transcript import action_strings, readable_text

Cause: TypeAlias = Literal["window", "pause"]

WINDOW = 20_000  # tokens
LENGTH = 45_000  # tokens of a conversation that outgrows it
PAUSE = 0.5  # of the replies


@dataclass(frozen=True, slots=True)
class Conversation:
    """Sessions of one family, one after the other; `firsts` are the indices of their first messages."""

    set: str
    id: str
    messages: tuple[Message, ...]
    firsts: tuple[int, ...]
    cause: Cause


class EpochJob(NamedTuple):
    """A conversation with the arms to run on it."""

    conversation: Conversation
    arms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EpochResult:
    """An epoch: tokens sent before it and with it, and the visible part of what the current session still used.

    kept      after the epoch
    arrived   had there been none
    cleared   had the oldest results been cleared instead, down to the same tokens
    """

    set: str
    id: str
    arm: str
    cause: Cause
    request: int
    was: int
    sent: int
    kept: Tally
    arrived: Tally
    cleared: Tally


def conversations(sessions: Sequence[Session]) -> Iterator[Conversation]:
    """Each session with a pause, and as many as make up a conversation joined; only the first system prompt is kept."""
    for session in sessions:
        yield Conversation(session.set, session.id, session.messages, (0,), "pause")
    for name in dict.fromkeys(session.set for session in sessions):
        joined: list[Message] = []
        firsts: list[int] = []
        room = 4 * LENGTH
        for number, session in enumerate(s for s in sessions if s.set == name):
            firsts.append(len(joined))
            joined += [renamed(m, number) for m in session.messages if not joined or m["role"] != "system"]
            room -= sum(len(readable_text(message)) for message in session.messages)
            if room <= 0:
                yield Conversation(name, f"{name} up to {session.id}", tuple(joined), tuple(firsts), "window")
                joined, firsts, room = [], [], 4 * LENGTH


def measure_epochs(job: EpochJob) -> list[EpochResult]:
    """Every arm on one conversation."""
    return [result for arm in job.arms for result in replay_epochs(job.conversation, arm)]


def replay_epochs(conversation: Conversation, arm: str) -> list[EpochResult]:
    """Replay a conversation under one of our arms; the figures of each of its epochs."""
    messages = conversation.messages
    context = read({"messages": list(messages)}, "", "openai-chat")
    ends = boundaries(context)

    paused = conversation.cause == "pause"
    policy = cp.Policy() if paused else cp.Policy(window=WINDOW)
    pruner = cp.Pruner(policy, _scorer(SCORERS[arm]), store=cp.MemoryStore())
    cold = {ends[int(len(ends) * PAUSE)]} if paused and ends else set()

    results: list[EpochResult] = []
    last: Request | None = None
    for number, request in enumerate(replay(context, pruner, cold)):
        if request.epoch and last is not None:
            results.append(_epoch_result(conversation, context, arm, number, last, request))
        last = request
    return results


def _epoch_result(
    conversation: Conversation, context: Context, arm: str, number: int, last: Request, request: Request
) -> EpochResult:
    segments = context.segments
    messages = conversation.messages
    at = int(segments[request.end].ref[1]) if request.end < len(segments) else len(messages)
    uses = _uses(conversation, at)

    was, sent = (sum(tokens for _, tokens in pieces) for pieces in (last.after, request.after))
    kept, arrived, cleared = (
        Tally().plus(uses, _visible(messages, edits, at))
        for edits in (request.edits, last.edits, _cleared(context, request, sent))
    )
    return EpochResult(
        conversation.set, conversation.id, arm, conversation.cause, number, was, sent, kept, arrived, cleared
    )  # fmt: skip


def _uses(conversation: Conversation, at: int) -> Uses:
    """Values and lines that the session at a message uses from there on, and that only its results so far hold."""
    messages = conversation.messages
    first = max((index for index in conversation.firsts if index < at), default=0)
    end = min((index for index in conversation.firsts if index >= at and index), default=len(messages))
    results = "\n".join(readable_text(m) for m in messages[first:at] if is_result(m))
    elsewhere = "\n".join(readable_text(m) for m in messages[:at] if not is_result(m))
    calls = any(message.get("tool_calls") for message in messages)
    actions = [text for message in messages[at:end] for text in action_strings(message, calls=calls)]
    return Uses(*needed(results, elsewhere, actions))


def _visible(messages: Sequence[Message], edits: Mapping[Ref, str], at: int) -> str:
    body: Mapping[str, Any] = apply({"messages": list(messages)}, edits)
    return "\n".join(readable_text(message) for message in body["messages"][:at])


def _cleared(context: Context, request: Request, sent: int) -> dict[Ref, str]:
    """The oldest results cleared until no more is left than was sent."""
    sizes = [tokens for _, tokens in request.before]
    results = [i for i in range(request.end) if context.segments[i].kind is Kind.TOOL_RESULT]
    left = accumulate((sizes[i] for i in results), lambda total, tokens: total - tokens, initial=sum(sizes))
    return {context.segments[i].ref: CLEARED for i, total in zip(results, left, strict=False) if total > sent}


@cache
def _scorer(name: str | None) -> cp.Scorer:
    return cp.load_scorer(name) if name else cp.load_scorer()


def show_epochs(console: Console, results: Sequence[EpochResult], notes: Sequence[str], count: int) -> None:
    """Print one line for each arm, cause and set."""
    table = Table(title=f"what epochs leave of what is still used; {count} conversations")
    for heading in ("arm", "cause", "set"):
        table.add_column(heading)
    for heading in ("epochs", "removed", "values", "kept, no epoch, cleared", "lines", "kept, no epoch, cleared"):
        table.add_column(heading, justify="right")

    for arm, cause in dict.fromkeys((r.arm, r.cause) for r in results):
        rows = [r for r in results if (r.arm, r.cause) == (arm, cause)]
        for name in [*dict.fromkeys(r.set for r in rows), ""]:
            table.add_row(arm, cause, name or "all", *_row([r for r in rows if name in ("", r.set)]))
    console.print(table)

    for note in notes:
        console.print(f"[dim]{note}[/dim]", soft_wrap=True)
    console.print(
        f"[dim]window: joined to about {LENGTH:,} tokens under a window of {WINDOW:,}; pause: the cache expired at "
        "half of the replies; no epoch: as sent on arrival and by earlier epochs; oldest cleared: the oldest results, "
        "down to the same size[/dim]",
        soft_wrap=True,
    )


def _row(results: Sequence[EpochResult]) -> Iterator[str]:
    """The cells behind arm, cause and set."""
    was = sum(r.was for r in results)
    yield str(len(results))
    yield f"{1 - sum(r.sent for r in results) / was:.0%}" if was else "-"
    sides = [[r.kept for r in results], [r.arrived for r in results], [r.cleared for r in results]]
    values, lines = (sum(tally[k] for tally in sides[0]) for k in (0, 1))
    yield str(values)
    yield ", ".join(f"{sum(t.seen_values for t in side) / values:.2f}" for side in sides) if values else "-"
    yield str(lines)
    yield ", ".join(f"{sum(t.seen_lines for t in side) / lines:.2f}" for side in sides) if lines else "-"
