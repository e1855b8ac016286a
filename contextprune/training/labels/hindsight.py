"""Hindsight on recorded sessions: what later actions used of a tool's results was needed, all else was not.

Two views: under a budget (all that stands before a decision point) and on arrival (the goal, the call, the result).
A line or a value counts where only results hold it, in the latest of them, and counts less the later it is used.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

from contextprune.context import Context, Kind, Segment
from contextprune.dialects import read
from contextprune.text.goal import goal_of
from contextprune.text.identifiers import identifiers
from contextprune.training.labels import extents
from contextprune.training.labels.kit import Half, Raw, digest, half, rng_for, session_groups
from contextprune.training.samples import Need, Sample
from contextprune.training.transcript import Message, action_strings, readable_text, reply_texts, text_of

MIN_LINE = 20  # characters: shorter lines (a brace, a keyword) are everywhere
MIN_ARRIVING = 300  # characters of a result that is worth a view of its own
MIN_JUDGED = 200  # characters of a result whose spans are labelled under a budget
SHARE_WITHOUT_NEEDS = 0.1  # of the views, those in which nothing was needed
DECISION_POINTS = (0.5, 0.75, 0.9)
WEIGHT_OF_VALUE, WEIGHT_OF_REPLY, WEIGHT_SHOWN_AGAIN = (
    0.8,
    0.6,
    0.5,
)  # weights: no whole line; told to the user; another result shows it again

_COMMON = frozenset({"true", "false", "none", "null", "dontcare"})


@dataclass(frozen=True, slots=True)
class SessionPlan:
    """How to use a set of sessions.

    max_sessions    sessions, those with the longest results first
    max_views       views with needs, of all sessions together
    at_every_reply  a view under a budget at each reply rather than at three points
    copies          times that each view is given in the training half
    by_tool         sessions of a set share a world of records, tool by tool: the tools stand for the documents
    """

    max_sessions: int = 10**9
    max_views: int = 10**9
    at_every_reply: bool = False
    copies: int = 1
    by_tool: bool = False


SESSION_PLANS = {
    "tau_airline": SessionPlan(at_every_reply=True, copies=2),
    "sweagent_demo": SessionPlan(at_every_reply=True, copies=3),
    "sgd": SessionPlan(2500, max_views=4000, by_tool=True),
    "fireact": SessionPlan(800),
    "intercode": SessionPlan(2500),
}


class Use(NamedTuple):
    """A text that an action uses: a whole line, or a value; and how much the use counts."""

    text: str
    line: bool
    weight: float


class Result(NamedTuple):
    """A tool's result: index of its message, index of its segment, text."""

    message: int
    segment: int
    text: str


def samples(raws: Iterable[Raw], source: str, plan: SessionPlan, wanted: Half, seed: int) -> Iterator[Sample]:
    """Make the views of one half, with few of those in which nothing was needed."""
    sessions = sorted(raws, key=lambda raw: (-_longest(raw), digest(f"{seed}:{raw['id']}")))
    named_sessions = _with_unique_names(islice(sessions, plan.max_sessions))
    views = (view for name, raw in named_sessions for view in _views(name, raw, source, plan))
    of_half = [view for view in views if half(view.groups) == wanted]
    of_half.sort(key=lambda view: digest(f"{seed}:{view.id}"))
    with_needs = [view for view in of_half if view.needs][: plan.max_views]
    without_needs = [view for view in of_half if not view.needs]

    for copy in range(plan.copies if wanted == "train" else 1):
        for view in with_needs:
            yield _copy(view, copy)
    yield from without_needs[: int(SHARE_WITHOUT_NEEDS * len(with_needs) * plan.copies)]


def _longest(raw: Raw) -> int:
    return max((len(text_of(message)) for message in raw["messages"] if message["role"] == "tool"), default=0)


def _with_unique_names(raws: Iterable[Raw]) -> Iterator[tuple[str, Raw]]:
    """Name each session uniquely, for some sets give one id to several."""
    counts: Counter[str] = Counter()
    for raw in raws:
        name = str(raw["id"])
        counts[name] += 1
        yield (name if counts[name] == 1 else f"{name}~{counts[name]}"), raw


def _views(name: str, raw: Raw, source: str, plan: SessionPlan) -> Iterator[Sample]:
    session = _Session(raw["messages"])
    groups = session_groups(raw)
    turns = [i for i, message in enumerate(raw["messages"]) if message["role"] == "assistant"]
    points = (
        turns[1:]
        if plan.at_every_reply
        else sorted({turns[int(len(turns) * share)] for share in DECISION_POINTS if turns})
    )

    for message in points:
        context, judged, needs = session.before(message)
        if judged:
            tools = tuple(sorted({str(context.segments[i].name) for i in judged}))
            yield Sample(
                f"{name}@{message}", source, "trace", tools if plan.by_tool else groups, context, judged, needs
            )

    for result in session.results:
        if len(result.text) >= MIN_ARRIVING and (view := session.arrival(result)) is not None:
            context, needs = view
            result_groups = (str(context.segments[-1].name),) if plan.by_tool else groups
            yield Sample(
                f"{name}+{result.message}", source, "trace", result_groups, context, (len(context.segments) - 1,), needs
            )


class _Session:
    """A session as messages and as segments."""

    def __init__(self, messages: Sequence[Message]) -> None:
        self.messages = messages
        self.context = read({"messages": list(messages)}, format="openai-chat")
        self.results = [
            Result(_message_index(segment), i, segment.text)
            for i, segment in enumerate(self.context.segments)
            if segment.kind is Kind.TOOL_RESULT and segment.text
        ]
        calls = any(message.get("tool_calls") for message in messages)
        self._uses = [list(_uses(message, calls=calls)) for message in messages]
        self._texts = [readable_text(message) if message["role"] != "tool" else "" for message in messages]

    def before(self, at: int) -> tuple[Context, tuple[int, ...], tuple[Need, ...]]:
        """View under a budget: (context before message `at`, its judged results, what of them was needed later)."""
        context = read({"messages": list(self.messages[:at])}, format="openai-chat")
        results = [result for result in self.results if result.message < at]
        judged = tuple(result.segment for result in results if len(result.text) >= MIN_JUDGED)
        needs = (need for need in self._needs(results, at) if need.segment in judged)
        return context, judged, strongest(needs)

    def arrival(self, result: Result) -> tuple[Context, tuple[Need, ...]] | None:
        """View on arrival: (goal, call and result; what of the result was needed later). None without goal or call."""
        before = self.context.segments[: result.segment]
        segment = self.context.segments[result.segment]
        goal = str(goal_of(before))
        call = self.context.call_of(result.segment)
        if not goal or call is None:
            return None
        needs = (need._replace(segment=2) for need in self._needs([result], result.message + 1))
        return Context((Segment(Kind.USER, goal, ("goal",)), call, segment), goal), strongest(needs)

    def _needs(self, results: Sequence[Result], at: int) -> Iterator[Need]:
        """Needs of each text that an action from message `at` on uses first, in the latest result that holds it."""
        earlier_texts = "\n".join(self._texts[:at])
        later = [result for result in self.results if result.message >= at]
        used: set[str] = set()
        actions = 0
        for i in range(at, len(self.messages)):
            for use in self._uses[i]:
                if use.text in used:
                    continue
                used.add(use.text)
                need = None if use.text in earlier_texts else _locate(results, use)
                if need is not None:
                    shown_again = any(result.message < i and use.text in result.text for result in later)
                    recency = max(0.4, 1 - 0.1 * actions)
                    yield need._replace(
                        weight=round(recency * use.weight * (WEIGHT_SHOWN_AGAIN if shown_again else 1), 3)
                    )
            actions += bool(self._uses[i])


def _uses(message: Message, *, calls: bool) -> Iterator[Use]:
    """List the texts in a message's actions and reply that it may have from a result."""
    strings = [(text, 1.0) for text in action_strings(message, calls=calls)]
    strings += [(text, WEIGHT_OF_REPLY) for text in reply_texts(message, calls=calls)]

    for text, weight in strings:
        for line in text.splitlines():
            if len(line.strip()) >= MIN_LINE:
                yield Use(line.strip(), line=True, weight=weight)
        if 4 <= len(text) <= 80 and weight == 1 and text.lower() not in _COMMON:
            yield Use(f'"{text}"', line=False, weight=WEIGHT_OF_VALUE)  # a string of JSON, whole
        for value in identifiers(text):
            yield Use(value, line=False, weight=weight * WEIGHT_OF_VALUE)


def _locate(results: Sequence[Result], use: Use) -> Need | None:
    """Locate the text's last place in the latest result that holds it, with the record, pair or line around it."""
    for result in reversed(results):
        if use.text not in result.text:
            continue
        if use.line:
            start = result.text.rfind(use.text)
            return Need(result.segment, *extents.line(result.text, start, start + len(use.text)))
        start = last_whole_word(result.text, use.text)
        if start >= 0:
            return Need(result.segment, *extents.around(result.text, start, start + len(use.text)))
    return None


def last_whole_word(text: str, value: str) -> int:
    """Find where the value last stands by itself; -1 where it is only ever a part of a longer word."""
    start = text.rfind(value)
    while start >= 0:
        end = start + len(value)
        if not (start and _both_in_word(text[start - 1], value[0])) and not (
            end < len(text) and _both_in_word(text[end], value[-1])
        ):
            return start
        start = text.rfind(value, 0, end - 1)
    return -1


def _both_in_word(a: str, b: str) -> bool:
    return bool(re.fullmatch(r"\w\w", a + b))


def strongest(needs: Iterable[Need]) -> tuple[Need, ...]:
    """Order the needs and remove overlaps: where two meet, the stronger one has the characters."""
    best: dict[tuple[int, int], float] = {}
    for need in needs:
        for at in range(need.start, need.end):
            best[need.segment, at] = max(need.weight, best.get((need.segment, at), 0))
    merged: list[Need] = []
    for (segment, at), weight in sorted(best.items()):
        last = merged[-1] if merged else None
        if last is not None and (last.segment, last.end, last.weight) == (segment, at, weight):
            merged[-1] = last._replace(end=at + 1)
        else:
            merged.append(Need(segment, at, at + 1, weight))
    return tuple(merged)


def _copy(view: Sample, copy: int) -> Sample:
    """Copy a view; of one under a budget, half of the copies lose the system text, as after a compaction."""
    if not copy:
        return view
    segments, shift = view.context.segments, 0
    if len(view.judged) > 1 and segments[0].kind is Kind.SYSTEM:
        shift = 1 if rng_for(view.id, copy).random() < 0.5 else 0
    context = Context(segments[shift:], view.context.query, view.context.asked)
    return Sample(
        f"{view.id}#{copy}",
        view.source,
        view.kind,
        view.groups,
        context,
        tuple(i - shift for i in view.judged),
        tuple(need._replace(segment=need.segment - shift) for need in view.needs),
    )


def _message_index(segment: Segment) -> int:
    step: Any = segment.ref[1]
    return int(step)
