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
from contextprune.text.identifiers import identifiers
from contextprune.training.labels import extents
from contextprune.training.labels.kit import Half, Raw, dice, digest, half, session_groups
from contextprune.training.samples import Need, Sample
from contextprune.training.transcript import Message, action_strings, reply, said, text_of

LINE = 20  # characters: shorter lines (a brace, a keyword) are everywhere
ARRIVING = 300  # characters of a result that is worth a view of its own
JUDGED = 200  # characters of a result whose spans are labelled under a budget
EMPTY = 0.1  # of the views, those in which nothing was needed
POINTS = (0.5, 0.75, 0.9)
VALUE, REPLY, AGAIN = 0.8, 0.6, 0.5  # weights: no whole line; told to the user; another result shows it again

_COMMON = frozenset({"true", "false", "none", "null", "dontcare"})


@dataclass(frozen=True, slots=True)
class Plan:
    """How a set of sessions is used.

    cap        sessions, those with the longest results first
    views      of them all
    everywhere a view under a budget at each reply rather than at three points
    copies     times that each view is told
    by_tool    sessions of a set share a world of records, tool by tool: the tools stand for the documents
    """

    cap: int = 10**9
    views: int = 10**9
    everywhere: bool = False
    copies: int = 1
    by_tool: bool = False


PLANS = {
    "tau_airline": Plan(everywhere=True, copies=2),
    "sweagent_demo": Plan(everywhere=True, copies=3),
    "sgd": Plan(2500, views=4000, by_tool=True),
    "fireact": Plan(800),
    "intercode": Plan(2500),
}


class Use(NamedTuple):
    """A text that an action uses: a whole line, or a value."""

    text: str
    line: bool
    weight: float


class Seen(NamedTuple):
    """A result: its message, its segment, its text."""

    message: int
    segment: int
    text: str


def samples(raws: Iterable[Raw], source: str, plan: Plan, wanted: Half, seed: int) -> Iterator[Sample]:
    """The views of one half, with few of those in which nothing was needed."""
    sessions = sorted(raws, key=lambda raw: (-_longest(raw), digest(f"{seed}:{raw['id']}")))
    named = _named(islice(sessions, plan.cap))
    views = (view for name, raw in named for view in _views(name, raw, source, plan))
    mine = [view for view in views if half(view.groups) == wanted]
    mine.sort(key=lambda view: digest(f"{seed}:{view.id}"))
    full = [view for view in mine if view.needs][: plan.views]
    empty = [view for view in mine if not view.needs]
    for copy in range(plan.copies if wanted == "train" else 1):
        for view in full:
            yield _copied(view, copy)
    yield from empty[: int(EMPTY * len(full) * plan.copies)]


def _longest(raw: Raw) -> int:
    return max((len(text_of(message)) for message in raw["messages"] if message["role"] == "tool"), default=0)


def _named(raws: Iterable[Raw]) -> Iterator[tuple[str, Raw]]:
    """Each session with a name of its own: some sets give one id to several."""
    known: Counter[str] = Counter()
    for raw in raws:
        name = str(raw["id"])
        known[name] += 1
        yield (name if known[name] == 1 else f"{name}~{known[name]}"), raw


def _views(name: str, raw: Raw, source: str, plan: Plan) -> Iterator[Sample]:
    session = _Session(raw["messages"])
    groups = session_groups(raw)
    turns = [i for i, message in enumerate(raw["messages"]) if message["role"] == "assistant"]
    points = turns[1:] if plan.everywhere else sorted({turns[int(len(turns) * share)] for share in POINTS if turns})
    for at in points:
        context, judged, needs = session.before(at)
        if judged:
            tools = tuple(sorted({str(context.segments[i].name) for i in judged}))
            yield Sample(f"{name}@{at}", source, "trace", tools if plan.by_tool else groups, context, judged, needs)
    for seen in session.results:
        if len(seen.text) >= ARRIVING and (view := session.arrival(seen)) is not None:
            context, needs = view
            own = (str(context.segments[-1].name),) if plan.by_tool else groups
            yield Sample(f"{name}+{seen.message}", source, "trace", own, context, (len(context.segments) - 1,), needs)


class _Session:
    """A session as messages and as segments."""

    def __init__(self, messages: Sequence[Message]) -> None:
        self.messages = messages
        self.context = read({"messages": list(messages)}, format="openai-chat")
        self.results = [
            Seen(_message(segment), i, segment.text)
            for i, segment in enumerate(self.context.segments)
            if segment.kind is Kind.TOOL_RESULT and segment.text
        ]
        calls = any(message.get("tool_calls") for message in messages)
        self._uses = [list(_uses(message, calls=calls)) for message in messages]
        self._said = [said(message) if message["role"] != "tool" else "" for message in messages]

    def before(self, at: int) -> tuple[Context, tuple[int, ...], tuple[Need, ...]]:
        """What stands before message `at`, the results that are judged, and what of them was needed from there on."""
        context = read({"messages": list(self.messages[:at])}, format="openai-chat")
        results = [seen for seen in self.results if seen.message < at]
        judged = tuple(seen.segment for seen in results if len(seen.text) >= JUDGED)
        needs = (need for need in self._needs(results, at) if need.segment in judged)
        return context, judged, strongest(needs)

    def arrival(self, seen: Seen) -> tuple[Context, tuple[Need, ...]] | None:
        """The view of one result as it arrives, and what of it was needed ever after."""
        before = self.context.segments[: seen.segment]
        segment = self.context.segments[seen.segment]
        goal = next((s for s in reversed(before) if s.kind is Kind.USER), None)
        call = next((s for s in reversed(before) if s.kind is Kind.TOOL_CALL and s.pair == segment.pair), None)
        if goal is None or call is None:
            return None
        needs = (need._replace(segment=2) for need in self._needs([seen], seen.message + 1))
        return Context((goal, call, segment), goal.text), strongest(needs)

    def _needs(self, results: Sequence[Seen], at: int) -> Iterator[Need]:
        """The place of each text that an action from message `at` on uses first, in the latest result that holds it."""
        rest = "\n".join(self._said[:at])
        later = [seen for seen in self.results if seen.message >= at]
        met: set[str] = set()
        actions = 0
        for i in range(at, len(self.messages)):
            for use in self._uses[i]:
                if use.text in met:
                    continue
                met.add(use.text)
                place = None if use.text in rest else _place(results, use)
                if place is not None:
                    again = any(seen.message < i and use.text in seen.text for seen in later)
                    soon = max(0.4, 1 - 0.1 * actions)
                    yield place._replace(weight=round(soon * use.weight * (AGAIN if again else 1), 3))
            actions += bool(self._uses[i])


def _uses(message: Message, *, calls: bool) -> Iterator[Use]:
    """What the message does with texts that it may have from a result."""
    strings = [(text, 1.0) for text in action_strings(message, calls=calls)]
    strings += [(text, REPLY) for text in reply(message, calls=calls)]
    for text, weight in strings:
        for line in text.splitlines():
            if len(line.strip()) >= LINE:
                yield Use(line.strip(), line=True, weight=weight)
        if 4 <= len(text) <= 80 and weight == 1 and text.lower() not in _COMMON:
            yield Use(f'"{text}"', line=False, weight=VALUE)  # a string of JSON, whole
        for value in identifiers(text):
            yield Use(value, line=False, weight=weight * VALUE)


def _place(results: Sequence[Seen], use: Use) -> Need | None:
    """Where the latest result that holds the text last holds it, with what goes with it."""
    for seen in reversed(results):
        if use.text not in seen.text:
            continue
        if use.line:
            start = seen.text.rfind(use.text)
            return Need(seen.segment, *extents.line(seen.text, start, start + len(use.text)))
        start = _last_word(seen.text, use.text)
        if start >= 0:
            return Need(seen.segment, *extents.around(seen.text, start, start + len(use.text)))
    return None


def _last_word(text: str, value: str) -> int:
    """Where the value last stands by itself; -1 where it is only ever a part of something longer."""
    start = text.rfind(value)
    while start >= 0:
        end = start + len(value)
        if not (start and _joined(text[start - 1], value[0])) and not (
            end < len(text) and _joined(text[end], value[-1])
        ):
            return start
        start = text.rfind(value, 0, end - 1)
    return -1


def _joined(outside: str, inside: str) -> bool:
    return bool(re.fullmatch(r"\w\w", outside + inside))


def strongest(needs: Iterable[Need]) -> tuple[Need, ...]:
    """The needs in order without overlaps: where two meet, the stronger one has the characters."""
    best: dict[tuple[int, int], float] = {}
    for need in needs:
        for at in range(need.start, need.end):
            best[need.segment, at] = max(need.weight, best.get((need.segment, at), 0))
    found: list[Need] = []
    for (segment, at), weight in sorted(best.items()):
        last = found[-1] if found else None
        if last is not None and (last.segment, last.end, last.weight) == (segment, at, weight):
            found[-1] = last._replace(end=at + 1)
        else:
            found.append(Need(segment, at, at + 1, weight))
    return tuple(found)


def _copied(view: Sample, copy: int) -> Sample:
    """The view again; of one under a budget, with less of what came first, as after a compaction."""
    if not copy:
        return view
    segments, shift = view.context.segments, 0
    if len(view.judged) > 1 and segments[0].kind is Kind.SYSTEM:
        shift = 1 if dice(view.id, copy).random() < 0.5 else 0
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


def _message(segment: Segment) -> int:
    step: Any = segment.ref[1]
    return int(step)
