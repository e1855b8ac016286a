"""Hindsight on coding sessions: what later edits, calls, answers and file views took from the results before them.

Beside values, which every session uses, coding agents quote: the old text of edits, context and removed lines of
patches. They open files that a listing named, and mend what a failure names. Results before a compaction are out of the
model's view, so each part between two compactions is a session of its own. What the agent wrote itself it need not have
read.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from types import MappingProxyType
from typing import NamedTuple

from contextprune.context import Context, Kind, Segment
from contextprune.dialects import read
from contextprune.text.calls import edited_by, files_shown
from contextprune.text.failures import FAILURE
from contextprune.text.goal import goal_of
from contextprune.text.identifiers import identifiers
from contextprune.text.later_use import leaves
from contextprune.text.quotes import quoted_lines
from contextprune.text.views import is_view
from contextprune.training.labels import extents
from contextprune.training.labels.hindsight import last_whole_word, strongest
from contextprune.training.labels.kit import Raw
from contextprune.training.labels.shown import Shown, TextRange, line_keys, lines_of, paths_in, sentence_key
from contextprune.training.samples import Need, Sample

MIN_ARRIVING = 600  # characters of a result that is worth a view of its own
MIN_JUDGED = 200  # characters of a result whose spans are labelled under a budget
MAX_CHARS = 60_000  # characters of a view
MIN_SENTENCE = 20  # characters of a line of prose that is repeated rather than like another
MIN_CALLS = 6  # calls of a part that has views under a budget
READ_OF_TEXT = 20_000  # characters of a message that are searched for values
DECISION_POINTS = (0.3, 0.5, 0.7, 0.9)
LINES_OF_FILE = 8  # lines of an argument that may be a whole file
LINES_OF_QUOTE = 2  # line breaks of an argument whose lines are looked at one by one
LOOK_BACK = 4  # results before an edit among which the failure that it answers may be
NEAR_FAILURE = 6  # lines of a failure that names no file, at most

WEIGHTS: Mapping[str, float] = {
    "quoted": 1.0,  # an edit says these lines to the letter, or an overwrite takes them away
    "failure": 0.9,  # the next edit mends the file that it names
    "path": 0.8,  # the file is opened next
    "value": 0.7,  # a later call needs it
    "committed": 0.6,  # a commit soon after took the lines away: what the edit was is not recorded
    "repeated": 0.5,  # a line that the agent tells again
    "told": 0.4,  # a value that it tells
}
WROTE_IT_ITSELF = 0.6  # factor for quoted lines that the agent wrote before it saw them again
LEAST_RECENCY, RECENCY_PER_TURN = 0.4, 0.06  # a use in the next turn counts whole, one after ten turns 0.4


class Use(NamedTuple):
    """A use by the action in segment `at` of a range of an earlier result."""

    at: int
    need: Need


def views(raw: Raw, source: str) -> Iterator[Sample]:
    """Make the views of one session, part by part."""
    repository = str(raw["meta"]["repo"])
    messages = raw["messages"]
    borders = [0, *raw["meta"].get("compactions", ()), len(messages)]
    removed = {edit["call"]: edit["removed"] for edit in raw["meta"].get("commit_edits") or ()}
    for number, (start, end) in enumerate(pairwise(borders)):
        context = read({"messages": list(messages[start:end])}, format="openai-chat")
        yield from views_of(context, f"{raw['id']}/{number}", source, repository, removed)


def views_of(
    context: Context,
    name: str,
    source: str,
    repository: str,
    removed: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> Iterator[Sample]:
    """Make the views of a part of a session between two compactions.

    removed   lines that a commit soon after took away, by the id of the edit
    """
    part = _Part(context, removed)
    if len(part.results) > 1:
        yield from part.on_arrival(name, source, repository)
        yield from part.under_budget(name, source, repository)


class _Part:
    """The part of a session between two compactions."""

    def __init__(self, context: Context, removed: Mapping[str, Sequence[str]]) -> None:
        self.context = context
        self.segments = self.context.segments
        self.results = [i for i, s in enumerate(self.segments) if s.kind is Kind.TOOL_RESULT and s.text]
        self.uses: dict[int, list[Use]] = defaultdict(list)
        for use in uses(self.context, self.results, removed):
            self.uses[use.need.segment].append(use)

    def on_arrival(self, name: str, source: str, repository: str) -> Iterator[Sample]:
        """Make a view of each result as it arrives: the goal, the call, the result."""
        for index in self.results:
            segment = self.segments[index]
            call = self.context.call_of(index)
            if call is None or not MIN_ARRIVING <= len(segment.text) <= MAX_CHARS:
                continue
            goal = str(goal_of(self.segments[:index]))
            if goal:
                kind = "view" if is_view(call.text, segment.name, segment.text) else "out"
                needs = strongest(use.need._replace(segment=2) for use in self.uses[index])
                context = Context((Segment(Kind.USER, goal, ("goal",)), call, segment), goal)
                yield Sample(f"{name}+{index}", source, f"{kind}:{segment.name}", (repository,), context, (2,), needs)

    def under_budget(self, name: str, source: str, repository: str) -> Iterator[Sample]:
        """Make a view of the latest results at a few points: what of them is needed from there on."""
        calls = [i for i, segment in enumerate(self.segments) if segment.kind is Kind.TOOL_CALL]
        for share in DECISION_POINTS if len(calls) >= MIN_CALLS else ():
            at = calls[int(len(calls) * share)]
            goal = str(goal_of(self.segments[:at]))
            first, room = at, MAX_CHARS
            while first > 0 and (room := room - len(self.segments[first - 1].text)) > 0:
                first -= 1

            judged_results = [i for i in self.results if first <= i < at and len(self.segments[i].text) >= MIN_JUDGED]
            if not goal or not judged_results:
                continue
            shift = 1 - first
            later = (use.need for i in judged_results for use in self.uses[i] if use.at >= at)
            needs = strongest(need._replace(segment=need.segment + shift) for need in later)
            chosen = (Segment(Kind.USER, goal, ("goal",)), *self.segments[first:at])
            context = Context(chosen, goal, self.context.asked)
            judged = tuple(i + shift for i in judged_results)
            yield Sample(f"{name}@{at}", source, "trace", (repository,), context, judged, needs)


def uses(context: Context, results: Sequence[int], removed: Mapping[str, Sequence[str]]) -> Iterator[Use]:
    """Find all uses of the results of a part, in the order of the actions.

    removed   lines that a commit soon after took away, by the id of the edit
    """
    segments = context.segments
    shown = Shown(segments, results)
    spoken = _Spoken()
    for at, segment in enumerate(segments):
        if segment.kind is Kind.TOOL_RESULT:
            continue
        strings = _strings(segment)
        needs: list[Need] = []
        if segment.kind is Kind.TOOL_CALL:
            quoted = [*quoted_lines(segment.text), *_overwritten(segment, strings, context, results, at)]
            needs += _quotes(quoted, shown, spoken, at, WEIGHTS["quoted"])
            needs += _quotes(removed.get(str(segment.pair), ()), shown, spoken, at, WEIGHTS["committed"])
            needs += _values(_without_shown_lines(strings, shown), shown, segments, spoken, at, WEIGHTS["value"])
            needs += _opened(segment, strings, context, results, spoken, at)
            needs += _answered(segment, segments, results, at)
        elif segment.kind is Kind.ASSISTANT:
            needs += _values(strings, shown, segments, spoken, at, WEIGHTS["told"])
            needs += _repeated(segment, shown, spoken, at)

        for need in needs:
            yield Use(at, need._replace(weight=round(need.weight * _recency(segments, need.segment, at), 3)))
        spoken.add(strings, at)


class _Spoken:
    """What the agent or the user has said, with where it was said first and last."""

    def __init__(self) -> None:
        self.lines: dict[str, tuple[int, int]] = {}
        self.values: dict[str, int] = {}

    def add(self, strings: Sequence[str], at: int) -> None:
        for text in strings:
            for _, _, line in lines_of(text):
                for key in dict.fromkeys([*line_keys(line), sentence_key(line)]):
                    self.lines[key] = (self.lines.get(key, (at, at))[0], at)
            for value in identifiers(text[:READ_OF_TEXT]):
                self.values.setdefault(value, at)


def _strings(segment: Segment) -> list[str]:
    if segment.kind is not Kind.TOOL_CALL:
        return [segment.text]
    try:
        return list(leaves(json.loads(segment.text)))
    except (ValueError, RecursionError):
        return [segment.text]


def _recency(segments: Sequence[Segment], result: int, at: int) -> float:
    turns = segments[at].turn - segments[result].turn
    return 1.0 if turns <= 1 else max(LEAST_RECENCY, 1 - RECENCY_PER_TURN * turns)


def _quotes(lines: Sequence[str], shown: Shown, spoken: _Spoken, at: int, weight: float) -> Iterator[Need]:
    """Find the lines that an edit or a patch quotes, each in the latest result that shows it."""
    for line in lines:
        shown_at = next((p for key in line_keys(line) if (p := shown.line_before(key, at)) is not None), None)
        if shown_at is None:
            continue
        first, latest = spoken.lines.get(line.strip(), (at, at))
        if shown_at.segment < latest < at:
            continue  # it has quoted or written the line since
        yield Need(*shown_at, weight * (WROTE_IT_ITSELF if first < shown_at.segment else 1.0))


def _overwritten(
    call: Segment, strings: Sequence[str], context: Context, results: Sequence[int], at: int
) -> Iterator[str]:
    """Find the lines that a call which gives a whole file takes away from the latest view of that file."""
    names = edited_by(call.name, call.text)
    text = max(strings, key=len, default="")
    if not names or text.count("\n") < LINES_OF_FILE or quoted_lines(call.text):
        return
    for index in reversed([i for i in results if i < at]):
        request = context.call_of(index)
        if request is not None and names & files_shown(request.name, request.text):
            kept = {line.strip() for line in text.splitlines()}
            keys = ([*line_keys(line)][-1] for _, _, line in lines_of(context.segments[index].text))
            yield from (key for key in keys if key and key not in kept)
            return


def _without_shown_lines(strings: Sequence[str], shown: Shown) -> list[str]:
    """Drop from long strings the lines that results show: quoted whole, or of a file that is repeated."""
    return [
        "\n".join(line for line in text.splitlines() if line.strip() not in shown.lines)
        if text.count("\n") >= LINES_OF_QUOTE
        else text
        for text in strings
    ]


def _values(
    strings: Sequence[str], shown: Shown, segments: Sequence[Segment], spoken: _Spoken, at: int, weight: float
) -> Iterator[Need]:
    """Find the identifiers that nobody has said before, each in the latest result that shows it."""
    for value in dict.fromkeys(value for text in strings for value in identifiers(text[:READ_OF_TEXT])):
        if value in spoken.values or (index := shown.value_before(value, at)) is None:
            continue
        text = segments[index].text
        start = last_whole_word(text, value)
        if start >= 0:
            yield Need(index, *extents.around(text, start, start + len(value)), weight)


def _opened(
    call: Segment, strings: Sequence[str], context: Context, results: Sequence[int], spoken: _Spoken, at: int
) -> Iterator[Need]:
    """Find the line of a listing or a search that named the file which this call shows.

    A listing names it from its own folder, the call from another: the longer of both names ends with the shorter.
    """
    names = files_shown(call.name, call.text)
    wanted = [match[0] for text in strings for match in paths_in(text) if match[0].rpartition("/")[2] in names]
    for path in dict.fromkeys(wanted):
        if path in spoken.values:
            continue
        shown_at = next(
            (p for i in reversed(results) if i < at and (p := _named_in(path, context, i)) is not None), None
        )
        if shown_at is not None:
            yield Need(*shown_at, WEIGHTS["path"])


def _named_in(path: str, context: Context, result: int) -> TextRange | None:
    segment = context.segments[result]
    name = path.rpartition("/")[2]
    if name not in segment.text:
        return None
    call = context.call_of(result)
    if call is not None and is_view(call.text, segment.name, segment.text):
        return None
    for match in paths_in(segment.text):
        if match[0].rpartition("/")[2] == name and (path.endswith(match[0].lstrip("./")) or match[0].endswith(path)):
            return TextRange(result, *extents.line(segment.text, match.start(), match.end()))
    return None


def _answered(call: Segment, segments: Sequence[Segment], results: Sequence[int], at: int) -> Iterator[Need]:
    """Find the failure that an edit answers: the lines of the latest failing results that name the edited file.

    Where none of them names it, the result straight before the edit counts with its first failure lines.
    """
    names = edited_by(call.name, call.text)
    before = [i for i in results if i < at][-LOOK_BACK:]
    for index in reversed(before) if names else ():
        lines = list(lines_of(segments[index].text))
        failing = [(s, e) for s, e, line in lines if FAILURE.search(line[:READ_OF_TEXT])]
        naming = [(s, e) for s, e, line in lines if any(_names_place(line, name) for name in names)]

        if failing and (naming or index == before[-1]):
            for start, end in naming[: 2 * NEAR_FAILURE] + failing[:NEAR_FAILURE]:
                yield Need(index, start, end, WEIGHTS["failure"])
            return


def _names_place(line: str, name: str) -> bool:
    """Whether a line of a report names a place in the file."""
    return any(f"{name}{mark}" in line for mark in (":", '"', "("))


def _repeated(answer: Segment, shown: Shown, spoken: _Spoken, at: int) -> Iterator[Need]:
    """Find the lines of reports and other results that the agent repeats to its user."""
    for _, _, line in lines_of(answer.text):
        key = sentence_key(line)
        if len(key) < MIN_SENTENCE or key in spoken.lines:
            continue
        shown_at = shown.line_before(key, at)
        if shown_at is not None:
            yield Need(*shown_at, WEIGHTS["repeated"])
