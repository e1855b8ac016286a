"""The monitor: tells each finished request to the recent ones, the sums, the canary, logs and traces."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from contextprune.proxy.job import Answer
from contextprune.proxy.options import Options
from contextprune.proxy.pool.base import PoolStatus
from contextprune.proxy.telemetry.billing import Billing, Sessions, billing_of, with_counts
from contextprune.proxy.telemetry.canary import Canary, Warned
from contextprune.proxy.telemetry.peers import Peers
from contextprune.proxy.telemetry.prometheus import exposition
from contextprune.proxy.telemetry.record import Recent, RequestRecord
from contextprune.proxy.telemetry.series import Series, Sums, added, savings
from contextprune.proxy.telemetry.totals import Totals, day_of
from contextprune.proxy.telemetry.totals_file import SessionTotal

UNCOUNTED = 1000  # requests without counts that are held until theirs come


class Watcher(Protocol):
    """A log or a tracer, which is called after each finished request."""

    def finished(self, record: RequestRecord) -> None:
        """Take a request that is over."""
        ...

    def counted(self, record: RequestRecord) -> None:
        """Take a request again whose tokens became known after its end."""
        ...

    def silent(self, warned: Warned) -> None:
        """Take a warning of the canary."""
        ...


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state of the proxy at a moment, copied, so that a thread can draw it while requests go on.

    now           seconds of the clock; uptime: since the start; wall: since 1970
    hour, day     sums by the minute and by the quarter hour, the last one being now
    total         sums since the start
    pool          state of the scorer processes; None before it was first asked for
    month         sums of this month's days by day; sessions: those seen last; both of all processes and runs
    unreachable   why an upstream could not be reached the last time, by its name
    """

    options: Options
    now: float
    uptime: float
    wall: float
    in_flight: int
    hour: Sequence[Sums]
    day: Sequence[Sums]
    total: Sums
    recent: Sequence[RequestRecord]
    pool: PoolStatus | None
    warned: Warned | None
    peers: Peers | None = None
    unreachable: Mapping[str, str] = field(default_factory=dict, hash=False)
    totals: Totals | None = None
    month: Mapping[str, Sums] = field(default_factory=dict, hash=False)
    sessions: Sequence[SessionTotal] = ()

    @property
    def today(self) -> str:
        """The name of this day among those of the month."""
        return day_of(self.wall)

    def with_totals(self, sessions: int) -> Snapshot:
        """The same with this month's days, and with so many sessions. Reads a file."""
        if self.totals is None:
            return self
        month = self.totals.days(f"{self.today[:7]}-01", self.today)
        return replace(self, month=month, sessions=self.totals.sessions(sessions))

    def with_peers(self) -> Snapshot:
        """The same with the sums of the other processes of this server. Reads files."""
        if self.peers is None:
            return self
        series, in_flight = self.peers.read()
        hours = [peer.steps(self.now) for peer in series]
        days = [peer.steps(self.now, day=True) for peer in series]
        return replace(
            self,
            in_flight=self.in_flight + in_flight,
            hour=[added(sums) for sums in zip(self.hour, *hours, strict=True)],
            day=[added(sums) for sums in zip(self.day, *days, strict=True)],
            total=added((self.total, *(peer.total for peer in series))),
        )


class Monitor:
    """Counts requests, and tells what they came to. Belongs to one event loop.

    clock    seconds that never go back; wall: seconds since 1970, for people
    peers    the sums of the other processes of the same server, None where there are none
    totals   what outlives this process; None keeps totals as long as it lives

    `pool`, the last known state of the scorer processes, is set from outside before anything is shown, and so is
    `unreachable`, why upstreams could not be reached.
    """

    def __init__(
        self,
        options: Options,
        clock: Callable[[], float] = time.monotonic,
        watchers: Sequence[Watcher] = (),
        wall: Callable[[], float] = time.time,
        peers: Peers | None = None,
        totals: Totals | None = None,
    ) -> None:
        self.totals = totals or Totals()
        self.options, self.clock, self.wall, self.peers = options, clock, wall, peers
        self.started = clock()
        self.recent = Recent(options.records)
        self.series = Series()
        self.pool: PoolStatus | None = None
        self.unreachable: Mapping[str, str] = {}

        self._canary = Canary(options.canary_minutes * 60, self.started)
        self._watchers = tuple(watchers)
        self._number = 0
        self._open: dict[int, RequestRecord] = {}
        self._uncounted: OrderedDict[int, RequestRecord] = OrderedDict()  # over, but nobody counted their tokens yet
        self._sessions = Sessions()

    @property
    def in_flight(self) -> int:
        """Requests that have begun and are not over."""
        return len(self._open)

    @property
    def warned(self) -> Warned | None:
        """The canary's warning that nothing has been shortened for long; None in the mode off."""
        return self._canary.warned(self.clock()) if self.options.mode != "off" else None

    def begin(self, *, counted: bool = True) -> RequestRecord:
        """A record with the next number, in flight until `add`; without a number for a page of the proxy's own."""
        record = RequestRecord(started=self.wall(), mode=self.options.mode)
        if counted:
            record.number = self._next()
            self._open[record.number] = record
        return record

    def add(self, record: RequestRecord) -> None:
        """Count a request that is over, in whatever way; to be called once for each.

        Pages of the proxy's own do not count; the side-car's requests do, and get their number now.
        """
        if not record.number:
            if record.route == "other":
                return
            record.number = self._next()

        now = self.clock()
        self._open.pop(record.number, None)
        if record.eligible and record.billed and record.usage is not None:
            session = record.answer.conversation or record.session
            record.missed = self._sessions.misses(session, record.answer, record.usage, record.started)
        record.billing = _billing(record)
        self._keep_uncounted(record)
        self.recent.add(record)
        self.series.add(record, now)
        self.totals.add(record, self.wall())
        self._canary.see(record, now)
        warned = self._canary.due(now) if self.options.mode != "off" else None
        for watcher in self._watchers:
            watcher.finished(record)
            if warned is not None:
                watcher.silent(warned)

    def counted(self, number: int, answer: Answer) -> bool:
        """Take the tokens and the money of a request that went out before they were known; False where it has them.

        number   the record's
        answer   its `before`, `after`, `kinds`, `dollars`, `bills` and `prices` are of what was sent; what else the
                 record says of the request stays as it is

        A request that is still under way is counted at its end, one that is over now, and each once.
        """
        record = self._open.get(number) or self._uncounted.pop(number, None)
        if record is None or record.counted or not answer.before:
            return False
        record.answer = with_counts(record.answer, answer)
        if number in self._open:
            return True

        record.billing = _billing(record)
        numbers = tuple(savings(record))
        self.series.add_numbers(numbers, self.clock())
        self.totals.add_numbers(record, numbers, self.wall())
        for watcher in self._watchers:
            watcher.counted(record)
        return True

    def _keep_uncounted(self, record: RequestRecord) -> None:
        """Hold a request that somebody pays for until it is counted; the oldest go."""
        if record.eligible and record.billed and not record.counted:
            self._uncounted[record.number] = record
            while len(self._uncounted) > UNCOUNTED:
                self._uncounted.popitem(last=False)

    def _next(self) -> int:
        self._number += 1
        return self._number

    def lag(self, seconds: float) -> None:
        """Count how much later than due the event loop came back."""
        self.series.total.add((), ((("lag",), seconds),))

    def snapshot(self) -> Snapshot:
        """A copy of the state at this moment; takes about a millisecond."""
        now = self.clock()
        return Snapshot(
            options=self.options,
            now=now,
            uptime=now - self.started,
            wall=self.wall(),
            in_flight=self.in_flight,
            hour=self.series.steps(now),
            day=self.series.steps(now, day=True),
            total=self.series.total.copy(),
            recent=tuple(self.recent),
            pool=self.pool,
            warned=self.warned,
            peers=self.peers,
            totals=self.totals,
            unreachable=dict(self.unreachable),
        )

    def metrics(self) -> bytes:
        """Everything for Prometheus, as text of the type `prometheus.CONTENT_TYPE`."""
        with_peers = self.snapshot().with_peers()
        return exposition(with_peers.total, self.pool, with_peers.in_flight, silent=self.warned is not None)

    async def publish(self) -> None:
        """Tell the other processes what was counted here, and add it to the totals; to be called every few seconds."""
        await asyncio.to_thread(self.totals.flush)
        if self.peers is not None:
            await asyncio.to_thread(self.peers.write, self.series.copy(), self.in_flight)


def _billing(record: RequestRecord) -> Billing | None:
    if not record.eligible or not record.billed:
        return None
    return billing_of(record.answer, record.usage, retried=record.retried, missed=record.missed)
