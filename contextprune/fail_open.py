"""Failing open, for integrations: nothing that goes wrong in one may end the run of an agent.

It is public because every integration needs the same: the caller's value back, a count, one line of log a reason.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_REASONS_LOGGED = 100  # different ones, each with its traceback


class FailOpen:
    """Does work whose failure must stop nobody: it is counted, and logged with its traceback the first time.

    log      where failures are logged: as warnings the first time, as debug messages where the same happens again
    count    failures so far
    reason   the last one, in a line of at most 300 characters; "" before the first
    """

    def __init__(self, log: logging.Logger) -> None:
        self.count = 0
        self.reason = ""
        self._log = log
        self._logged: set[str] = set()

    def __call__(self, outcome: str, work: Callable[[], T], otherwise: T) -> T:
        """Give what `work` returns, and where it raises an Exception, `otherwise`.

        `outcome` says in the log what follows from a failure: "a result is left as it is".
        """
        try:
            return work()
        except Exception as exc:  # noqa: BLE001 - a full disk, a GPU out of memory, a scorer of the user's
            self.count += 1
            self.reason = f"{type(exc).__name__}: {exc}"[:300]
            is_new = self.reason not in self._logged and len(self._logged) < _REASONS_LOGGED
            if is_new:
                self._logged.add(self.reason)
            self._log.log(logging.WARNING if is_new else logging.DEBUG, "%s: %s", outcome, self.reason, exc_info=is_new)
            return otherwise
