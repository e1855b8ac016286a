"""How long a request may wait for its decisions: a quarter of the time that the provider will save by them.

For that the front must know what is new in a body without reading it: it compares checksums of beginnings, since a
session's next request begins as its last one did. All of it is an estimate; nothing but time depends on it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeAlias
from zlib import crc32

from contextprune.proxy.job import Answer, Job, Task

BYTES_A_TOKEN = 4
LEAST = 0.05  # seconds that any request may wait: less would leave half of what can be saved
FORGIVEN = 300.0  # seconds after which a session that cost a process is tried again
SHARE = 0.25  # of the prefill saved
_LENGTHS = tuple(int(2048 * 1.5**i) for i in range(18))  # of the beginnings compared, up to 2 MB
_NOTED = 5  # beginnings noted of each body, the longest

Mark: TypeAlias = tuple[str, str, int, int]
"""A beginning of a body: tenant, session, bytes, checksum."""


@dataclass(slots=True)
class LastRequest:
    """A session's last request.

    size     bytes of its body, 0 where a process died over it
    at       when it came, in monotonic seconds
    saved    tokens saved in it
    home     the process that had it, -1 for none
    strikes  processes that the session has cost, one after the other
    """

    size: int
    at: float
    saved: int
    home: int
    strikes: int = 0


class Allowance(NamedTuple):
    """A job with the time that it may take, and what is known of its session.

    job      with its time for new decisions, and what is new in it
    limit    seconds until the front waits no more
    home     the process that knows the session, -1 where none is known to
    saved    tokens saved in the session's last request
    strikes  processes that the session has cost, one after the other
    marks    what its next request will be known by
    """

    job: Job
    limit: float
    home: int = -1
    saved: int = 0
    strikes: int = 0
    marks: Sequence[Mark] = ()


class SessionHistory:
    """The last requests of some thousands of sessions, found by how they began.

    deadline   seconds at most
    prefill    tokens a second that the provider reads
    cache      seconds after which its cache of a session counts as gone
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
        saved = last.saved if last and sure else 0
        tokens = new // BYTES_A_TOKEN
        seconds = seconds_worth(tokens, saved, self._deadline, self._prefill)
        limit = self._deadline if saved else seconds  # a replay is worth all the time there is

        cold = job.cold or (last is not None and sure and now - last.at > self._cache)
        home = last.home if last else -1
        strikes = last.strikes if last and sure and now - last.at <= FORGIVEN else 0
        return Allowance(replace(job, new=tokens, seconds=seconds, cold=cold), limit, home, saved, strikes, marks)

    def note(self, allowance: Allowance, answer: Answer, home: int, now: float) -> None:
        """Remember a request that the process `home` was asked about."""
        counted = answer.final and answer.before > 0
        saved = max(0, answer.before - answer.after) if counted else allowance.saved
        self._keep(allowance, LastRequest(len(allowance.job.body), now, saved, home))

    def strike(self, allowance: Allowance, now: float) -> None:
        """Remember a request over which a process died. When it comes again, it is as new as it was."""
        self._keep(allowance, LastRequest(0, now, allowance.saved, -1, allowance.strikes + 1))

    def _keep(self, allowance: Allowance, last: LastRequest) -> None:
        if allowance.job.task is not Task.SHORTEN:
            return
        for mark in allowance.marks[-_NOTED:]:
            self._last[mark] = last
            self._last.move_to_end(mark)
        while len(self._last) > self._capacity:
            self._last.popitem(last=False)


def seconds_worth(tokens: int, saved: int, deadline: float, prefill: float) -> float:
    """Seconds that deciding about so many new tokens is worth, where the session's last request saved `saved`.

    deadline   seconds at most
    prefill    tokens a second that the provider reads
    """
    return min(deadline, max(LEAST, SHARE * (saved + tokens / 2) / prefill))


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
