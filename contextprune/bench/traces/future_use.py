"""Future-use recall: the share of what an agent will use that its context still holds once its results were cut.

Hindsight decides what was needed: at a decision point, what a later action uses and only tool results hold by then.
Nobody has to label anything, and an arm cannot be right by luck of wording: the identifier is there or it is not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from contextprune.bench.data import Message, Session
from contextprune.text.later_use import needed
from contextprune.training.transcript import action_strings, readable_text, text_of

TraceArm: TypeAlias = Callable[[Sequence[Message], float], Sequence[Message]]
"""(messages before the decision point, share of the results' characters that may remain) -> the cut messages."""

SHARES = (0.2, 0.3, 0.5)
POINTS = (0.5, 0.75, 0.9)


@dataclass(frozen=True, slots=True)
class Point:
    """A decision point: the messages before it, and the values and lines of them that later actions use.

    values   identifiers that a later action uses and that only results hold
    lines    lines that a later action repeats and that only results hold
    """

    id: str
    set: str
    before: tuple[Message, ...]
    values: tuple[str, ...]
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Visible:
    """Values and lines that one arm leaves visible at one point, as counts to be pooled; `share` is of characters."""

    values: float
    lines: float
    share: float


def points(session: Session) -> Iterator[Point]:
    """The decision points of a session at which something is needed."""
    turns = [i for i, message in enumerate(session.messages) if message["role"] == "assistant"]
    if not turns:
        return

    calls = any(message.get("tool_calls") for message in session.messages)
    for number in sorted({int(len(turns) * share) for share in POINTS}):
        at = turns[number]
        before = session.messages[:at]
        actions = [text for m in session.messages[at:] for text in action_strings(m, calls=calls)]
        results = "\n".join(text_of(message) for message in before if is_result(message))
        elsewhere = visible_text([message for message in before if not is_result(message)])
        values, lines = needed(results, elsewhere, actions)
        if values or lines:
            yield Point(f"{session.id}@{number}", session.set, before, values, lines)


def is_result(message: Message) -> bool:
    """True where the message is an observation: the output of a tool."""
    return bool(message["role"] == "tool")


def results_chars(messages: Sequence[Message]) -> int:
    """Characters of all observations."""
    return sum(len(text_of(message)) for message in messages if is_result(message))


def visible_text(messages: Sequence[Message]) -> str:
    """The text that a model reads: contents and arguments, with strings inside JSON unescaped."""
    return "\n".join(readable_text(message) for message in messages)


def score(point: Point, arm: TraceArm, share: float) -> Visible:
    """Count the point's values and lines that are still visible under the arm."""
    after = arm(point.before, share)
    text = visible_text(after)
    before = results_chars(point.before)
    return Visible(
        values=sum(value in text for value in point.values),
        lines=sum(line in text for line in point.lines),
        share=results_chars(after) / before if before else 0.0,
    )


def evaluate_point(point: Point, arms: Sequence[TraceArm], share: float) -> Visible:
    """The mean counts of several arms that are one method under several seeds."""
    scores = [score(point, arm, share) for arm in arms]
    return Visible(
        values=sum(s.values for s in scores) / len(scores),
        lines=sum(s.lines for s in scores) / len(scores),
        share=sum(s.share for s in scores) / len(scores),
    )
