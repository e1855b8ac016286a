"""How long requests wait for their decisions: what comes too late is sent as it stands, as by the proxy."""

from __future__ import annotations

import math
from collections.abc import Callable
from time import perf_counter
from typing import TypeAlias

from contextprune.context import Context
from contextprune.pruner import Pruned, Pruner

Patience: TypeAlias = Callable[[int], float]
"""Tokens that are new in a request -> seconds that it may wait."""


def forever(new: int) -> float:  # noqa: ARG001 - a patience
    """Wait for every decision."""
    return math.inf


class InTime:
    """Sends one conversation, request by request (`session.replay.Sender`), each within its time.

    With `strict` false a late request is sent as decided all the same, and only counted.
    Between two requests it gets ready for the next one, as the proxy does while the model answers.

    seconds   time that the last request's decisions took
    late      whether that is longer than it may wait
    """

    def __init__(self, pruner: Pruner, patience: Patience, *, strict: bool = True) -> None:
        self._pruner, self._patience, self._strict = pruner, patience, strict
        self._end = 0
        self.seconds, self.late = 0.0, False

    def __call__(self, context: Context, /, *, cold: bool = False) -> Pruned:
        """What is sent of the next request. An epoch that comes too late stays decided: the next request has it."""
        start = perf_counter()
        sent = self._pruner(context, cold=cold)
        self.seconds = perf_counter() - start

        new = sum(before for before, _ in sent.sizes[self._end :])
        self.late = self.seconds > self._patience(new) and not sent.epoch
        if self.late and self._strict:
            self._pruner.sent_unchanged(context)
            sent = self._pruner(context, cold=cold)
        self._pruner.prepare_next(context, enough=lambda: False)
        self._end = len(context.segments)
        return sent
