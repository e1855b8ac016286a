"""Keeps jobs away from a scorer process that fails again and again, and lets one through now and then to see.

Failures in a row of 20 seconds open it for 10; then one job is a probe. Each probe that fails doubles the pause.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

MOST = 5
WITHIN = 20.0
PAUSE = 10.0
LONGEST = 300.0


class Breaker:
    """Closed: jobs may go. Open: none. Half-open: one may go as a probe, and its outcome decides.

    most      failures within `within` seconds that open it
    pause     seconds that it stays open the first time; each failed probe doubles that, up to `longest`
    clock     monotonic seconds
    """

    def __init__(
        self,
        clock: Callable[[], float],
        *,
        most: int = MOST,
        within: float = WITHIN,
        pause: float = PAUSE,
        longest: float = LONGEST,
    ) -> None:
        self._clock, self._most, self._within = clock, most, within
        self._first, self._pause, self._longest = pause, pause, longest
        self._failures: deque[float] = deque(maxlen=most)
        self._until: float | None = None  # when the next probe may go; None where it is closed
        self._probing = False

    @property
    def state(self) -> str:
        """One of "closed", "open" and "half-open"."""
        if self._until is None:
            return "closed"
        return "half-open" if self._clock() >= self._until else "open"

    @property
    def allows(self) -> bool:
        """True where a job may go now. Its sender calls `begin`, and then `worked` or `failed`."""
        return self._until is None or (not self._probing and self._clock() >= self._until)

    def begin(self) -> None:
        """Take note of a job that goes."""
        self._probing = self._until is not None

    def worked(self) -> None:
        """Take note of an answer, whatever it says: the process lives."""
        if self._until is not None:
            self._failures.clear()
        self._until, self._probing, self._pause = None, False, self._first

    def failed(self) -> None:
        """Take note of a process that died over a job, or hung."""
        now = self._clock()
        if self._until is not None:
            self._pause = min(2 * self._pause, self._longest)
            self._until, self._probing = now + self._pause, False
            return
        self._failures.append(now)
        if len(self._failures) == self._most and now - self._failures[0] <= self._within:
            self._until = now + self._pause
