from __future__ import annotations

import pytest

from contextprune.proxy.job import Answer
from contextprune.proxy.options import Options
from contextprune.proxy.telemetry.canary import Warned
from contextprune.proxy.telemetry.record import RequestRecord
from contextprune.proxy.telemetry.summary import summarise
from contextprune.proxy.telemetry.usage import Usage
from tests.proxy.telemetry.sample_traffic import NOON, Clock, finished, monitor_of, passed


class Kept:
    """A watcher that keeps what it is told."""

    def __init__(self) -> None:
        self.records: list[RequestRecord] = []
        self.warnings: list[Warned] = []

    def finished(self, record: RequestRecord) -> None:
        self.records.append(record)

    def counted(self, record: RequestRecord) -> None:
        self.records.append(record)

    def silent(self, warned: Warned) -> None:
        self.warnings.append(warned)


def test_requests_are_numbered_and_in_flight_until_they_are_over() -> None:
    monitor, clock = monitor_of()
    clock.now += 5
    first, second = monitor.begin(), monitor.begin()
    assert (first.number, second.number, monitor.in_flight, first.started) == (1, 2, 2, NOON + 5)
    monitor.add(second)
    assert monitor.in_flight == 1
    assert [record.number for record in monitor.recent] == [2]


def test_pages_of_the_proxys_own_do_not_count() -> None:
    monitor, _ = monitor_of()
    page = monitor.begin(counted=False)
    assert monitor.in_flight == 0
    monitor.add(page)
    assert list(monitor.recent) == []
    assert monitor.series.total.numbers == {}


def test_requests_of_the_side_car_do_count() -> None:
    monitor, _ = monitor_of()
    record = monitor.begin(counted=False)
    record.route = "compress"
    monitor.add(record)
    assert [each.number for each in monitor.recent] == [1]


def test_watchers_are_told_of_each_request_and_of_silence() -> None:
    kept = Kept()
    monitor, clock = monitor_of(Options(canary_minutes=1), None, kept)
    for _ in range(20):
        clock.now += 5
        passed(monitor, "late")
    assert len(kept.records) == 20
    assert [dict(warned.reasons) for warned in kept.warnings] == [{"late": 12}]
    assert monitor.warned is not None


def test_a_proxy_that_is_off_does_not_complain() -> None:
    kept = Kept()
    monitor, clock = monitor_of(Options(mode="off", canary_minutes=1), None, kept)
    for _ in range(50):
        clock.now += 5
        passed(monitor, "off")
    assert monitor.warned is None
    assert kept.warnings == []


def test_a_snapshot_does_not_move() -> None:
    monitor, clock = monitor_of(None, Clock(0.0))
    finished(monitor)
    clock.now = 7.0
    snapshot = monitor.snapshot()
    finished(monitor)
    assert snapshot.uptime == 7.0
    assert len(snapshot.recent) == 1
    assert snapshot.total.numbers["shortened",] == 1
    assert snapshot.hour[-1].numbers["shortened",] == 1
    assert len(snapshot.day) == 96


COUNTS = Answer(0, None, "passed", before=100, after=100, dollars=(1.0, 3.0), kinds={"user": (100, 100)})


def test_a_request_that_was_late_is_counted_after_its_end_and_once() -> None:
    monitor, _ = monitor_of()
    late = passed(monitor, "late", before=0, after=0, dollars=None, usage=None)
    assert summarise(monitor.series.total).uncounted == 1
    assert monitor.counted(late.number, COUNTS)
    assert not monitor.counted(late.number, COUNTS)
    told = summarise(monitor.series.total)
    assert (told.requests, told.counted, told.uncounted, told.before, told.after) == (1, 1, 0, 100, 100)
    assert (told.dollars_before, told.dollars_after) == (1.0, 3.0)


def test_the_record_of_a_late_request_has_its_counts() -> None:
    monitor, _ = monitor_of()
    late = passed(monitor, "late", before=0, after=0, dollars=None, usage=None)
    monitor.counted(late.number, COUNTS)
    record = monitor.recent.find(late.number)
    assert record is not None
    assert (record.answer.before, record.answer.reason, record.dollars) == (100, "late", (1.0, 3.0))


def test_counts_that_come_before_the_end_are_booked_at_the_end() -> None:
    monitor, _ = monitor_of()
    record = monitor.begin()
    record.route, record.upstream = "messages", 200
    assert monitor.counted(record.number, COUNTS)
    assert summarise(monitor.series.total).counted == 0
    monitor.add(record)
    told = summarise(monitor.series.total)
    assert (told.counted, told.before, told.dollars_after) == (1, 100, 3.0)


def test_counts_without_tokens_and_of_unknown_requests_are_not_taken() -> None:
    monitor, _ = monitor_of()
    late = passed(monitor, "late", before=0, after=0, dollars=None, usage=None)
    assert not monitor.counted(late.number, Answer(0, None, "passed"))
    assert not monitor.counted(99, COUNTS)
    assert summarise(monitor.series.total).uncounted == 1


def test_a_request_that_was_refused_by_the_provider_waits_for_no_counts() -> None:
    monitor, _ = monitor_of()
    late = passed(monitor, "late", before=0, after=0, dollars=None, usage=None, upstream=529)
    assert not monitor.counted(late.number, COUNTS)


def test_watchers_hear_of_a_late_count() -> None:
    kept = Kept()
    monitor, _ = monitor_of(None, None, kept)
    late = passed(monitor, "late", before=0, after=0, dollars=None, usage=None)
    monitor.counted(late.number, COUNTS)
    assert kept.records == [late, late]


def test_a_session_that_loses_its_cache_shows_a_loss() -> None:
    monitor, clock = monitor_of()
    bills, prices = ((0, 4_000, 36_000, 0), (0, 1_000, 9_000, 0)), (5.0, 6.25, 0.5, 10.0)
    model = "claude-opus-4-6"
    for usage in (Usage(0, 1_000, 9_000, model=model), Usage(0, 10_500, 0, model=model)):
        clock.now += 20
        finished(monitor, model=model, bills=bills, prices=prices, usage=usage)
    told = summarise(monitor.series.total)
    assert told.reconciled.missed == 1
    assert told.dollars_after == pytest.approx(told.reconciled.billed_dollars)
    last = next(iter(monitor.recent))
    assert last.dollars is not None
    assert last.dollars[1] > last.dollars[0]
