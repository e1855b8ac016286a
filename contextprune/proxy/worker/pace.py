"""The deadline of a job, which the engine asks before each block: a block that there is no time for stands as it is.

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
WEIGHTY = 40_000  # characters of a block that counts for as much as all before it
FASTEST = 5e-7  # seconds that deciding a character takes at the least


class Abandoned(Exception):  # noqa: N818 - says what happened
    """The front waits no longer for this job."""


class Pace:
    """Seconds that deciding a character takes, learnt from what it took; the memory of it fades."""

    def __init__(self, seconds: float = 2e-6) -> None:
        self.seconds = seconds

    def learn(self, characters: int, seconds: float) -> None:
        """Take a block of so many characters into account. One that was only counted teaches nothing.

        Small blocks teach little: what each takes besides its characters, or an interruption, is most of their time.
        """
        measured = seconds / max(1, characters)
        if characters >= LEARNT and measured > self.seconds / 8:
            weight = characters / (characters + WEIGHTY)
            self.seconds += weight * (min(measured, 10 * self.seconds) - self.seconds)

    def doubt(self) -> None:
        """Trust the pace a little less: a block was not even tried, and might be faster by now."""
        self.seconds = max(FASTEST, 0.9 * self.seconds)


class Deadline:
    """The time that one job's blocks may take; asked before each new block.

    seconds     for all of them, from now on
    abandoned   True once the front has given up on the job

    `skipped` counts blocks for which there was no time; `decided` and `undecided` are characters of all blocks.
    """

    def __init__(self, seconds: float, abandoned: Callable[[], bool], pace: Pace) -> None:
        self._ends = perf_counter() + seconds * (1 - RESERVE) - LEAST_RESERVE
        self._abandoned, self._pace = abandoned, pace
        self._last: tuple[int, float] | None = None  # characters of the block that is being decided, and since when
        self.skipped = self.decided = self.undecided = 0

    def __call__(self, segment: Segment) -> bool:
        """True where `segment` is to stand as it is, since there is no time to decide it. Raises Abandoned."""
        if self._abandoned():
            raise Abandoned
        now = perf_counter()
        self._learn(now)
        size = len(segment.text)
        decided = segment.kind in DECIDED
        late = now + size * (self._pace.seconds if decided else COUNTED) > self._ends
        if decided and late:
            self.skipped += 1
            self.undecided += size
            self._pace.doubt()
        elif decided:
            self.decided += size
            self._last = size, now
        return late

    def end(self) -> None:
        """Note that all blocks are decided."""
        self._learn(perf_counter())

    def _learn(self, now: float) -> None:
        if self._last is not None:
            self._pace.learn(self._last[0], now - self._last[1])
            self._last = None
