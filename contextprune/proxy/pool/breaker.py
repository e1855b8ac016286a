"""Keeps jobs away from a scorer process that fails again and again, and lets one through now and then to see.

Five failures in a row, however far apart (a start may take long), open it for 10 seconds; then one job is a probe.
Each probe that fails doubles the pause.
"""

from __future__ import annotations

from collections.abc import Callable

MOST = 5
PAUSE = 10.0
LONGEST = 300.0


class Breaker:
    """Closed: jobs may go. Open: none. Half-open: one may go as a probe, and its outcome decides.

    limit     failures in a row that open it
    pause     seconds that it stays open the first time; each failed probe doubles that, up to `longest`
    clock     monotonic seconds
    """

    def __init__(
        self,
        clock: Callable[[], float],
        *,
        limit: int = MOST,
        pause: float = PAUSE,
        longest: float = LONGEST,
    ) -> None:
        self._clock, self._limit = clock, limit
        self._first, self._pause, self._longest = pause, pause, longest
        self._failures = 0  # since it worked last
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
        self._failures, self._until, self._probing, self._pause = 0, None, False, self._first

    def failed(self) -> None:
        """Take note of a process that died over a job, or hung."""
        now = self._clock()
        if self._until is not None:
            self._pause = min(2 * self._pause, self._longest)
            self._until, self._probing = now + self._pause, False
            return
        self._failures += 1
        if self._failures >= self._limit:
            self._until = now + self._pause
