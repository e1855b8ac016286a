from __future__ import annotations

from dataclasses import dataclass

from contextprune.proxy.options import Options
from contextprune.proxy.telemetry.canary import Warned
from contextprune.proxy.telemetry.record import Record
from tests.proxy.telemetry.sample_traffic import FIGURES, NOON, Clock, finished, passed, sight_of


class Kept:
    """A watcher that keeps what it is told."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.warnings: list[Warned] = []

    def finished(self, record: Record) -> None:
        self.records.append(record)

    def silent(self, warned: Warned) -> None:
        self.warnings.append(warned)


def test_requests_are_numbered_and_in_flight_until_they_are_over() -> None:
    sight, clock = sight_of()
    clock.now += 5
    first, second = sight.begin(), sight.begin()
    assert (first.number, second.number, sight.in_flight, first.started) == (1, 2, 2, NOON + 5)
    sight.add(second)
    assert sight.in_flight == 1
    assert [record.number for record in sight.recent] == [2]


def test_pages_of_the_proxys_own_do_not_count() -> None:
    sight, _ = sight_of()
    page = sight.begin(counted=False)
    assert sight.in_flight == 0
    sight.add(page)
    assert list(sight.recent) == []
    assert sight.series.total.numbers == {}


def test_requests_of_the_side_car_do_count() -> None:
    sight, _ = sight_of()
    record = sight.begin(counted=False)
    record.route = "compress"
    sight.add(record)
    assert [each.number for each in sight.recent] == [1]


def test_watchers_are_told_of_each_request_and_of_silence() -> None:
    kept = Kept()
    sight, clock = sight_of(Options(canary_minutes=1), None, kept)
    for _ in range(20):
        clock.now += 5
        passed(sight, "late")
    assert len(kept.records) == 20
    assert [dict(warned.reasons) for warned in kept.warnings] == [{"late": 12}]
    assert sight.warned is not None


def test_a_proxy_that_is_off_does_not_complain() -> None:
    kept = Kept()
    sight, clock = sight_of(Options(mode="off", canary_minutes=1), None, kept)
    for _ in range(50):
        clock.now += 5
        passed(sight, "off")
    assert sight.warned is None
    assert kept.warnings == []


def test_figures_of_the_scorers_may_be_a_table_or_a_dataclass() -> None:
    @dataclass(frozen=True, slots=True)
    class Figures:
        ready: int = 2

    sight, _ = sight_of()
    sight.gauges(FIGURES)
    assert sight.scorers["queue_tokens"] == 1200
    sight.gauges(Figures())
    assert sight.scorers == {"ready": 2}


def test_a_still_does_not_move() -> None:
    sight, clock = sight_of(None, Clock(0.0))
    finished(sight)
    clock.now = 7.0
    still = sight.still()
    finished(sight)
    assert still.uptime == 7.0
    assert len(still.recent) == 1
    assert still.total.numbers["shortened",] == 1
    assert still.hour[-1].numbers["shortened",] == 1
    assert len(still.day) == 96
