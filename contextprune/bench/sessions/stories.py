"""Sessions made ready to be sent again, with what each request had to show, as the next actions prove.

All of it is the same for every arm, so it is worked out once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

from contextprune.bench.data import Message, Session
from contextprune.bench.traces.future_use import POINTS, is_result
from contextprune.context import Context, Ref
from contextprune.dialects import apply, read
from contextprune.session.requests import boundaries
from contextprune.text.later_use import needed
from contextprune.training.transcript import action_strings, readable_text


class Uses(NamedTuple):
    """Values and lines that actions use and that only results hold by then; see `traces`."""

    values: tuple[str, ...]
    lines: tuple[str, ...]


class Moment(NamedTuple):
    """The uses at one request: by the next action, and by all that follow."""

    message: int  # the first message that was not sent yet
    next: Uses
    later: Uses


@dataclass(frozen=True, slots=True)
class Story:
    """A session made ready, the same for every arm.

    texts     what a model reads of each message
    moments   one for each request
    points    the requests at which later use is looked at whatever the arm
    """

    session: Session
    body: Mapping[str, Any]
    context: Context
    texts: tuple[str, ...]
    moments: tuple[Moment, ...]
    points: frozenset[int]


def prepare(session: Session) -> Story:
    """Read a session once and work out what each of its requests needed."""
    messages = session.messages
    body = {"messages": list(messages)}
    context = read(body, "", "openai-chat")
    calls = any(message.get("tool_calls") for message in messages)
    actions = [action_strings(message, calls=calls) for message in messages]
    texts = tuple(readable_text(message) for message in messages)

    starts = [_message_at(context, end, len(messages)) for end in boundaries(context)]
    moments = []
    for start, after in pairwise([*starts, len(messages)]):
        results = "\n".join(texts[i] for i in range(start) if is_result(messages[i]))
        elsewhere = "\n".join(texts[i] for i in range(start) if not is_result(messages[i]))
        soon = [text for i in range(start, after) for text in actions[i]]
        late = [text for action in actions[after:] for text in action]
        next_uses, later_uses = needed(results, elsewhere, soon), needed(results, elsewhere, [*soon, *late])
        moments.append(Moment(start, Uses(*next_uses), Uses(*later_uses)))

    replies = sum(start < len(messages) for start in starts)
    points = frozenset(int(replies * share) for share in POINTS)
    return Story(session, body, context, texts, tuple(moments), points)


def visible(story: Story, edits: Mapping[Ref, str], moment: Moment) -> str:
    """The text that the model reads at one request."""
    body = apply(story.body, edits)
    changed = {int(ref[1]) for ref in edits}
    texts = (readable_text(body["messages"][i]) if i in changed else story.texts[i] for i in range(moment.message))
    return "\n".join(texts)


def latest(story: Story, moment: Moment, use: str) -> int:
    """The last message of the request that holds a text which only results hold."""
    return next(i for i in reversed(range(moment.message)) if use in story.texts[i])


def renamed(message: Message, number: int) -> dict[str, Any]:
    """The message with call ids that no other session has, so that sessions can be joined."""
    fresh = dict(message)
    if fresh.get("tool_calls"):
        fresh["tool_calls"] = [{**call, "id": f"s{number}_{call['id']}"} for call in fresh["tool_calls"]]
    if fresh.get("tool_call_id"):
        fresh["tool_call_id"] = f"s{number}_{fresh['tool_call_id']}"
    return fresh


def _message_at(context: Context, end: int, messages: int) -> int:
    """The message that the segment at `end` stands in; all messages where there is none."""
    return int(context.segments[end].ref[1]) if end < len(context.segments) else messages
