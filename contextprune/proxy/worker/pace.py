"""Tells the engine, block by block, whether there is time for one more. What there is no time for stands as it is.

A block cannot be interrupted, so its time is foretold from its size and from how fast the last ones went.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

from contextprune.context import Kind, Segment

DECIDED = frozenset({Kind.TOOL_RESULT, Kind.DOCUMENT, Kind.IMAGE})
COUNTED = 1e-7  # seconds to count the tokens of a character, where there is nothing to decide
RESERVE = 0.1  # share of the time for what comes after the decisions,
LEAST_RESERVE = 0.005  # and seconds
LEARNT = 500  # characters of a block from which its time says something
FASTEST = 5e-7  # seconds that deciding a character takes at the least


class Stopped(Exception):  # noqa: N818 - says what happened
    """The front waits no longer for this job."""


class Pace:
    """Seconds that deciding a character takes, learnt from what it took; the memory of it fades."""

    def __init__(self, seconds: float = 2e-6) -> None:
        self.seconds = seconds

    def learn(self, characters: int, seconds: float) -> None:
        """A block of so many characters took so long. One that was only counted teaches nothing."""
        found = seconds / max(1, characters)
        if characters >= LEARNT and found > self.seconds / 8:
            self.seconds += 0.2 * (min(found, 10 * self.seconds) - self.seconds)

    def doubt(self) -> None:
        """A block was not even tried: perhaps it would have gone faster by now."""
        self.seconds = max(FASTEST, 0.9 * self.seconds)


class Hurry:
    """Asked before each new block of one job.

    seconds   for all of them, from now on
    stopped   whether the front has given up on the job
    """

    def __init__(self, seconds: float, stopped: Callable[[], bool], pace: Pace) -> None:
        self._ends = perf_counter() + seconds * (1 - RESERVE) - LEAST_RESERVE
        self._stopped, self._pace = stopped, pace
        self._last: tuple[int, float] | None = None  # characters of the block that is being decided, and since when
        self.skipped = 0

    def __call__(self, segment: Segment) -> bool:
        """Whether `segment` is to stand as it is, since there is no time to decide it. Raises Stopped."""
        if self._stopped():
            raise Stopped
        now = perf_counter()
        self._learn(now)
        size = len(segment.text)
        decided = segment.kind in DECIDED
        late = now + size * (self._pace.seconds if decided else COUNTED) > self._ends
        if decided and late:
            self.skipped += 1
            self._pace.doubt()
        elif decided:
            self._last = size, now
        return late

    def end(self) -> None:
        """All blocks are decided."""
        self._learn(perf_counter())

    def _learn(self, now: float) -> None:
        if self._last is not None:
            self._pace.learn(self._last[0], now - self._last[1])
            self._last = None
