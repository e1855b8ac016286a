"""The places for scorer processes, what each works on, and whether any of them will take a job in time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from time import monotonic

from contextprune.proxy.job import Answer, Job, Reason
from contextprune.proxy.pool.breaker import Breaker
from contextprune.proxy.pool.deadlines import Allowance
from contextprune.proxy.pool.process import ScorerProcess

STUCK = 0.25  # seconds after which one whose job nobody waits for is not expected to be free soon


@dataclass(slots=True, eq=False)
class Waiting:
    """A job that a request waits for.

    arrived   monotonic seconds, as all times here; expires: when the front gives up on it
    started   when a process began with it
    slot      whose process has it; crashed: that died over it
    """

    allowance: Allowance
    answer: asyncio.Future[Answer]
    arrived: float
    expires: float
    started: float = 0.0
    slot: Slot | None = None
    crashed: bool = False

    @property
    def job(self) -> Job:
        """What is to be done."""
        return self.allowance.job

    def settle(self, answer: Answer) -> None:
        """Give the answer, unless there is one already."""
        if not self.answer.done():
            self.answer.set_result(answer)


@dataclass(slots=True, eq=False)
class Slot:
    """A place for one process.

    small         it takes small jobs only
    current       what the process works on, even if nobody waits for it any more
    overdue       since when nobody waits for that
    start_began   when the start of its process began, while that is under way and is the first try
    """

    number: int
    small: bool
    breaker: Breaker
    process: ScorerProcess | None = None
    ready: bool = False
    current: Waiting | None = None
    overdue: float = inf
    timer: asyncio.TimerHandle | None = None
    failed_starts: int = 0
    start_began: float | None = None

    @property
    def free(self) -> bool:
        """True where its process would take a job now."""
        return self.ready and self.current is None and self.breaker.allows

    def stop_timer(self) -> None:
        """Watch its process no longer."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None


def unavailable(slots: Sequence[Slot], start_seconds: float, until: float) -> Reason | None:
    """Why the process of none of these slots will take a job soon; None where one will.

    start_seconds   that a process took to start, the last time; 0 where none has started yet
    until           when a job's time is over: a start that is likely to end before is worth the wait
    """
    up = [slot for slot in slots if slot.ready]
    if not up:
        return None if any(_comes_up(slot, start_seconds, until) for slot in slots) else Reason.STARTING
    if not any(slot.current is not None or slot.breaker.allows for slot in up):
        return Reason.BREAKER
    now = monotonic()
    return Reason.BUSY if all(now - slot.overdue > STUCK for slot in up) else None


def _comes_up(slot: Slot, start_seconds: float, until: float) -> bool:
    """Tell whether a slot's process is likely to be up in time; one that takes longer than usual may be at any time."""
    if slot.start_began is None or not slot.breaker.allows:
        return False
    return max(monotonic(), slot.start_began + start_seconds) < until
