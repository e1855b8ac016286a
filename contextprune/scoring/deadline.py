"""A model with a deadline: what it does not score in time is scored by words, as without a model.

The time is measured by the clock, so what is decided depends on the machine. The ledger remembers what was sent, so it
stays; a context that is decided anew elsewhere may come out otherwise. That is what a caller who waits agrees to.
"""

from __future__ import annotations

import copy
import logging
import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLate
from typing import Any

from contextprune.context import Context, Span
from contextprune.scoring.base import Calibrated, Scorer

_log = logging.getLogger("contextprune.scoring")


class Deadline:
    """Scores with `scorer`; where that takes longer than `seconds`, with `otherwise`, which the log says once.

    A score that came too late is still computed to its end, by a thread of its own: what follows waits for it, as long
    as there is time. `late` counts the calls that were too late.
    """

    def __init__(self, scorer: Scorer, otherwise: Scorer, seconds: float) -> None:
        self.name = scorer.name
        self.late = 0
        self._scorer, self._otherwise, self._seconds = scorer, otherwise, seconds
        self._begin()

    def _begin(self) -> None:
        self._process = os.getpid()
        self._pool: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()
        self._was_late = threading.local()

    def __call__(self, context: Context, spans: Sequence[Span]) -> list[float]:
        """The scores of the model, or else those of the other scorer."""
        if self._process != os.getpid():  # forked: the thread is not here
            self._begin()
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(1, "contextprune-scorer")
            future = self._pool.submit(self._scorer, context, spans)
        try:
            scores = future.result(self._seconds)
        except TooLate:
            future.cancel()
            self._was_late.here = True
            self._say()
            return self._otherwise(context, spans)
        self._was_late.here = False
        return scores

    def threshold(self, context: Context, spans: Sequence[Span], segment: int, recall: float) -> float | None:
        """As that of the scorer that scored last in this thread; None where it has none."""
        scorer = self._otherwise if getattr(self._was_late, "here", False) else self._scorer
        return scorer.threshold(context, spans, segment, recall) if isinstance(scorer, Calibrated) else None

    @property
    def note(self) -> str:
        """The remark of the scorer, or how often it was too late."""
        if self.late:
            return f"scored without the model where it took longer than {self._seconds:g} s ({self.late:,} times)"
        return str(getattr(self._scorer, "note", ""))

    @property
    def runs_on(self) -> str:
        """The device of the scorer, for people; "" for one without a model."""
        return str(getattr(self._scorer, "runs_on", ""))

    def _say(self) -> None:
        self.late += 1
        if self.late == 1:
            _log.warning(
                "the model did not score a block within %g s; what it does not score in time is scored by words. "
                "A larger deadline, or scorer='lexical', changes that",
                self._seconds,
            )

    def __getstate__(self) -> dict[str, Any]:
        """Everything but the thread, the lock and what the thread did last."""
        local = ("_process", "_pool", "_lock", "_was_late")
        return {key: value for key, value in vars(self).items() if key not in local}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Go on with a thread of its own."""
        vars(self).update(copy.copy(state))
        self._begin()
