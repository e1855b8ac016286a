"""How long a request may wait for its decisions: a share of the time that the provider takes to read what is new.

For that the front must know what is new in a body without reading it: it compares checksums of beginnings, since a
session's next request begins as its last one did. All of it is an estimate; nothing but time depends on it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeAlias
from zlib import crc32

from contextprune.money.expiry import asked_lifetime
from contextprune.proxy.job import Job, Task

BYTES_A_TOKEN = 4
LEAST = 0.3  # seconds that any request may wait, beside a first token that takes one or more
FORGIVEN = 300.0  # seconds after which a session that cost a process is tried again
SHARE = 0.5  # of the time in which the provider reads what is new; docs/explanation/proxy.md has the measurement
_LENGTHS = tuple(int(2048 * 1.5**i) for i in range(18))  # of the beginnings compared, up to 2 MB
_NOTED = 5  # beginnings noted of each body, the longest

Mark: TypeAlias = tuple[str, str, int, int]
"""A beginning of a body: tenant, session, bytes, checksum."""


@dataclass(slots=True)
class LastRequest:
    """A session's last request.

    size     bytes of its body, 0 where a process died over it
    at       when it came, in monotonic seconds
    home     the process that had it, -1 for none
    strikes  processes that the session has cost, one after the other
    reached  the provider has taken it, so that its cache may hold it
    """

    size: int
    at: float
    home: int
    strikes: int = 0
    reached: bool = True


class Allowance(NamedTuple):
    """A job with the time that it may take, and what is known of its session.

    job      with its time for new decisions, and what is new in it
    limit    seconds until the front waits no more
    home     the process that knows the session, -1 where none is known to
    strikes  processes that the session has cost, one after the other
    marks    what its next request will be known by
    """

    job: Job
    limit: float
    home: int = -1
    strikes: int = 0
    marks: Sequence[Mark] = ()


class SessionHistory:
    """The last requests of some thousands of sessions, found by how they began.

    deadline   seconds at most
    prefill    tokens a second that the provider reads
    cache      seconds after which its cache of a session counts as gone, and never before what the request asks for
    capacity   beginnings that are remembered
    """

    def __init__(self, deadline: float, prefill: float, cache: float, capacity: int = 20_000) -> None:
        self._deadline, self._prefill, self._cache, self._capacity = deadline, prefill, cache, capacity
        self._last: OrderedDict[Mark, LastRequest] = OrderedDict()

    def __len__(self) -> int:
        return len(self._last)

    def allow(self, job: Job, now: float) -> Allowance:
        """Set the time of a job that came `now`, in monotonic seconds."""
        size = len(job.body)
        if job.task not in (Task.SHORTEN, Task.COUNT):
            return Allowance(replace(job, new=size // BYTES_A_TOKEN), job.seconds)

        # The session's last request is the one that shares the longest beginning with this one.
        marks = _marks(job)
        mark = next((mark for mark in reversed(marks) if mark in self._last), None)
        last = self._last[mark] if mark else None
        shared = mark[2] if mark else 0  # bytes
        sure = last is not None and 1.5 * shared > min(last.size or size, size, _LENGTHS[-1])

        # What is new in it, and the time that deciding about that is worth.
        new = max(0, size - last.size) if last and sure else size - shared
        tokens = new // BYTES_A_TOKEN
        seconds = seconds_worth(tokens, self._deadline, self._prefill)

        idle = now - last.at if last is not None and sure else 0.0
        cold = job.cold or (idle > self._cache and idle > asked_lifetime(job.body))
        uncached = last is not None and sure and not last.reached
        home = last.home if last else -1
        strikes = last.strikes if last and sure and now - last.at <= FORGIVEN else 0
        job = replace(job, new=tokens, seconds=seconds, cold=cold, uncached=uncached)
        return Allowance(job, seconds, home, strikes, marks)

    def note(self, allowance: Allowance, home: int, now: float) -> None:
        """Remember a request that the process `home` was asked about."""
        self._keep(allowance, LastRequest(len(allowance.job.body), now, home))

    def strike(self, allowance: Allowance, now: float) -> None:
        """Remember a request over which a process died. When it comes again, it is as new as it was."""
        self._keep(allowance, LastRequest(0, now, -1, allowance.strikes + 1))

    def failed(self, job: Job) -> None:
        """Remember that the provider has not taken a request."""
        if (last := self._noted(job)) is not None:
            last.reached = False

    def home(self, job: Job) -> int:
        """The process that knows the session of a request that was noted; -1 for none."""
        last = self._noted(job)
        return last.home if last is not None else -1

    def moved(self, job: Job, home: int) -> None:
        """Remember the process that now knows the session of a request that was noted."""
        if (last := self._noted(job)) is not None:
            last.home = home

    def _noted(self, job: Job) -> LastRequest | None:
        """What is remembered of this very request; None where another one came after it."""
        last = next((self._last[mark] for mark in reversed(_marks(job)) if mark in self._last), None)
        return last if last is not None and last.size == len(job.body) else None

    def _keep(self, allowance: Allowance, last: LastRequest) -> None:
        if allowance.job.task is not Task.SHORTEN:
            return
        for mark in allowance.marks[-_NOTED:]:
            self._last[mark] = last
            self._last.move_to_end(mark)
        while len(self._last) > self._capacity:
            self._last.popitem(last=False)


def seconds_worth(tokens: int, deadline: float, prefill: float) -> float:
    """Seconds that deciding about so many new tokens is worth.

    deadline   seconds at most
    prefill    tokens a second that the provider reads
    """
    return min(deadline, max(LEAST, SHARE * tokens / prefill))


class SpeedEstimate:
    """Seconds that a job takes, by its tokens, learnt from those before; the memory of them fades."""

    def __init__(self, seconds: float = 1e-6) -> None:
        self._seconds = seconds

    def learn(self, tokens: int, seconds: float) -> None:
        """Take a job of so many tokens into account, which took so long."""
        self._seconds += 0.1 * (min(seconds / tokens, 4 * self._seconds) - self._seconds)

    def seconds(self, tokens: int) -> float:
        """Seconds that so many tokens will take."""
        return tokens * self._seconds


def _marks(job: Job) -> list[Mark]:
    """The beginnings of a body, the shortest first: about 1 ms for 2 MB."""
    marks: list[Mark] = []
    view, at, checksum = memoryview(job.body), 0, 0
    for length in _LENGTHS:
        if length > len(view):
            break
        checksum = crc32(view[at:length], checksum)
        at = length
        marks.append((job.tenant, job.session, length, checksum))
    return marks
