from __future__ import annotations

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
    assert (told.requests, told.eligible, told.shortened, told.counted) == (6, 5, 2, 4)
    assert (told.before, told.after, told.saved) == (360, 200, 160)
    assert (told.priced, told.dollars_before, told.dollars_after, told.dollars) == (2, 4.0, 2.0, 2.0)
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
