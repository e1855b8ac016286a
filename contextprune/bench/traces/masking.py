"""Baselines on sessions: keep the last results, their ends, recent or random lines, or lines by BM25.

The counterpart of `baselines` for sessions. Arms replace the content of results only; everything else stays.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from contextprune.bench.data import Message
from contextprune.bench.documents.baselines import SEEDS, rank_bm25
from contextprune.bench.traces.future_use import TraceArm, is_result, results_chars
from contextprune.text.identifiers import identifiers
from contextprune.training.transcript import action_strings, text_of

LONGEST = 160  # characters: a longer line (JSON in one line) is cut, or line budgets could not be met

LineRanker: TypeAlias = Callable[[Sequence[Message], Sequence[str]], Sequence[float]]


class Line(NamedTuple):
    """A line, or a part of a very long one, of the result in message `message`."""

    message: int
    start: int
    end: int


def lines_of(messages: Sequence[Message]) -> list[Line]:
    """The lines of all results, their line ends included, in reading order."""
    lines: list[Line] = []
    for index, message in enumerate(messages):
        if is_result(message):
            at = 0
            for line in text_of(message).splitlines(keepends=True):
                lines += [
                    Line(index, at + start, at + min(start + LONGEST, len(line)))
                    for start in range(0, len(line), LONGEST)
                ]
                at += len(line)
    return lines


def by_lines(rank: LineRanker) -> TraceArm:
    """An arm that keeps the lines which `rank` scores highest, within the share of characters."""

    def arm(messages: Sequence[Message], share: float) -> list[Message]:
        lines = lines_of(messages)
        texts = [text_of(messages[line.message])[line.start : line.end] for line in lines]
        scores = rank(messages, texts)

        room = int(share * results_chars(messages))
        chosen: set[int] = set()
        for index in sorted(range(len(lines)), key=lambda i: -scores[i]):
            if len(texts[index]) <= room:
                chosen.add(index)
                room -= len(texts[index])

        kept: dict[int, list[str]] = {}
        for index in sorted(chosen):
            kept.setdefault(lines[index].message, []).append(texts[index])
        return _with_results(messages, {i: "".join(parts) for i, parts in kept.items()})

    return arm


def rank_recent(_: Sequence[Message], texts: Sequence[str]) -> list[float]:
    """A score that grows towards the end."""
    return [float(i) for i in range(len(texts))]


def rank_goal(messages: Sequence[Message], texts: Sequence[str]) -> list[float]:
    """BM25 to the first request and the last action."""
    goal = next((text_of(message) for message in messages if message["role"] == "user"), "")
    calls = any(message.get("tool_calls") for message in messages)
    acted = (action_strings(message, calls=calls) for message in reversed(messages))
    action = next((texts for texts in acted if texts), [])
    return rank_bm25(" ".join([goal, *action]), texts)


def rank_randomly(seed: int) -> LineRanker:
    """A shuffle that depends on the seed and the number of lines alone."""

    def rank(_: Sequence[Message], texts: Sequence[str]) -> list[float]:
        dice = random.Random(f"{seed}:{len(texts)}")  # noqa: S311  # a baseline, not a secret
        return [dice.random() for _ in texts]

    return rank


def head_and_tail(messages: Sequence[Message], share: float) -> list[Message]:
    """The first and the last characters of each result, in equal parts."""
    kept: dict[int, str] = {}
    for index, message in enumerate(messages):
        if is_result(message):
            text = text_of(message)
            head = int(len(text) * share / 2)
            kept[index] = text[:head] + text[len(text) - head :]
    return _with_results(messages, kept)


def keep_last(count: int, *, ledger: bool = False) -> TraceArm:
    """Keep the last `count` results whole and empty the rest, whatever the share; `ledger` lists their identifiers."""

    def arm(messages: Sequence[Message], _: float) -> list[Message]:
        results = [i for i, message in enumerate(messages) if is_result(message)]
        kept = {i: text_of(messages[i]) for i in results[-count:]}
        older = results[:-count]
        if ledger and older:
            values = (value for i in older for value in identifiers(text_of(messages[i])))
            kept[older[0]] = " ".join(dict.fromkeys(values))
        return _with_results(messages, kept)

    return arm


TRACE_BASELINES: Mapping[str, Sequence[TraceArm]] = {
    "recent": (by_lines(rank_recent),),
    "head+tail": (head_and_tail,),
    "random": tuple(by_lines(rank_randomly(seed)) for seed in SEEDS),
    "bm25": (by_lines(rank_goal),),
    "last-1": (keep_last(1),),
    "last-3": (keep_last(3),),
    "last-5": (keep_last(5),),
    "last-10": (keep_last(10),),
    "last-1+ids": (keep_last(1, ledger=True),),
    "last-3+ids": (keep_last(3, ledger=True),),
    "last-5+ids": (keep_last(5, ledger=True),),
    "last-10+ids": (keep_last(10, ledger=True),),
}
WHOLE_RESULTS = frozenset(name for name in TRACE_BASELINES if name.startswith("last-"))
"""Arms that keep whole results and so ignore the share: their realised share is part of the figure."""


def _with_results(messages: Sequence[Message], kept: Mapping[int, str]) -> list[Message]:
    """The messages with `kept` as the contents of results by index; all other results are emptied."""
    changed: list[Message] = []
    for index, message in enumerate(messages):
        fresh: dict[str, Any] = dict(message)
        if is_result(message):
            fresh["content"] = kept.get(index, "")
        changed.append(fresh)
    return changed
