from __future__ import annotations

import pytest

from contextprune.proxy.dashboard.format import (
    NONE,
    ago,
    cached,
    dollars_saved,
    fact,
    named,
    table,
    time,
    tokens,
)
from contextprune.proxy.telemetry.record import RequestRecord
from contextprune.proxy.telemetry.usage import Usage
from tests.proxy.telemetry.sample_traffic import record_of


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, NONE),
        (0.0, "0.0 ms"),
        (0.0004, "0.4 ms"),
        (0.0123, "12 ms"),
        (0.9, "900 ms"),
        (0.9999, "1.0 s"),
        (61.0, "61.0 s"),
        (600.0, "10 min"),
    ],
)
def test_times_have_the_unit_that_suits_them(seconds: float | None, words: str) -> None:
    assert time(seconds) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "now"),
        (12.0, "12 s ago"),
        (119.0, "119 s ago"),
        (300.0, "5 min ago"),
        (8000.0, "2 h ago"),
        (3e5, "3 days ago"),
    ],
)
def test_how_long_ago_something_was(seconds: float, words: str) -> None:
    assert ago(seconds) == words


def test_what_nobody_knows_is_a_dash() -> None:
    assert (tokens(RequestRecord()), cached(RequestRecord()), dollars_saved(RequestRecord())) == (NONE, NONE, NONE)


def test_what_is_known_is_said() -> None:
    record = record_of(
        status="applied", before=1000, after=400, dollars=(3.0, 1.0), upstream=200, usage=Usage(25, 0, 75)
    )
    assert (tokens(record), cached(record), dollars_saved(record)) == ("1,000 → 400", "75.0%", "$2.00")


def test_names_and_advice_are_escaped() -> None:
    assert named("<b>") == "<code>&lt;b&gt;</code>"
    assert named("") == ""
    assert len(named("x" * 5000)) < 150


def test_tables_have_headers_for_columns_and_rows() -> None:
    drawn = table("t", "What it is", ("name", "number"), [("a", "1"), ("b", "2")])
    assert drawn.count("<th scope=col") == 2
    assert drawn.count("<th scope=row") == 2
    assert "<caption>What it is</caption>" in drawn
    assert "tabindex=0 role=region" in drawn


def test_facts_leave_out_what_is_not_said() -> None:
    assert fact("n", "1", "", "two") == "<div><dt>n<dd>1<dd>two</div>"
