"""Identifiers worth carrying: what an agent would copy from a removed line into its next action.

They cost a tenth of the text that holds them, so a marker that names them keeps most of a dropped run's use. Only those
count that no protected text shows anyway; each has a home, its latest occurrence, whose marker carries it.
"""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate
from math import exp, log1p
from typing import TypeAlias

from contextprune.context import Context, Kind, Span
from contextprune.plan import Identifier
from contextprune.text.identifiers import identifiers, words

Count: TypeAlias = Callable[[str, Sequence[int]], list[int]]

MAX_LENGTH = 200  # longer ones are blobs and addresses with parameters: recall serves those better
BASE = -4.0  # one identifier in fifty is used again
AGE = -0.2  # a customer's card number is as good at the end of a call as at its start
LATEST = 0.5  # what the latest call brought has not been used yet
NAMED = 0.7  # the goal or the call has a word of it that few of its neighbours have
RARE = 0.1  # share of the identifiers at hand up to which a word is one that few have
REPEATED_FORM = -1.5  # the stamps and counters of log records of one form
BLOB = 200  # characters without a space, a quote or a comma
SCHEMA = 3  # a JSON key that stands in so many places is the form of the data, not a value


def identifiers_to_carry(
    context: Context, spans: Sequence[Span], movable: Collection[int], count: Count
) -> list[Identifier]:
    """Identifiers that only the tool results among the segments `movable` show, in order of first appearance.

    `count` gives the tokens of pieces of a text: `Counter.pieces`.
    """
    results = {i for i in movable if context.segments[i].kind is Kind.TOOL_RESULT}
    shown: set[str] = set()
    for i, segment in enumerate(context.segments):
        if i not in results:
            shown.update(identifiers(segment.text))
    places: dict[tuple[int, str], list[int]] = {}
    for i, span in enumerate(spans):
        if span.segment in results and not _is_blob(span.text):
            for token in dict.fromkeys(identifiers(span.text)):
                if token not in shown:
                    places.setdefault((-1, token), []).append(i)
    last = max((context.segments[i].turn for i in results), default=0)
    return _priced(places, [last - segment.turn for segment in context.segments], spans, count)


def identifiers_to_carry_on_arrival(
    context: Context, spans: Sequence[Span], movable: Collection[int], count: Count, before: Collection[str] = ()
) -> list[Identifier]:
    """The same, each block by itself and from the text before it: what `atoms` would say on the block's arrival.

    `before` are identifiers that text before the context shows.
    """
    shown: set[str] = set()
    places: dict[tuple[int, str], list[int]] = {}
    at = 0
    for k, segment in enumerate(context.segments):
        if segment.kind is not Kind.TOOL_RESULT:  # results may have changed since: what they show is not counted on
            shown.update(identifiers(segment.text))
        for i in range(at, len(spans)):
            if spans[i].segment != k:
                break
            at = i + 1
            if k in movable and segment.kind is Kind.TOOL_RESULT and not _is_blob(spans[i].text):
                for token in dict.fromkeys(identifiers(spans[i].text)):
                    if token not in shown and token not in before:
                        places.setdefault((k, token), []).append(i)
    asked = Tally(word for s in context.segments if s.kind is not Kind.TOOL_RESULT for word in set(words(s.text)))
    return _priced(places, [0] * len(context.segments), spans, count, asked)


def _priced(
    places: Mapping[tuple[int, str], list[int]],
    ages: Sequence[int],
    spans: Sequence[Span],
    count: Count,
    asked: Collection[str] = (),
) -> list[Identifier]:
    """Atoms with their worth and their tokens; all are counted in one go, as they would stand in a marker.

    `asked` are words of the goal and of the call: an identifier with one that few of the others have is likelier.
    """
    found = [
        (token, at)
        for (_, token), at in places.items()
        if len(token) <= MAX_LENGTH and not (len(at) >= SCHEMA and _is_field(token, spans[at[0]].text))
    ]
    text = "".join(" " + token for token, _ in found)
    ends = list(accumulate(len(token) + 1 for token, _ in found))
    costs = count(text, ends) if found else []
    shared = [{word for word in _parts(token) if word in asked and len(word) > 2} for token, _ in found]
    often = Tally(word for own in shared for word in own)
    rare = {word for word, n in often.items() if n <= max(3, RARE * len(found))}
    return [
        Identifier(
            token,
            _worth(token, ages[spans[at[-1]].segment], [spans[i] for i in at], named=not own.isdisjoint(rare)),
            max(1, cost),
            tuple(at),
        )
        for (token, at), cost, own in zip(found, costs, shared, strict=True)
    ]


@lru_cache(maxsize=1 << 12)
def _parts(token: str) -> frozenset[str]:
    """The words of an identifier: the same ones come back with each block of a session."""
    return frozenset(words(token))


def _is_blob(text: str) -> bool:
    """Whether `text` is a piece of base64 or the like: nothing in it is a name."""
    return len(text) > BLOB and len(text.split(None, 2)) == 1 and '"' not in text and "," not in text


def _is_field(token: str, text: str) -> bool:
    """Whether `token` names a field of a record; what has a number in it is an id that serves as a key."""
    return not any(c.isdigit() for c in token) and f'"{token}":' in text


def _worth(token: str, age: int, places: Sequence[Span], *, named: bool) -> float:
    """Recent and repeated identifiers are used most; bare numbers, dotted words and long paths least."""
    logit = BASE + AGE * log1p(age) + 0.3 * log1p(len(places)) - len(token) / 100
    if age == 0:
        logit += LATEST
    if named:
        logit += NAMED
    if places[-1].group is not None:
        logit += REPEATED_FORM
    if token.isdigit():
        logit -= 0.7
    elif "_" in token or "@" in token:
        logit += 0.4
    elif "." in token:
        logit -= 0.3
    return 1 / (1 + exp(-logit))
