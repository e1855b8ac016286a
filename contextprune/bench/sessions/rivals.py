"""Rivals on whole sessions, request by request: old results masked or cleared, or each cut as it arrives.

The counterpart of `masking` where the bill counts: every rival answers the call that a `Pruner` answers without a
budget, so all of them are replayed and charged by the same code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from contextprune.context import Context, Kind, Ref, Segment
from contextprune.session.replay import Sender
from contextprune.tokens import Tiktoken

count_tokens = Tiktoken()
"""One counter for all arms, since it remembers what it has counted."""

CLEARED = "[cleared]"
GAP = "\n[...]\n"
RESULTS_LEFT = 3  # results that clearing leaves, as its authors' defaults have it

Rule: TypeAlias = Callable[[Sequence[Segment], Sequence[int]], Mapping[int, str]]
"""(results so far, tokens of every segment) -> new text of some results, by their index among the results."""


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A request as a rival sends it; there are no epochs, since it decides afresh for each request."""

    edits: Mapping[Ref, str]
    sizes: tuple[tuple[int, int], ...]
    epoch: bool = False


def by_rule(rule: Rule) -> Sender:
    """A sender that applies `rule` to every request; a result that would not become shorter stays."""

    def send(context: Context, *, cold: bool = False) -> Rewritten:  # noqa: ARG001 - an argument of every `Sender`
        segments = context.segments
        before = [segment.cost if segment.cost is not None else count_tokens(segment.text) for segment in segments]
        after = list(before)
        results = [i for i, segment in enumerate(segments) if segment.kind is Kind.TOOL_RESULT]
        edits: dict[Ref, str] = {}

        for index, text in rule([segments[i] for i in results], before).items():
            i = results[index]
            if count_tokens(text) < before[i]:
                edits[segments[i].ref], after[i] = text, count_tokens(text)
        return Rewritten(edits, tuple(zip(before, after, strict=True)))

    return send


def untouched(_: Sequence[Segment], __: Sequence[int]) -> Mapping[int, str]:
    """Send everything as it is: the baseline of all other arms."""
    return {}


def keep_last(count: int) -> Rule:
    """Mask all results but the last `count`, decided afresh for each request."""

    def rule(results: Sequence[Segment], _: Sequence[int]) -> Mapping[int, str]:
        return dict.fromkeys(range(len(results) - count), CLEARED)

    return rule


def clear_past(trigger: int) -> Rule:
    """Clear all results but the last three wherever the conversation as recorded exceeds `trigger` tokens."""

    def rule(results: Sequence[Segment], tokens: Sequence[int]) -> Mapping[int, str]:
        return keep_last(RESULTS_LEFT)(results, tokens) if sum(tokens) > trigger else {}

    return rule


def head_and_tail(share: float) -> Rule:
    """The first and the last characters of each result, in equal parts; the same for every request."""

    def rule(results: Sequence[Segment], _: Sequence[int]) -> Mapping[int, str]:
        return {index: _ends(segment.text, share) for index, segment in enumerate(results)}

    return rule


def _ends(text: str, share: float) -> str:
    half = int(len(text) * share / 2)
    return f"{text[:half]}{GAP}{text[len(text) - half :]}"


RIVALS: Mapping[str, Rule] = {
    "none": untouched,
    "last-1": keep_last(1),
    "last-3": keep_last(3),
    "last-5": keep_last(5),
    "last-10": keep_last(10),
    "clear-5k": clear_past(5_000),
    "clear-30k": clear_past(30_000),
    "head+tail": head_and_tail(0.3),
}
"""The arms of the sessions task beside ours. Open sessions are short, so clearing also runs at a lower threshold."""
