from __future__ import annotations

from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contextprune.proxy.telemetry.record import RequestRecord
from contextprune.proxy.telemetry.series import BOUNDS, Series, Sums, added, quantile
from contextprune.proxy.telemetry.summary import summarise
from contextprune.proxy.telemetry.usage import Usage
from tests.proxy.telemetry.sample_traffic import record_of

EVIL = 'x"} 1\n<script>'


def numbered(series: Series, *, day: bool, now: float) -> list[float]:
    return [sums.numbers.get(("bytes", "in"), 0) for sums in series.steps(now, day=day)]


def test_steps_are_minutes_of_an_hour_and_quarters_of_a_day() -> None:
    series = Series()
    for now in (0.0, 59.0, 60.0, 3600.0, 86_000.0):
        series.add(RequestRecord(bytes_in=1), now)
    hour, day = numbered(series, day=False, now=86_000.0), numbered(series, day=True, now=86_000.0)
    assert (len(hour), sum(hour), hour[-1]) == (60, 1, 1)
    assert (len(day), sum(day), day[-1], day[0]) == (96, 5, 1, 3)
    assert series.total.numbers["bytes", "in"] == 5


def test_it_stays_small_however_long_it_runs() -> None:
    series = Series()
    for minute in range(5000):
        series.add(RequestRecord(bytes_in=1), minute * 60.0)
    assert len(series.fine) <= 121
    assert len(series.coarse) <= 97


def test_a_clock_that_goes_back_loses_nothing() -> None:
    series = Series()
    for now in (10_000.0, 9000.0, 10.0):
        series.add(RequestRecord(bytes_in=1), now)
    assert sum(numbered(series, day=False, now=10_000.0)) == 3


def test_steps_are_copies() -> None:
    series = Series()
    series.add(RequestRecord(bytes_in=1), 0.0)
    series.steps(0.0)[-1].numbers.clear()
    assert sum(numbered(series, day=False, now=0.0)) == 1


@given(st.lists(st.floats(0, 400), min_size=1, max_size=60), st.floats(0.01, 1))
def test_a_quantile_lies_in_the_class_of_the_true_one(times: list[float], share: float) -> None:
    sums = Sums()
    sums.add((), ((("t",), each) for each in times))
    found = sums.quantile(share, "t")
    assert found is not None
    counts = sums.times["t",][:-1]
    reached = next(i for i, end in enumerate(accumulate(counts)) if end >= share * len(times))
    edges = (0.0, *BOUNDS, BOUNDS[-1])
    assert edges[reached] <= found <= edges[reached + 1]


def test_no_times_have_no_quantile() -> None:
    assert Sums().quantile(0.5, "t") is None
    assert quantile([0] * (len(BOUNDS) + 1), 0.5) is None


def test_sums_of_several_add_up() -> None:
    series = Series()
    for second in range(300):
        series.add(
            record_of(route="chat", status="applied", before=100, after=40, overhead=0.0078125, upstream=200),
            float(second),
        )
    whole = added(series.steps(299.0))
    assert whole.numbers == series.total.numbers
    assert whole.times == series.total.times
    assert summarise(whole) == summarise(series.total)


def test_labels_come_from_closed_sets_whatever_a_record_holds() -> None:
    series = Series()
    record = record_of(
        route=EVIL, status=EVIL, reason=EVIL, provider=EVIL, gone=EVIL, upstream=999, kinds={EVIL: (5, 4)}, model=EVIL,
        session=EVIL, seconds={EVIL: 1.0}, before=5, keys=(EVIL,), usage=Usage(1, model=EVIL),
    )  # fmt: skip
    series.add(record, 0.0)
    record.route = "chat"
    series.add(record, 0.0)
    keys = [*series.total.numbers, *series.total.times]
    assert not any(EVIL in label for key in keys for label in key)
    assert ("requests", "other", "other", "other") in keys


@pytest.mark.parametrize("route", ["count", "compress", "retrieve", "other"])
def test_only_requests_to_models_count_as_savings(route: str) -> None:
    series = Series()
    series.add(record_of(route=route, status="applied", before=100, after=1, dollars=(2.0, 1.0)), 0.0)
    told = summarise(series.total)
    assert (told.requests, told.eligible, told.before, told.dollars_before) == (1, 0, 0, 0.0)
