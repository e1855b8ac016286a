from __future__ import annotations

from contextprune.proxy.options import Options
from contextprune.proxy.telemetry.canary import Warned
from contextprune.proxy.telemetry.record import RequestRecord
from tests.proxy.telemetry.sample_traffic import NOON, Clock, finished, monitor_of, passed


class Kept:
    """A watcher that keeps what it is told."""

    def __init__(self) -> None:
        self.records: list[RequestRecord] = []
        self.warnings: list[Warned] = []

    def finished(self, record: RequestRecord) -> None:
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
