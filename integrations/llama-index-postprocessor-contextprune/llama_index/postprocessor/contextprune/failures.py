"""The one place where this package fails open: nothing that goes wrong in it may end somebody's run."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_REASONS_LOGGED = 100  # different ones, each with its traceback


class FailOpen:
    """Does work whose failure must stop nobody: it is counted, and logged with its traceback the first time.

    Args:
        log: Where failures are logged: as warnings the first time, as debug messages where the same happens again.

    Attributes:
        count: Failures so far.
        reason: The last one, in a line; "" before the first.
    """

    def __init__(self, log: logging.Logger) -> None:
        self.count = 0
        self.reason = ""
        self._log = log
        self._logged: set[str] = set()

    def __call__(self, outcome: str, work: Callable[[], T], otherwise: T) -> T:
        """Do the work, and give what came of it.

        Args:
            outcome: What follows from a failure, for the log: "a result is left as it is".
            work: What to do.
            otherwise: What to give where it fails.
        """
        try:
            return work()
        except Exception as exc:  # noqa: BLE001 - a full disk, a GPU out of memory, a scorer of the user's
            self.count += 1
            self.reason = f"{type(exc).__name__}: {exc}"[:300]
            known = self.reason in self._logged or len(self._logged) >= _REASONS_LOGGED
            self._logged.add(self.reason if not known else "")
            level = logging.DEBUG if known else logging.WARNING
            self._log.log(level, "%s: %s", outcome, self.reason, exc_info=not known)
            return otherwise
