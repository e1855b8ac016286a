from __future__ import annotations

import pytest

from contextprune.proxy.telemetry.canary import LEAST, Canary
from contextprune.proxy.telemetry.record import RequestRecord
from tests.proxy.telemetry.sample_traffic import record_of

IN_VAIN = record_of(route="chat", status="passed", reason="late", before=10, after=10)
NOOP = record_of(route="messages", status="noop", before=10, after=10)
SHORTENED = record_of(route="chat", status="applied", before=10, after=4)


def told(*records: RequestRecord, until: float = 1000.0) -> tuple[int, dict[str, int]] | None:
    canary = Canary(900.0, 0.0)
    for second, record in enumerate(records):
        canary.see(record, float(second))
    warned = canary.warned(until)
    return (warned.requests, dict(warned.reasons)) if warned else None


def test_it_warns_when_nothing_was_shortened_for_long_and_says_why() -> None:
    assert told(*[NOOP] * 3, *[IN_VAIN] * 9) == (12, {"late": 9, "noop": 3})


def test_it_waits() -> None:
    assert told(*[IN_VAIN] * 50, until=899.0) is None


def test_a_few_requests_prove_nothing() -> None:
    assert told(*[IN_VAIN] * (LEAST - 1)) is None


def test_one_request_that_was_shortened_begins_anew() -> None:
    assert told(*[IN_VAIN] * 50, SHORTENED, *[IN_VAIN] * (LEAST - 1)) is None
    assert told(*[IN_VAIN] * 50, SHORTENED, *[IN_VAIN] * LEAST, until=900.0) is None
    assert told(*[IN_VAIN] * 50, SHORTENED, *[IN_VAIN] * LEAST, until=960.0) == (LEAST, {"late": LEAST})


def test_an_audit_that_would_have_saved_counts_as_shortened() -> None:
    assert told(*[IN_VAIN] * 50, record_of(route="chat", status="audit", before=10, after=5)) is None


@pytest.mark.parametrize("route", ["count", "compress", "retrieve", "other"])
def test_requests_that_are_never_shortened_do_not_count(route: str) -> None:
    assert told(*[RequestRecord(route=route)] * 50) is None


def test_the_log_is_told_once_in_each_such_time() -> None:
    canary = Canary(900.0, 0.0)
    for second in range(20):
        canary.see(IN_VAIN, float(second))
    assert [canary.due(now) is not None for now in (800.0, 900.0, 901.0, 1799.0, 1800.0)] == [
        False, True, False, False, True,
    ]  # fmt: skip
