"""The scorer processes as the proxy's front sees them: who takes which job, for how long anyone waits, and what then.

The front's timer decides, never the process: a late, dead or hung one costs a request its shortening and its deadline,
nothing else. Each process has one job at a time, so that the order of those that wait stays the front's to choose.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from math import inf
from time import monotonic
from typing import Any

from contextprune.proxy.job import Answer, Job, Reason, pack, pack_job, pass_through, read_answer
from contextprune.proxy.options import Options
from contextprune.proxy.pool.breaker import Breaker
from contextprune.proxy.pool.deadlines import BYTES_A_TOKEN, Allowed, Cost, Sessions
from contextprune.proxy.pool.launch import Begun, arguments, processes
from contextprune.proxy.pool.process import Spawned
from contextprune.proxy.pool.queue import SMALL, Waiting

GRACE = 2.0  # seconds after its deadline that a process may take for a job before it counts as hung
SLOWEST = 50_000.0  # tokens a second of a body that an epoch, which cannot be interrupted, is granted besides
STUCK = 0.25  # seconds after which one whose job nobody waits for is not expected to be free soon
MARGIN = 1.5  # of the time that a job is likely to take, there must be so much left when its turn comes
STRIKES = 2  # processes in a row that a session may cost before it is left alone
START = 60.0  # seconds that a process may take to start
BACKOFF = (0.0, 0.5, 1.0, 2.0, 5.0, 15.0, 30.0)  # seconds before a start, by how many in a row have failed
LONGEST = 30.0  # seconds that anybody waits for a job, the side-car's callers too
UNHURRIED = 5.0  # seconds for an audit, whose request does not wait for it
LEAST_TOKENS = 200  # what any job counts for in the queue
PARSED = 20  # tokens that are only read and replayed cost as much as one that is new
_log = logging.getLogger("contextprune.proxy")


@dataclass(frozen=True, slots=True)
class Figures:
    """How the scorers stand at a moment.

    queue_tokens   that wait; `waiting` jobs have them
    in_flight      jobs that a process works on
    ready          processes that are up
    restarts       processes that were started anew, since the front began
    breaker        "closed", or the state of a process that is being left alone
    trouble        why the last process could not start, "" where all could
    """

    queue_tokens: int
    waiting: int
    in_flight: int
    ready: int
    restarts: int
    breaker: str
    trouble: str


@dataclass(slots=True, eq=False)
class _Asked:
    """A job that somebody waits for. `ends`: when the front gives up on it."""

    allowed: Allowed
    answer: asyncio.Future[Answer]
    since: float
    ends: float
    begun: float = 0.0
    replay: Answer | None = None
    seat: _Seat | None = None
    crashed: bool = False

    @property
    def job(self) -> Job:
        return self.allowed.job


@dataclass(slots=True, eq=False)
class _Seat:
    """A place for one process, and who sits there. `small`: it takes small jobs only."""

    number: int
    small: bool
    breaker: Breaker
    process: Spawned | None = None
    ready: bool = False
    asked: _Asked | None = None  # what the process works on, even if nobody waits for it any more
    overdue: float = inf  # since when nobody waits for it any more
    watch: asyncio.TimerHandle | None = None
    failed_starts: int = 0


class Scorers:
    """Starts the processes, keeps them alive, and answers in time whatever they do. Belongs to one event loop.

    begun     a process that has been started already, which is taken for the first one
    grace     see GRACE
    breaker   makes the breaker of a process
    """

    def __init__(
        self,
        options: Options,
        *,
        begun: Begun | None = None,
        grace: float = GRACE,
        breaker: Callable[[], Breaker] = lambda: Breaker(monotonic),
    ) -> None:
        self._options, self._grace, self._begun = options, grace, begun
        self._sessions = Sessions(options.deadline, options.prefill, options.cache_seconds)
        self._waiting: Waiting[_Asked] = Waiting(options.queue_tokens)
        count = processes(options)
        self._seats = [_Seat(i, count > 1 and i == 0, breaker()) for i in range(count)]
        self._cost = Cost()
        self._running: dict[int, _Asked] = {}
        self._ended = asyncio.Event()
        self._restarts = 0
        self._trouble = self._warned = ""
        self._changed = asyncio.Event()
        self._chores: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Start all processes, and wait until each is up or has failed; jobs are taken as soon as one is up.

        One that takes all jobs is the first; the others follow it, so that they do not slow it down.
        """
        *others, first = self._seats
        for seats in ([first], others):
            for seat in seats:
                self._begin(seat)
            while not self._ended.is_set() and not all(seat.ready or seat.failed_starts for seat in seats):
                self._changed.clear()
                await self._changed.wait()

    async def stop(self) -> None:
        """End all processes. Whoever still waits is told to send what was received."""
        self._ended.set()
        self._changed.set()
        for asked in list(self._running.values()):
            _tell(asked, pass_through(asked.job, Reason.OFF))
        await asyncio.gather(*(seat.process.end(self._grace) for seat in self._seats if seat.process is not None))
        while self._chores:
            await asyncio.gather(*self._chores, return_exceptions=True)

    @property
    def ready(self) -> bool:
        """Whether a process is up."""
        return any(seat.ready for seat in self._seats)

    def figures(self) -> Figures:
        """How things stand."""
        states = [seat.breaker.state for seat in self._seats if seat.breaker.state != "closed"]
        return Figures(
            queue_tokens=self._waiting.tokens,
            waiting=len(self._waiting),
            in_flight=sum(seat.asked is not None for seat in self._seats),
            ready=sum(seat.ready for seat in self._seats),
            restarts=self._restarts,
            breaker=states[0] if states else "closed",
            trouble=self._trouble,
        )

    async def ask(self, job: Job) -> Answer:
        """The answer to a job, in time; where there is none, that it is to be sent as it was received, and why."""
        now = monotonic()
        allowed = self._sessions.allow(job, now)
        limit = max(allowed.limit, UNHURRIED) if job.audit else min(allowed.limit, LONGEST)
        asked = _Asked(allowed, asyncio.get_running_loop().create_future(), now, now + limit)
        answer = await self._waited(asked)
        if asked.seat is not None and not asked.crashed:
            self._sessions.note(allowed, answer, asked.seat.number, monotonic())
        return answer

    def refused(self, job: Job) -> None:
        """The provider refused our version of a job's body and took the original: its conversation is left alone."""
        for seat in self._seats:  # each may hold the conversation
            if seat.process is not None and seat.ready:
                seat.process.send(pack_job(job, "refused"))

    async def _waited(self, asked: _Asked) -> Answer:
        seats = [seat for seat in self._seats if not seat.small or asked.job.new <= SMALL]
        reason = Reason.CRASHED if asked.allowed.strikes >= STRIKES else _unavailable(seats)
        if reason or self._ended.is_set():
            return pass_through(asked.job, reason or Reason.OFF)
        number, tokens = asked.job.number, _tokens(asked.job)
        free = [seat for seat in seats if _is_free(seat)]
        if free:
            self._give(min(free, key=lambda seat: (seat.number != asked.allowed.home, not seat.small)), asked)
        elif not self._has_time(asked, tokens, len(seats)) or not self._waiting.put(number, tokens, asked, asked.since):
            return pass_through(asked.job, Reason.BUSY)
        self._running[number] = asked
        timer = asyncio.get_running_loop().call_later(asked.ends - monotonic(), self._late, asked)
        try:
            return await asked.answer
        except asyncio.CancelledError:
            self._drop(asked, "cancel")
            raise
        finally:
            timer.cancel()
            self._running.pop(number, None)

    def _has_time(self, asked: _Asked, tokens: int, seats: int) -> bool:
        """Whether so many processes will have done what waits in time to do this job, too."""
        wait = self._cost.seconds(self._waiting.tokens) / seats
        return wait + MARGIN * self._cost.seconds(tokens) <= asked.ends - asked.since

    def _give(self, seat: _Seat, asked: _Asked) -> None:
        """Let a process work on a job."""
        assert seat.process is not None
        now = monotonic()
        seat.asked, asked.seat, asked.begun, seat.overdue = asked, seat, now, inf
        seat.breaker.begin()
        left = max(0.0, asked.ends - now)
        seat.process.send(pack_job(replace(asked.job, seconds=min(asked.job.seconds, left))))
        patience = left + self._grace + len(asked.job.body) / BYTES_A_TOKEN / SLOWEST
        seat.watch = asyncio.get_running_loop().call_later(patience, self._hung, seat, asked)

    def _late(self, asked: _Asked) -> None:
        """Nobody waits any longer: what earlier requests sent is sent again, if that much is known."""
        self._drop(asked, "late")
        _tell(asked, asked.replay or pass_through(asked.job, Reason.LATE))

    def _drop(self, asked: _Asked, word: str) -> None:
        """Tell whoever has the job that nobody waits for it."""
        seat = asked.seat
        if seat is None:
            self._waiting.drop(asked.job.number)
        elif seat.asked is asked and seat.process is not None:
            seat.overdue = monotonic()
            seat.process.send(pack({"word": word, "number": asked.job.number, "replayed": bool(asked.replay)}))

    def _hung(self, seat: _Seat, asked: _Asked) -> None:
        if seat.asked is asked and seat.process is not None:
            seat.process.kill()

    def _next(self, seat: _Seat) -> None:
        """Give a process that is free the next job that waits."""
        while _is_free(seat) and not self._ended.is_set():
            asked = self._waiting.take(small=seat.small)
            if asked is None:
                return
            if asked.ends - monotonic() < MARGIN * self._cost.seconds(_tokens(asked.job)):
                _tell(asked, pass_through(asked.job, Reason.BUSY))  # it would be late, and so would those behind it
            elif not asked.answer.done():
                self._give(seat, asked)

    def _begin(self, seat: _Seat) -> None:
        """Start a process in a seat, after a while where that has failed before."""
        self._later(self._started(seat))

    async def _started(self, seat: _Seat) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(BACKOFF[min(seat.failed_starts, len(BACKOFF) - 1)]):
                await self._ended.wait()
        if self._ended.is_set():
            return
        process = seat.process = Spawned(seat.number, self._heard, self._gone)
        begun, self._begun = self._begun, None
        try:
            await process.start(arguments(self._options), begun)
        except OSError as exc:
            self._trouble = f"no scorer process could be started: {exc}"
            self._warn(self._trouble)
            self._lost(seat)
            return
        if self._ended.is_set():
            await process.end(self._grace)
            return
        seat.watch = asyncio.get_running_loop().call_later(START, process.kill)

    def _heard(self, process: Spawned, head: dict[str, Any], parts: Sequence[bytes | None]) -> None:
        """A message of a process."""
        seat = self._seats[process.place]
        if seat.process is not process:
            return
        if head["word"] == "answer":
            self._answered(seat, read_answer(head, list(parts)))
        elif head["word"] == "ready":
            trouble = head.get("trouble", "")
            self._warn(f"every request passes unchanged: {trouble}" if trouble else "")
            seat.ready, seat.failed_starts, self._trouble = True, 0, ""
            _unwatch(seat)
            self._changed.set()
            self._next(seat)
        elif head["word"] == "failed":
            self._trouble = head["why"]
            self._warn(f"no scorer starts, so every request passes unchanged: {self._trouble}")

    def _warn(self, said: str) -> None:
        """Say why nothing is shortened; once, though every process finds it out."""
        if said and said != self._warned:
            _log.warning("%s", said)
        self._warned = said

    def _answered(self, seat: _Seat, answer: Answer) -> None:
        asked = seat.asked
        if asked is None or asked.job.number != answer.number:
            return
        if not answer.final:
            asked.replay = answer
            return
        _unwatch(seat)
        seat.asked, seat.overdue = None, inf
        seat.breaker.worked()
        self._cost.learn(_tokens(asked.job), monotonic() - asked.begun)
        said = asked.replay if answer.status == "passed" and asked.replay is not None else answer
        _tell(asked, replace(said, seconds={"waited": asked.begun - asked.since, **said.seconds}))
        self._next(seat)

    def _gone(self, process: Spawned) -> None:
        """A process is dead, or as good as."""
        if not self._ended.is_set():
            process.kill()
        seat = self._seats[process.place]
        self._later(process.end(self._grace))
        if seat.process is process:
            self._lost(seat)

    def _later(self, chore: Coroutine[Any, Any, None]) -> None:
        """Do something besides, whose end `stop` waits for."""
        task = asyncio.get_running_loop().create_task(chore)
        self._chores.add(task)
        task.add_done_callback(self._chores.discard)

    def _lost(self, seat: _Seat) -> None:
        asked, was_ready = seat.asked, seat.ready
        _unwatch(seat)
        seat.process, seat.asked, seat.ready, seat.overdue = None, None, False, inf
        seat.failed_starts = 0 if was_ready else seat.failed_starts + 1
        self._changed.set()
        if asked is not None:
            seat.breaker.failed()
            asked.crashed = True
            self._sessions.strike(asked.allowed, monotonic())
            _tell(asked, asked.replay or pass_through(asked.job, Reason.CRASHED))
        if not self._ended.is_set():
            self._restarts += 1
            self._begin(seat)


def _tell(asked: _Asked, answer: Answer) -> None:
    if not asked.answer.done():
        asked.answer.set_result(answer)


def _is_free(seat: _Seat) -> bool:
    return seat.ready and seat.asked is None and seat.breaker.allows


def _unavailable(seats: Sequence[_Seat]) -> Reason | None:
    """Why none of these processes will take a job soon; None where one will."""
    up = [seat for seat in seats if seat.ready]
    if not up:
        return Reason.STARTING
    if not any(seat.asked is not None or seat.breaker.allows for seat in up):
        return Reason.BREAKER
    now = monotonic()
    return Reason.BUSY if all(now - seat.overdue > STUCK for seat in up) else None


def _tokens(job: Job) -> int:
    """What a job counts for: what is new in it, and a little for reading the rest."""
    return max(LEAST_TOKENS, job.new + len(job.body) // (BYTES_A_TOKEN * PARSED))


def _unwatch(seat: _Seat) -> None:
    if seat.watch is not None:
        seat.watch.cancel()
        seat.watch = None
