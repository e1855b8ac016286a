"""Future-use recall: does what an agent is going to need still stand in its context after the tool results were cut?

Hindsight decides what was needed: at a decision point, what a later action uses and only tool results hold by then.
Nobody has to label anything, and an arm cannot be right by luck of wording: the identifier is there or it is not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from contextprune.bench.data import Message, Session
from contextprune.text.identifiers import identifiers
from contextprune.training.transcript import action_strings, said, text_of

TraceArm: TypeAlias = Callable[[Sequence[Message], float], Sequence[Message]]
"""(messages before the decision point, share of the results' characters that may remain) -> the cut messages."""

SHARES = (0.2, 0.3, 0.5)
POINTS = (0.5, 0.75, 0.9)
LINE = 20  # characters: shorter lines (a brace, a keyword) are everywhere


@dataclass(frozen=True, slots=True)
class Point:
    """A decision point: what the agent has seen, and what its later actions will use of it.

    values   identifiers that a later action uses and that only results hold
    lines    lines that a later action repeats and that only results hold
    """

    id: str
    set: str
    before: tuple[Message, ...]
    values: tuple[str, ...]
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """What one arm leaves visible at one point. Counts, so that they can be pooled; `share` is of characters."""

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
        rest = visible_text([message for message in before if not is_result(message)])
        values, lines = needed(results, rest, actions)
        if values or lines:
            yield Point(f"{session.id}@{number}", session.set, before, values, lines)


def is_result(message: Message) -> bool:
    """Whether the message is an observation: what a tool returned."""
    return bool(message["role"] == "tool")


def results_chars(messages: Sequence[Message]) -> int:
    """Characters of all observations."""
    return sum(len(text_of(message)) for message in messages if is_result(message))


def visible_text(messages: Sequence[Message]) -> str:
    """Everything that a model reads: contents and arguments, with strings inside JSON unescaped."""
    return "\n".join(said(message) for message in messages)


def needed(results: str, rest: str, actions: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The values and the lines that the actions use and that stand in `results` and not in the `rest`."""

    def only_results(found: Iterator[str]) -> tuple[str, ...]:
        return tuple(text for text in dict.fromkeys(found) if text in results and text not in rest)

    values = only_results(value for action in actions for value in identifiers(action))
    stripped = (line.strip() for action in actions for line in action.splitlines())
    return values, only_results(line for line in stripped if len(line) >= LINE)


def score(point: Point, arm: TraceArm, share: float) -> Seen:
    """How many of the point's values and lines are still visible under the arm."""
    after = arm(point.before, share)
    text = visible_text(after)
    before = results_chars(point.before)
    return Seen(
        values=sum(value in text for value in point.values),
        lines=sum(line in text for line in point.lines),
        share=results_chars(after) / before if before else 0.0,
    )


def evaluate(point: Point, arms: Sequence[TraceArm], share: float) -> Seen:
    """The mean counts of several arms that are one method under several seeds."""
    seen = [score(point, arm, share) for arm in arms]
    return Seen(
        values=sum(s.values for s in seen) / len(seen),
        lines=sum(s.lines for s in seen) / len(seen),
        share=sum(s.share for s in seen) / len(seen),
    )
