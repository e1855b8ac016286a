"""What a request will find in the provider's cache, reckoned from the sizes and times of the requests alone.

The bytes tell more, and `tariff.charge` compares them. This is for records that hold no bytes, such as the usage in
logs, and so for checking tariffs and lifetimes against real bills.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum, StrEnum

from contextprune.money.expiry import HOUR, lifetime_of
from contextprune.money.tariff import Bill, Tariff, bill_of, family_of

SHRUNK = 0.9
"""A prompt below this share of the one before begins anew, behind what sessions share; above it, its end has changed.

A client that leaves out old reasoning makes a prompt a few hundredths shorter, a compaction by half or more. Of real
requests that were shorter than the one before, within its lifetime, those above 0.95 found 0.8 of their tokens in the
cache, those below 0.9 less than half.
"""
STEP = 128  # tokens: OpenAI caches whole multiples
_IN_STEPS = re.compile(r"gpt-|\bo[1-9]\b")
_COUNTS_WRITES = re.compile(r"claude")


class State(StrEnum):
    """State in which a request meets the cache, as far as sizes and times can tell."""

    FIRST = "first request"
    EXPIRED = "after the lifetime"
    SHRUNK = "begins anew"
    GOES_ON = "goes on"


class Given(IntEnum):
    """Facts beside sizes and times that a prediction may use; each has those before it.

    START    what a line's first request read, and so how long a beginning other sessions share
    BREAKS   what was read where that was more than a tenth less than expected, because the client changed an earlier
             part or the provider let an entry go, and where an entry outlived its time
    """

    SIZES = 0
    START = 1
    BREAKS = 2


@dataclass(frozen=True, slots=True)
class Use:
    """One request as the provider counted it.

    bill    its input, by how it was paid for
    pause   seconds since the request before it in the same line; None where that is not known
    """

    model: str
    bill: Bill
    pause: float | None = None


@dataclass(frozen=True, slots=True)
class Expected:
    """A prediction of the state, and of the input by how it will be paid for; `broken` where BREAKS corrected it."""

    state: State
    bill: Bill
    broken: bool = False


def counts_writes(model: str) -> bool:
    """Tell whether the usage of a model says what entered the cache."""
    return _COUNTS_WRITES.search(model.lower()) is not None


def use_of(model: str, counts: Bill, pause: float | None = None) -> Use:
    """A request's use, from the counts in its usage.

    Usage of other providers than Anthropic does not say what entered the cache: there all that was not read did.
    """
    if not counts_writes(model):
        counts = Bill(written=counts.fresh + counts.entered, read=counts.read)
    return Use(model, counts, pause)


class Line:
    """A line of requests, each of which goes on from the one before; a sub-agent has a line, and a cache, of its own.

    lifetime   seconds that the provider keeps what a request sent
    hour       what enters the cache is paid for an hour
    head       tokens at the beginning that other sessions share, so that they are cached where this one begins anew
    """

    def __init__(self, model: str, *, hour: bool = False, head: int = 0) -> None:
        self.lifetime = max(HOUR, lifetime_of(model)) if hour else lifetime_of(model)
        self.hour, self.head = hour, head
        self._tokens = 0

    def expect(self, model: str, tokens: int, pause: float | None, tariff: Tariff) -> Expected:
        """The prediction for a request of so many tokens, so many seconds after the last one."""
        state = self._state(tokens, pause)
        cached = {State.GOES_ON: self._tokens, State.SHRUNK: self.head}.get(state, 0)
        cached = min(cached, tokens)
        if _IN_STEPS.search(model.lower()):
            cached -= cached % STEP
        return Expected(state, bill_of(tokens, cached, tariff, hour=self.hour))

    def keep_for_hour(self) -> None:
        """Take it that from now on requests pay for an hour."""
        self.hour, self.lifetime = True, max(HOUR, self.lifetime)

    def sent(self, tokens: int) -> None:
        """Note the size of a request that was sent."""
        self._tokens = tokens

    def learn(self, tokens: int, read: int) -> None:
        """Learn from a request's usage how long a beginning other sessions share: that much is read where it breaks."""
        if 0 < read < SHRUNK * tokens:
            self.head = min(self.head or read, read)

    def _state(self, tokens: int, pause: float | None) -> State:
        if not self._tokens:
            return State.FIRST
        if pause is not None and pause > self.lifetime:
            return State.EXPIRED
        return State.SHRUNK if tokens < SHRUNK * self._tokens else State.GOES_ON


def predict(uses: Sequence[Use], given: Given = Given.START) -> Iterator[Expected]:
    """The prediction for each request of one line.

    A line pays for an hour where any of its requests did: its client asks for that in every request or in none.
    """
    if not uses:
        return
    line = Line(uses[0].model, hour=any(use.bill.hour for use in uses))
    for use in uses:
        tokens, read, tariff = use.bill.tokens, use.bill.read, family_of(use.model)
        expected = line.expect(use.model, tokens, use.pause, tariff)
        first = expected.state is State.FIRST

        if given >= Given.START and first:
            expected = replace(expected, bill=bill_of(tokens, read, tariff, hour=line.hour))
        elif given >= Given.BREAKS and not first and _is_break(expected, read):
            expected = replace(expected, bill=bill_of(tokens, read, tariff, hour=line.hour), broken=True)

        yield expected
        line.sent(tokens)
        if given >= Given.START:
            line.learn(tokens, read)


def _is_break(expected: Expected, read: int) -> bool:
    if expected.state is State.EXPIRED:
        return read > expected.bill.read
    return read < SHRUNK * expected.bill.read
