"""The odds that a request misses a cache that should hold its beginning: by the pause before it, learnt from sessions.

Why one misses cannot be told from sizes and times, but how often can: most misses follow a pause in which the user has
spoken. A forecast by odds is right on average and for no single session, which either missed or did not.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias, TypeVar

from contextprune.bench.data import half_of
from contextprune.bench.money.usage import AgentLine, BilledSession, Request, compared, family_name
from contextprune.money.reuse import SHRUNK, Expected, Given, Line, State, predict
from contextprune.money.tariff import Tariff, bill_of, family_of, tariff_of

Key = TypeVar("Key")

PAUSES = (10.0, 60.0, 300.0)  # seconds: bounds of the groups of pauses
Pause: TypeAlias = int
"""The number of a group of pauses."""


@dataclass(frozen=True, slots=True)
class Odds:
    """Shares of tokens, by family of models.

    first   of a line's first prompt that were read, by family and agent
    missed  that were expected to be read and belonged to a request that missed, by family and pause
    left    of a line's first prompt that were read where a request missed, or met no cache of its own, by its state
    """

    first: Mapping[tuple[str, str], float]
    missed: Mapping[tuple[str, Pause], float]
    left: Mapping[tuple[str, State], float]


def learn_odds(sessions: Sequence[BilledSession]) -> Odds:
    """The odds in sessions, from what was billed beside what should have been read."""
    first: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    missed: dict[tuple[str, Pause], list[int]] = defaultdict(lambda: [0, 0])
    left: dict[tuple[str, State], list[int]] = defaultdict(lambda: [0, 0])
    for line in (line for session in sessions for line in session.lines):
        start = line.uses[0].bill.tokens
        for use, expected in zip(line.uses, predict(line.uses, Given.START), strict=True):
            family, read, due = family_name(use.model), use.bill.read, expected.bill.read
            is_miss = read < SHRUNK * due
            if expected.state is State.FIRST:
                _add(first[family, line.agent], read, start)
            elif expected.state is State.GOES_ON:
                _add(missed[family, pause_of(use.pause)], due if is_miss else 0, due)
            if expected.state in (State.EXPIRED, State.SHRUNK) or (expected.state is State.GOES_ON and is_miss):
                _add(left[family, expected.state], read, min(start, use.bill.tokens))
    return Odds(_shares(first), _shares(missed), _shares(left))


def compare_by_odds(sessions: Sequence[BilledSession]) -> Iterator[Request]:
    """Each request beside what the odds of the other half of the sessions make of it."""
    halves = {name: [session for session in sessions if half_of(session.id) == name] for name in ("dev", "test")}
    tariffs: dict[str, Tariff | None] = {}
    for tested, learnt in (("dev", "test"), ("test", "dev")):
        odds = learn_odds(halves[learnt])
        for session in halves[tested]:
            for line in session.lines:
                for use, expected in zip(line.uses, _predict(line, odds), strict=True):
                    if use.model not in tariffs:
                        tariffs[use.model] = tariff_of(use.model)
                    yield compared(session, line, use, expected, tariffs[use.model])


def pause_of(seconds: float | None) -> Pause:
    """The group of a pause; one that is not known counts as short."""
    return sum((seconds or 0.0) >= bound for bound in PAUSES)


def _predict(line: AgentLine, odds: Odds) -> Iterator[Expected]:
    """The mean of what a request may find in the cache, from its size, its pause and the odds."""
    uses = line.uses
    start, hour = uses[0].bill.tokens, any(use.bill.hour for use in uses)
    conversation = Line(uses[0].model, hour=hour)
    for use in uses:
        tokens, tariff, family = use.bill.tokens, family_of(use.model), family_name(use.model)
        expected = conversation.expect(use.model, tokens, use.pause, tariff)
        conversation.sent(tokens)

        left = odds.left.get((family, expected.state), 0.0) * min(start, tokens)
        if expected.state is State.FIRST:
            read = odds.first.get((family, line.agent), 0.0) * tokens
        elif expected.state is State.GOES_ON:
            due, missed = expected.bill.read, odds.missed.get((family, pause_of(use.pause)), 0.0)
            read = (1 - missed) * due + missed * min(left, due)
        else:
            read = left
        yield replace(expected, bill=bill_of(tokens, min(int(read), tokens), tariff, hour=hour))


def _add(sums: list[int], part: int, whole: int) -> None:
    sums[0] += part
    sums[1] += whole


def _shares(sums: Mapping[Key, Sequence[int]]) -> dict[Key, float]:
    return {key: part / whole if whole else 0.0 for key, (part, whole) in sums.items()}
