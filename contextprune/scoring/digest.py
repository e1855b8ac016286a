"""Identifiers worth carrying: what an agent would copy from a removed line into its next action.

They cost a tenth of the text that holds them, so a marker that names them keeps most of a dropped run's use. Only those
count that no protected text shows anyway; each has a home, its latest occurrence, whose marker carries it.
"""

from __future__ import annotations

import re
from collections import Counter as Tally
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import accumulate
from math import exp, log1p
from typing import TypeAlias

from contextprune.context import Context, Kind, Span, blocks_of
from contextprune.plan import Identifier
from contextprune.text.identifiers import identifiers, names, numbered, words, words_in

Count: TypeAlias = Callable[[str, Sequence[int]], list[int]]

MAX_LENGTH = 200  # characters: longer ones are blobs and addresses with parameters, which recall serves better
_PASSED = re.compile(r"\b(?:PASS(?:ED)?|ok|OK|passed)\b|[✓✔√]")
BLOB = 200  # characters without a space, a quote or a comma
SCHEMA = 3  # a JSON key that stands in so many spans is the form of the data, not a value

# The worth of an identifier, in logits.
BASE = -4.0  # one identifier in fifty is used again
AGE = -0.2  # a customer's card number is as good at the end of a call as at its start
LATEST = 0.5  # an identifier of the latest call has not been used yet
REPEATED = 0.3  # times the logarithm of the spans that show it: what comes up again is worked on
LENGTH = 100  # characters that cost one logit: long paths and addresses are seldom typed again
NAMED = 2.0  # the goal or the call has a word of it that few of its neighbours have
REPEATED_FORM = -1.5  # the stamps and counters of log records of one form, and the names of tests that passed
NUMBER = -0.7  # a bare number: most are sizes and counts
JOINED = 0.4  # with _ or @: symbols and addresses are copied as they are
DOTTED = -0.3  # with a dot: versions, decimals, sentence ends

# A word of the goal names an identifier if it has more than two letters and few identifiers share it.
SHORTEST_WORD = 3  # letters
RARE, RARE_COUNT = (
    0.1,
    3,
)  # of the identifiers at hand; the share and the number up to which a word is one that few have


def identifiers_to_carry(
    context: Context, spans: Sequence[Span], movable: Collection[int], count: Count
) -> list[Identifier]:
    """Identifiers that only the tool results among the segments `movable` show, in order of first appearance.

    `count` gives the tokens of pieces of a text: `Counter.pieces`.
    """
    results = {i for i in movable if context.segments[i].kind is Kind.TOOL_RESULT}
    if not results:
        return []
    shown: set[str] = set()
    for i, segment in enumerate(context.segments):
        if i not in results:
            shown.update(identifiers(segment.text))

    occurrences: dict[tuple[int, str], list[int]] = {}
    for i, span in enumerate(spans):
        if span.segment in results and not _is_blob(span.text):
            for token in dict.fromkeys(names(span.text)):
                if token not in shown:
                    occurrences.setdefault((-1, token), []).append(i)

    last = max((context.segments[i].turn for i in results), default=0)
    return _priced(occurrences, [last - segment.turn for segment in context.segments], spans, count)


def identifiers_to_carry_on_arrival(
    context: Context, spans: Sequence[Span], movable: Collection[int], count: Count, before: Collection[str] = ()
) -> list[Identifier]:
    """Identifiers of each block by itself and from the text before it, as they were worth carrying on its arrival.

    `before` are identifiers that text before the context shows.
    """
    blocks = {spans[block.start].segment: block for block in blocks_of(spans)}
    shown: set[str] = set()
    occurrences: dict[tuple[int, str], list[int]] = {}
    for k, segment in enumerate(context.segments):
        if segment.kind is not Kind.TOOL_RESULT:  # results may have changed since, so nothing relies on their text
            shown.update(identifiers(segment.text))
        elif k in movable:
            for i in blocks.get(k, ()):
                tokens = () if _is_blob(spans[i].text) else dict.fromkeys(names(spans[i].text))
                for token in tokens:
                    if token not in shown and token not in before:
                        occurrences.setdefault((k, token), []).append(i)

    goal = {word for s in context.segments if s.kind is not Kind.TOOL_RESULT for word in words(s.text)}
    return _priced(occurrences, [0] * len(context.segments), spans, count, goal)


def _priced(
    occurrences: Mapping[tuple[int, str], list[int]],
    ages: Sequence[int],
    spans: Sequence[Span],
    count: Count,
    goal: Collection[str] = (),
) -> list[Identifier]:
    """Identifiers with their worth and their tokens; all are counted in one go, as they would stand in a marker.

    `goal` are words of the goal and of the call: an identifier with one that few of the others have is likelier.
    """
    tokens = [
        (token, at)
        for (_, token), at in occurrences.items()
        if len(token) <= MAX_LENGTH and not (len(at) >= SCHEMA and _is_field(token, spans[at[0]].text))
    ]
    text = "".join(" " + token for token, _ in tokens)
    ends = list(accumulate(len(token) + 1 for token, _ in tokens))
    costs = _without_inner(tokens, count(text, ends) if tokens else [], spans)

    in_goal = words_in([token for token, _ in tokens], {word for word in goal if len(word) >= SHORTEST_WORD})
    frequency = Tally(word for shared in in_goal.values() for word in shared)
    rare = {word for word, n in frequency.items() if n <= max(RARE_COUNT, RARE * len(tokens))}
    named = {k for k, shared in in_goal.items() if not shared.isdisjoint(rare)}

    homes = _Homes(spans, ages)
    return [
        Identifier(token, _worth(token, homes[at[-1]], len(at), named=k in named), cost, tuple(at))
        for k, ((token, at), cost) in enumerate(zip(tokens, costs, strict=True))
    ]


class _Homes(dict[int, tuple[float, float]]):
    """Span -> what it and its age say of an identifier's worth, in logits: of many identifiers worked out once."""

    def __init__(self, spans: Sequence[Span], ages: Sequence[int]) -> None:
        super().__init__()
        self._spans, self._ages = spans, ages

    def __missing__(self, i: int) -> tuple[float, float]:
        span, age = self._spans[i], self._ages[self._spans[i].segment]
        passed = span.group is not None or _PASSED.search(span.text, 0, 500) is not None
        at_home = self[i] = (
            BASE + AGE * log1p(age),
            (0.0 if age else LATEST) + (REPEATED_FORM if passed else 0.0),
        )
        return at_home


def _without_inner(
    tokens: Sequence[tuple[str, Sequence[int]]], costs: Sequence[int], spans: Sequence[Span]
) -> list[int]:
    """The costs, nothing for what a range of numbers names between its ends, and 1 at least for all else."""
    numbers = [
        (spans[at[-1]].segment, *numbered(token)) if token[-1].isdigit() else (0, token, None) for token, at in tokens
    ]
    present = {number for number in numbers if number[-1] is not None}
    return [
        0
        if number is not None and {(segment, stem, number - 1), (segment, stem, number + 1)} <= present
        else max(1, cost)
        for (segment, stem, number), cost in zip(numbers, costs, strict=True)
    ]


def _is_blob(text: str) -> bool:
    """Whether `text` is a piece of base64 or the like: nothing in it is a name."""
    return len(text) > BLOB and len(text.split(None, 2)) == 1 and '"' not in text and "," not in text


def _is_field(token: str, text: str) -> bool:
    """Whether `token` names a field of a record; what has a number in it is an id that serves as a key."""
    return not any(c.isdigit() for c in token) and f'"{token}":' in text


def _worth(token: str, at_home: tuple[float, float], shown: int, *, named: bool) -> float:
    """The probability of use: recent and repeated identifiers are used most, bare numbers and long paths least.

    `at_home` is what its home says (`_Homes`), `shown` how many spans show it.
    """
    logit = at_home[0] + REPEATED * log1p(shown) - len(token) / LENGTH + at_home[1]
    if named:
        logit += NAMED
    if token.isdigit():
        logit += NUMBER
    elif "_" in token or "@" in token:
        logit += JOINED
    elif "." in token:
        logit += DOTTED
    return 1 / (1 + exp(-logit))
