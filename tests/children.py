"""Processes that tests start do not outlive the run, however that ends: killed, or interrupted within a test."""

from __future__ import annotations

import ctypes
import signal
import sys
from collections.abc import Callable

_ON_PARENT_DEATH = 1  # PR_SET_PDEATHSIG
_PRCTL = ctypes.CDLL(None).prctl if sys.platform == "linux" else None


def _end_with_parent() -> None:
    assert _PRCTL is not None
    _PRCTL(_ON_PARENT_DEATH, signal.SIGKILL)


END_WITH_US: Callable[[], None] | None = _end_with_parent if _PRCTL is not None else None
"""For Popen's `preexec_fn`: the system kills the child as soon as the thread that started it ends; Linux alone can."""
