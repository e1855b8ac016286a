"""How a Redis that did not answer is left alone, so that nobody waits for it again and again."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Paused(Exception):  # noqa: N818 - no error yet: it is about to become one
    """Nobody is to be asked for so many seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds


class Pause:
    """How long a Redis that did not answer is left alone: half a second, then ever longer, half a minute at most."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._until: float | None = None
        self._length = 0.0

    def due(self) -> bool:
        """Whether to probe before asking. Raises Paused while it lasts; of several threads one alone may probe."""
        with self._lock:
            if self._until is None:
                return False
            left = self._until - self._clock()
            if left > 0:
                raise Paused(left)
            self._until = self._clock() + max(self._length, 0.5)
            return True

    def begin(self) -> None:
        """Nobody answered."""
        with self._lock:
            self._length = min(30.0, max(0.5, 2 * self._length))
            self._until = self._clock() + self._length

    def over(self) -> None:
        """Somebody answered."""
        with self._lock:
            self._until, self._length = None, 0.0
