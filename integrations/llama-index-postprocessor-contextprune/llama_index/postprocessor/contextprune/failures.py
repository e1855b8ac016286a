"""How a class of this package tells of its failures, none of which ends a run.

Two properties are too little for a public class of the engine, so each integration has them itself.
"""

from __future__ import annotations

import contextprune as cp


class TellsFailures:
    """A class that fails open, and says how often it did and why."""

    _fail_open: cp.FailOpen

    @property
    def failures(self) -> int:
        """Times that something went through as it was, because something failed."""
        return self._fail_open.count

    @property
    def reason(self) -> str:
        """What failed last, in a line; "" for nothing."""
        return self._fail_open.reason
