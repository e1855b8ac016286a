"""The disturbances, each with what it does to bodies, to processes and to the machine.

Sessions are sent ten times as fast as agents send theirs, so that a run takes minutes, not hours. The pace is theirs
only behind a request that a disturbance struck or that went up undecided: what is made good in that time is measured.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import TypeAlias

from contextprune.bench.disturbances.replica import Replica, busy_cores, lock
from contextprune.bench.disturbances.requests import (
    Change,
    unchanged,
    with_new_system,
    with_nonce,
    with_reminders,
)

STOPPED = 10  # requests, of which one meets stopped scorers
KILLS = 10
LOCKED = 2.0  # seconds
ANSWER = 5.0
"""Seconds from a request that was struck, or undecided, to the next one. Of 35,030 recorded pauses between two requests
of an agent a quarter are no longer, the median is 7, and one in twenty is 3 or less."""


@dataclass(slots=True)
class Stage:
    """What a disturbance has to do with.

    total    requests of all sessions; sent: those that were sent so far
    hits     how often it has struck
    answer   seconds until the next request, after one that was struck or undecided
    """

    replicas: Sequence[Replica]
    total: int
    sent: int = 0
    hits: int = 0
    answer: float = ANSWER


Moment: TypeAlias = Callable[[Stage, int, int], AbstractContextManager[None]]
"""(stage, number of the request from 0, requests of the session) -> what holds while it is sent."""


def at_peace(_stage: Stage, _number: int, _of: int) -> AbstractContextManager[None]:
    """Nothing happens."""
    return nullcontext()


@contextmanager
def scorers_stopped(stage: Stage, _number: int, _of: int) -> Iterator[None]:
    """For one request in ten the scorer processes stand still, as on a machine that has no time for them."""
    if stage.sent % STOPPED != STOPPED // 2:
        yield
        return
    stage.hits += 1
    for replica in stage.replicas:
        replica.signal_scorers(signal.SIGSTOP)
    try:
        yield
    finally:
        for replica in stage.replicas:
            replica.signal_scorers(signal.SIGCONT)


@contextmanager
def scorers_killed(stage: Stage, _number: int, _of: int) -> Iterator[None]:
    """Ten times, evenly spread, all scorer processes are killed right before a request."""
    if stage.sent * (KILLS + 1) // stage.total <= stage.hits:
        yield
        return
    stage.hits += 1
    for replica in stage.replicas:
        replica.signal_scorers(signal.SIGKILL)
    yield


@contextmanager
def restarted(stage: Stage, number: int, of: int) -> Iterator[None]:
    """In the middle of each session the proxy ends and starts; the next request comes as soon as it listens."""
    if number != of // 2:
        yield
        return
    stage.hits += 1
    for replica in stage.replicas:
        replica.stop()
        replica.start(ready=False)
    yield


@contextmanager
def store_locked(stage: Stage, number: int, of: int) -> Iterator[None]:
    """In the middle of each session another process locks the store for two seconds; the session goes on."""
    if number != of // 2:
        yield
        return
    stage.hits += 1
    locking = lock(stage.replicas[0].store, LOCKED)
    yield
    locking.wait()


@dataclass(frozen=True, slots=True)
class Disturbance:
    """One row of the bench.

    change     what the client does to each body
    moment     what happens around each request
    around     what holds for all of it
    replicas   proxies on one store, which get the requests in turn
    """

    name: str
    change: Change = unchanged
    moment: Moment = at_peace
    around: Callable[[], AbstractContextManager[None]] = field(default=nullcontext)
    replicas: int = 1


NONE, BUSY = "none", "all cores busy"

DISTURBANCES = (
    Disturbance(NONE),
    Disturbance("nonce in the system prompt", change=with_nonce),
    Disturbance("system prompt changes once", change=with_new_system),
    Disturbance("reminders come and go", change=with_reminders),
    Disturbance("scorers stopped, 1 request in 10", moment=scorers_stopped),
    Disturbance("scorers killed ten times", moment=scorers_killed),
    Disturbance("proxy restarted in the middle", moment=restarted),
    Disturbance("store locked for 2 s", moment=store_locked),
    Disturbance("two replicas in turn", replicas=2),
    Disturbance(BUSY, around=busy_cores),
)
"""All rows; the first one is what the others are compared with."""
