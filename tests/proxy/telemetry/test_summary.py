from __future__ import annotations

import pytest

from contextprune.proxy.telemetry.series import Sums
from contextprune.proxy.telemetry.summary import summarise
from contextprune.proxy.telemetry.usage import Usage
from tests.proxy.telemetry.sample_traffic import finished, monitor_of, passed


def test_figures_say_what_came_and_what_was_saved() -> None:
    monitor, _ = monitor_of()
    finished(monitor, before=100, after=40, dollars=(3.0, 1.0), usage=Usage(10, 5, 25, 7, 2), overhead=0.01)
    finished(monitor, before=200, after=100, dollars=None, usage=None, epoch=True, retried=True, overhead=0.01)
    passed(monitor, "late", before=50, after=50, dollars=(1.0, 1.0), usage=None, upstream=429)
    passed(monitor, "late", before=0, after=0, dollars=None, usage=None, upstream=0, gone="waiting")
    passed(monitor, "", status="noop", before=10, after=10, dollars=None, usage=None)
    finished(monitor, route="other", status="passed", before=0, usage=None)
    told = summarise(monitor.series.total)
    assert (told.requests, told.eligible, told.shortened, told.counted) == (6, 5, 2, 3)
    assert (told.before, told.after, told.saved) == (310, 150, 160)
    assert (told.priced, told.dollars_before, told.dollars_after, told.dollars) == (1, 3.0, 1.0, 2.0)
    assert (told.told, told.fresh, told.written, told.read, told.output, told.reasoning) == (1, 10, 5, 25, 7, 2)
    assert told.reasons == {"late": 2, "noop": 1}
    assert told.answers == {"2xx": 4, "4xx": 1}
    assert told.gone == {"waiting": 1}
    assert (told.retried, told.epochs) == (1, 1)


def test_a_request_that_went_through_counts_the_same_on_both_sides() -> None:
    monitor, _ = monitor_of()
    passed(monitor, "refused", before=100, after=40)
    told = summarise(monitor.series.total)
    assert (told.before, told.after) == (100, 100)


def test_no_requests_have_no_times() -> None:
    told = summarise(Sums())
    assert (told.requests, told.overhead_p50, told.first_byte_p99, told.reasons) == (0, None, None, {})


@pytest.mark.parametrize("upstream", [0, 400, 413, 429, 500, 502, 529])
def test_a_request_that_nobody_pays_for_saves_nothing(upstream: int) -> None:
    monitor, _ = monitor_of()
    finished(monitor, upstream=upstream, usage=None)
    told = summarise(monitor.series.total)
    assert (told.eligible, told.billed, told.counted, told.before, told.after, told.shortened) == (1, 0, 0, 0, 0, 0)
    assert (told.priced, told.dollars_before, told.dollars_after) == (0, 0.0, 0.0)


def test_an_overloaded_provider_is_asked_six_times_and_saves_once() -> None:
    monitor, _ = monitor_of()
    for upstream in (529, 529, 529, 529, 529, 529, 200):
        finished(monitor, upstream=upstream, before=100, after=40, dollars=(3.0, 1.0), usage=None)
    told = summarise(monitor.series.total)
    assert (told.requests, told.saved, told.dollars) == (7, 60, 2.0)


def test_a_request_without_counts_is_one_of_the_requests_and_not_counted_yet() -> None:
    monitor, _ = monitor_of()
    finished(monitor)
    passed(monitor, "late", before=0, after=0, dollars=None)
    told = summarise(monitor.series.total)
    assert (told.requests, told.billed, told.counted, told.uncounted) == (2, 2, 1, 1)


def test_a_request_that_was_refused_and_sent_again_as_received_saves_no_money() -> None:
    monitor, _ = monitor_of()
    passed(monitor, "refused", before=100, after=100, dollars=(3.0, 1.0), retried=True)
    told = summarise(monitor.series.total)
    assert (told.dollars_before, told.dollars_after) == (3.0, 3.0)


def test_the_reckoned_cost_stands_beside_the_billed_one() -> None:
    monitor, _ = monitor_of()
    bills = (0, 40_000, 0, 0), (0, 10_000, 0, 0)
    finished(monitor, bills=bills, prices=(5.0, 6.25, 0.5, 10.0), usage=Usage(0, 4_000, 6_000))
    told = summarise(monitor.series.total).reconciled
    assert (told.requests, told.modelled, told.billed) == (1, 12_500.0, 1.25 * 4_000 + 0.1 * 6_000)
    assert told.billed_dollars == pytest.approx(5.6e3 * 5e-6)
    assert told.difference == pytest.approx(12_500 / 5_600 - 1)


def test_without_usage_there_is_nothing_to_compare() -> None:
    monitor, _ = monitor_of()
    finished(monitor, usage=None)
    assert summarise(monitor.series.total).reconciled.difference is None
