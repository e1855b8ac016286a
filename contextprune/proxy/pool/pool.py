"""The scorer processes as the proxy's front sees them: who takes which job, for how long anyone waits, and what then.

The front's timer decides, never the process: a late, dead or hung one costs a request its shortening and its deadline,
nothing else. Each process has one job at a time, so that the order of those that wait stays the front's to choose.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import replace
from math import inf
from time import monotonic
from typing import Any

from contextprune.proxy.job import Answer, Job, Reason, pack, pack_job, pass_through, read_answer
from contextprune.proxy.options import Options
from contextprune.proxy.pool.base import PoolStatus
from contextprune.proxy.pool.breaker import Breaker
from contextprune.proxy.pool.deadlines import BYTES_A_TOKEN, Allowance, SessionHistory, SpeedEstimate
from contextprune.proxy.pool.handover import Handover
from contextprune.proxy.pool.hang import Watch
from contextprune.proxy.pool.launch import Launched, process_count, worker_arguments
from contextprune.proxy.pool.process import ScorerProcess
from contextprune.proxy.pool.queue import SMALL, JobQueue
from contextprune.proxy.pool.shares import Shares
from contextprune.proxy.pool.slot import Slot, Waiting, unavailable

GRACE = 5.0
"""Seconds of CPU time that a process may take for a job beyond its deadline before it counts as hung; where it has none
at all, by the clock, so it is more than a wait for the store."""
SLOWEST = 50_000.0  # tokens a second of a body that an epoch, which cannot be interrupted, is granted besides
MARGIN = 1.5  # of the time that a job is likely to take, there must be so much left when its turn comes
END = 2.0  # seconds that a process may take to end before it is killed
STRIKES = 2  # processes in a row that a session may cost before it is left alone
START = 60.0  # seconds that a process may take to start
FIRST_START = 2.5  # deadlines that a request waits for the first process of all: the proxy itself has just come up
BACKOFF = (0.0, 0.5, 1.0, 2.0, 5.0, 15.0, 30.0)  # seconds before a start, by how many in a row have failed
LONGEST = 30.0  # seconds that anybody waits for a job, the side-car's callers too
UNHURRIED = 5.0  # seconds for an audit, whose request does not wait for it
CATCH_UP = 60.0  # seconds in which a job that was late is counted, or never
CATCH_UP_PAUSE = 0.5  # seconds between two looks for a process that has time for that
LEAST_TOKENS = 200  # what any job counts for in the queue
PARSED = 20  # tokens that are only read and replayed cost as much as one that is new
_log = logging.getLogger("contextprune.proxy")


class ScorerPool:
    """Starts the processes, keeps them alive, and answers in time whatever they do. Belongs to one event loop.

    launched  a process that has been started already, which is taken for the first one
    grace     see GRACE
    breaker   makes the breaker of a process
    """

    def __init__(
        self,
        options: Options,
        *,
        launched: Launched | None = None,
        grace: float = GRACE,
        breaker: Callable[[], Breaker] = lambda: Breaker(monotonic),
    ) -> None:
        self._options, self._grace, self._launched = options, grace, launched
        self._sessions = SessionHistory(options.deadline, options.prefill, options.cache_seconds)
        self._shares = Shares()
        self._queue: JobQueue[Waiting] = JobQueue(
            options.queue_tokens, lambda tenant: self._shares.lately(tenant, monotonic())
        )
        count = process_count(options)
        self._slots = [Slot(i, count > 1 and i == 0, breaker()) for i in range(count)]

        self._speed = SpeedEstimate()
        self._start_seconds = 0.0  # that the last start took
        self._waiting: dict[int, Waiting] = {}
        self._ended = asyncio.Event()
        self._handover = Handover()
        self._restarts = 0
        self._trouble = self._warned = ""
        self._changed = asyncio.Event()
        self._chores: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Start all processes, and wait until each is up or has failed; jobs are taken as soon as one is up.

        One that takes all jobs is first, so that none slows it down; with a store in memory it stays alone.
        """
        *later, first = self._slots
        for group in ([first], later):
            slots = [] if self._handover.single else group
            for slot in slots:
                self._schedule(self._start_process(slot))
            while not self._ended.is_set() and not all(slot.ready or slot.failed_starts for slot in slots):
                self._changed.clear()
                await self._changed.wait()

    async def stop(self) -> None:
        """End all processes. Requests that still wait are sent as they were received."""
        self._ended.set()
        self._changed.set()
        for waiting in list(self._waiting.values()):
            waiting.settle(pass_through(waiting.job, Reason.OFF))
        await asyncio.gather(*(slot.process.end(END) for slot in self._slots if slot.process is not None))
        while self._chores:
            await asyncio.gather(*self._chores, return_exceptions=True)

    @property
    def ready(self) -> bool:
        """True where a process is up."""
        return any(slot.ready for slot in self._slots)

    def pids(self) -> list[int]:
        """Ids of the processes that are up, the one for small jobs first."""
        return [slot.process.pid for slot in self._slots if slot.process is not None and slot.ready]

    def status(self) -> PoolStatus:
        """State at this moment."""
        states = [slot.breaker.state for slot in self._slots if slot.breaker.state != "closed"]
        return PoolStatus(
            queue_tokens=self._queue.tokens,
            waiting=len(self._queue),
            in_flight=sum(slot.current is not None for slot in self._slots),
            ready=sum(slot.ready for slot in self._slots),
            restarts=self._restarts,
            breaker=states[0] if states else "closed",
            trouble=self._trouble,
        )

    async def ask(self, job: Job) -> Answer:
        """The answer to a job, in time; where there is none, that it is to be sent as it was received, and why."""
        now = monotonic()
        allowance = self._sessions.allow(job, now)
        limit = self._limit(allowance)
        waiting = Waiting(allowance, asyncio.get_running_loop().create_future(), now, now + limit)
        answer = await self._answer_to(waiting)
        if not waiting.crashed:  # it goes up whether a process had it or not
            self._sessions.note(allowance, waiting.slot.number if waiting.slot else allowance.home, monotonic())
        self._handover.noted(job, answer.notes)
        return answer

    async def catch_up(self, job: Job) -> Answer:
        """Count a job that came too late, and prepare what was late in it, once a process has time; see `Pool`."""
        patience = monotonic() + CATCH_UP
        while monotonic() < patience and not self._ended.is_set():
            await asyncio.sleep(CATCH_UP_PAUSE)
            status = self.status()
            if status.ready and not status.waiting and status.breaker == "closed":
                waiting = _waiting(replace(job, seconds=0.0), UNHURRIED, self._sessions.home(job))
                answer = await self._answer_to(waiting)
                if waiting.slot is not None:  # which has what was prepared
                    self._sessions.moved(job, waiting.slot.number)
                if answer.before:
                    return answer
        return pass_through(job, Reason.LATE)

    def failed(self, job: Job) -> None:
        """The provider has not taken a job's request, so that its cache does not hold it."""
        self._sessions.failed(job)

    def refused(self, job: Job) -> None:
        """The provider refused our version of a job's body and took the original: its conversation is left alone."""
        message = self._handover.refused(job)
        for process in [s.process for s in self._slots if s.process is not None and s.ready]:  # each may hold it
            process.send(message)

    async def _answer_to(self, waiting: Waiting) -> Answer:
        """Hand a job to a process or put it into the queue, and wait for its answer until it expires."""
        job, allowance = waiting.job, waiting.allowance
        slots = self._slots_for(job)
        self._shares.note_request(job.tenant, waiting.arrived)
        reason = unavailable(slots, self._start_seconds, waiting.expires)
        reason = Reason.CRASHED if allowance.strikes >= STRIKES else reason
        if not _is_small(job) and self._shares.is_in_debt(job.tenant, waiting.arrived):
            reason = reason or Reason.BUSY
        if reason or self._ended.is_set():
            return pass_through(job, reason or Reason.OFF)

        # A free process takes it: best the one that knows the session, then the one for small jobs.
        free = [slot for slot in slots if slot.free]
        if free:
            self._assign(min(free, key=lambda slot: (slot.number != allowance.home, not slot.small)), waiting)
        elif not self._enqueue(waiting, len(slots)):
            return pass_through(job, Reason.BUSY)

        self._waiting[job.number] = waiting
        timer = asyncio.get_running_loop().call_later(waiting.expires - monotonic(), self._expire, waiting)
        try:
            return await waiting.answer
        except asyncio.CancelledError:
            self._withdraw(waiting, "cancel")
            raise
        finally:
            timer.cancel()
            self._waiting.pop(job.number, None)

    def _limit(self, allowance: Allowance) -> float:
        """Seconds that a request waits at most: longer while no process is up, since a start is rare."""
        job, limit = allowance.job, min(allowance.limit, LONGEST)
        if job.audit:
            return max(allowance.limit, UNHURRIED)
        if any(slot.ready for slot in self._slots_for(job)):
            return limit
        start = FIRST_START if not self._start_seconds else 1.0
        return max(limit, start * self._options.deadline)

    def _slots_for(self, job: Job) -> list[Slot]:
        """The slots whose processes take a job of its size."""
        return [slot for slot in self._slots if not slot.small or _is_small(job)]

    def _enqueue(self, waiting: Waiting, slots: int) -> bool:
        """Put a job into the queue; False where it has no room, or where so many processes will be too late for it."""
        job, tokens = waiting.job, _tokens(waiting.job)
        ahead = self._queue.ahead(tokens, waiting.arrived, job.tenant)
        seconds = self._speed.seconds(ahead) / slots + MARGIN * self._speed.seconds(tokens)
        if seconds > waiting.expires - waiting.arrived:
            return False
        shed = self._queue.put(job.number, tokens, waiting, waiting.arrived, job.tenant)
        for dropped in shed:
            dropped.settle(pass_through(dropped.job, Reason.BUSY))
        return waiting not in shed

    def _assign(self, slot: Slot, waiting: Waiting) -> None:
        """Let a process work on a job, and kill it where it hangs over it."""
        assert slot.process is not None
        now = monotonic()
        slot.current, waiting.slot, waiting.started, slot.overdue = waiting, slot, now, inf
        slot.breaker.begin()

        job, left = waiting.job, max(0.0, waiting.expires - now)
        slot.process.send(pack_job(replace(job, seconds=min(job.seconds, left))))
        patience = left + self._grace + len(job.body) / BYTES_A_TOKEN / SLOWEST
        watch = Watch(slot.process.pid, patience, now)
        slot.timer = asyncio.get_running_loop().call_later(patience, self._kill_hung, slot, waiting, watch)

    def _assign_next(self, slot: Slot) -> None:
        """Give a process that is free the next job that waits."""
        while slot.free and not self._ended.is_set():
            waiting = self._queue.take(small=slot.small)
            if waiting is None:
                return
            if waiting.expires - monotonic() < MARGIN * self._speed.seconds(_tokens(waiting.job)):
                waiting.settle(pass_through(waiting.job, Reason.BUSY))  # it, and those behind it, would be late
            elif not waiting.answer.done():
                self._assign(slot, waiting)

    def _expire(self, waiting: Waiting) -> None:
        """Wait no longer."""
        self._withdraw(waiting, "late")
        in_start = waiting.slot is None and not self.ready
        waiting.settle(pass_through(waiting.job, Reason.STARTING if in_start else Reason.LATE))

    def _withdraw(self, waiting: Waiting, word: str) -> None:
        """Take a job out of the queue, or tell the process that has it that nobody waits for it."""
        slot = waiting.slot
        if slot is None:
            self._queue.drop(waiting.job.number)
        elif slot.current is waiting and slot.process is not None:
            slot.overdue = monotonic()
            slot.process.send(pack({"word": word, "number": waiting.job.number}))

    def _kill_hung(self, slot: Slot, waiting: Waiting, watch: Watch) -> None:
        """Kill a process that hangs over a job, and look again later at one that is only slow."""
        if slot.current is not waiting or slot.process is None:
            return
        if left := watch.seconds_left(monotonic()):
            slot.timer = asyncio.get_running_loop().call_later(left, self._kill_hung, slot, waiting, watch)
            return
        _log.warning("a scorer process hung over a body of %d bytes for %s: killed", len(waiting.job.body), watch)
        slot.process.kill()

    def _charge(self, slot: Slot, waiting: Waiting) -> None:
        """Count what a job took of a process for its tenant."""
        now = monotonic()
        self._shares.use(waiting.job.tenant, now - waiting.started, max(0.0, now - slot.overdue), now)

    async def _start_process(self, slot: Slot) -> None:
        """Start a process in a slot, after a while where that has failed before."""
        slot.start_began = None if slot.failed_starts else monotonic()
        with suppress(TimeoutError):
            async with asyncio.timeout(BACKOFF[min(slot.failed_starts, len(BACKOFF) - 1)]):
                await self._ended.wait()
        if self._ended.is_set():
            return

        process = slot.process = ScorerProcess(slot.number, self._on_message, self._on_closed)
        launched, self._launched = self._launched, None
        try:
            await process.start(worker_arguments(self._options), launched)
        except OSError as exc:
            self._trouble = f"no scorer process could be started: {exc}"
            self._warn(self._trouble)
            self._on_lost(slot)
            return

        if self._ended.is_set():
            await process.end(END)
            return
        slot.timer = asyncio.get_running_loop().call_later(START, process.kill)

    def _on_message(self, process: ScorerProcess, head: dict[str, Any], parts: Sequence[bytes | None]) -> None:
        """Act on a message of a process."""
        slot = self._slots[process.number]
        if slot.process is not process:
            return
        if head["word"] == "answer":
            self._on_answer(slot, read_answer(head, list(parts)))
        elif head["word"] == "ready":
            self._on_ready(slot, process, head)
        elif head["word"] == "failed":
            self._trouble = head["why"]
            self._warn(f"no scorer starts, so every request passes unchanged: {self._trouble}")

    def _on_ready(self, slot: Slot, process: ScorerProcess, head: dict[str, Any]) -> None:
        """A process is up; the "trouble" in `head` is why it can keep no originals."""
        self._handover.single, trouble = head.get("single", False), head.get("trouble", "")
        self._handover.send_all(process.send)
        self._warn(f"every request passes unchanged: {trouble}" if trouble else "")
        if slot.start_began is not None:
            self._start_seconds = monotonic() - slot.start_began
        slot.ready, slot.failed_starts, slot.start_began, self._trouble = True, 0, None, ""
        slot.stop_timer()
        self._changed.set()
        self._assign_next(slot)

    def _on_answer(self, slot: Slot, answer: Answer) -> None:
        """Hand an answer on, and give the process that it comes from its next job."""
        waiting = slot.current
        if waiting is None or waiting.job.number != answer.number:
            return
        self._charge(slot, waiting)
        slot.stop_timer()
        slot.current, slot.overdue = None, inf
        slot.breaker.worked()
        self._speed.learn(_tokens(waiting.job), monotonic() - waiting.started)
        waiting.settle(replace(answer, seconds={"waited": waiting.started - waiting.arrived, **answer.seconds}))
        self._assign_next(slot)

    def _on_closed(self, process: ScorerProcess) -> None:
        """A process is dead, or as good as."""
        if not self._ended.is_set():
            process.kill()
        slot = self._slots[process.number]
        self._schedule(process.end(END))
        if slot.process is process:
            self._on_lost(slot)

    def _on_lost(self, slot: Slot) -> None:
        """Answer for a process that is no more, and start another one."""
        waiting, was_ready = slot.current, slot.ready
        if waiting is not None:
            self._charge(slot, waiting)
        slot.stop_timer()
        slot.process, slot.current, slot.ready, slot.overdue, slot.start_began = None, None, False, inf, None
        slot.failed_starts = 0 if was_ready else slot.failed_starts + 1
        self._changed.set()

        if waiting is not None:
            slot.breaker.failed()
            waiting.crashed = True
            self._sessions.strike(waiting.allowance, monotonic())
            waiting.settle(pass_through(waiting.job, Reason.CRASHED))

        if not self._ended.is_set():
            self._restarts += 1
            self._schedule(self._start_process(slot))

    def _schedule(self, chore: Coroutine[Any, Any, None]) -> None:
        """Do something besides, whose end `stop` waits for."""
        task = asyncio.get_running_loop().create_task(chore)
        self._chores.add(task)
        task.add_done_callback(self._chores.discard)

    def _warn(self, sentence: str) -> None:
        """Say why nothing is shortened; once, though every process finds it out."""
        if sentence and sentence != self._warned:
            _log.warning("%s", sentence)
        self._warned = sentence


def _waiting(job: Job, seconds: float, home: int) -> Waiting:
    """A job for which nobody waits with a request, best for the process `home`."""
    now = monotonic()
    return Waiting(Allowance(job, seconds, home), asyncio.get_running_loop().create_future(), now, now + seconds)


def _is_small(job: Job) -> bool:
    """True for a job that the process for small ones takes. One that is counted late has all of its body to be read."""
    return job.new <= SMALL and (job.seconds > 0 or len(job.body) <= SMALL * BYTES_A_TOKEN)


def _tokens(job: Job) -> int:
    """Tokens that a job counts for: what is new in it, and a little for reading the rest."""
    return max(LEAST_TOKENS, job.new + len(job.body) // (BYTES_A_TOKEN * PARSED))
