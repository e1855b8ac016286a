from __future__ import annotations

from dataclasses import replace

import pytest

from contextprune.proxy.dashboard.sentences import percent, sentence, status_line, usd
from contextprune.proxy.telemetry.series import Sums
from contextprune.proxy.telemetry.summary import Summary, summarise

NOTHING = summarise(Sums())
DAY = replace(
    NOTHING,
    requests=40,
    sessions=3,
    counted=40,
    before=100_000,
    after=62_000,
    priced=40,
    dollars_before=3.4,
    dollars_after=2.2,
    overhead_p50=0.042,
    decided=96_000,
    undecided=4000,
    late=2,
)


def test_a_day_is_said_in_a_sentence() -> None:
    assert sentence("Today", DAY) == (
        "Today: 3 sessions, $1.20 of $3.40 saved (35 %), 42 ms added to the median request, "
        "4 % of the tokens that could have gone were lost to lateness."
    )


@pytest.mark.parametrize(
    ("day", "words"),
    [
        (NOTHING, "Today: no request yet."),
        (replace(DAY, priced=0), "38,000 of 100,000 input tokens saved (38 %)"),
        (replace(DAY, dollars_after=3.6), "$0.20 more than the $3.40 without contextprune (+6 %)"),
        (replace(DAY, sessions=1), "Today: 1 session, "),
        (replace(DAY, sessions=0), "Today: 40 requests, "),
        (replace(DAY, priced=0, before=0, after=0), "nothing saved"),
        (replace(DAY, undecided=0), ", 2 requests late."),
        (replace(DAY, undecided=0, late=0), "42 ms added to the median request."),
        (replace(DAY, overhead_p50=1.25), "1.2 s added to the median request"),
    ],
)
def test_a_sentence_says_what_is_known(day: Summary, words: str) -> None:
    assert words in sentence("Today", day)


def test_an_audit_says_what_would_have_been_saved() -> None:
    assert "$1.20 of $3.40 would have been saved (35 %)" in sentence("Today", DAY, audit=True)


@pytest.mark.parametrize(
    ("day", "line"),
    [
        (replace(DAY, dollars_after=3.19), "-38 %, $0.21 today"),
        (replace(DAY, priced=0), "-38 % today"),
        (NOTHING, "0 % today"),
        (replace(DAY, after=100_000, dollars_after=3.45), "0 %, -$0.05 today"),
    ],
)
def test_a_status_line_has_the_share_and_the_money(day: Summary, line: str) -> None:
    assert status_line("today", day) == line


@pytest.mark.parametrize(("share", "words"), [(0.0, "0 %"), (0.001, "<1 %"), (0.354, "35 %"), (1.0, "100 %")])
def test_shares_are_whole_per_cent(share: float, words: str) -> None:
    assert percent(share) == words


@pytest.mark.parametrize(("dollars", "words"), [(1234.5, "$1,234.50"), (-0.05, "-$0.05"), (-0.001, "$0.00")])
def test_dollars_have_cents(dollars: float, words: str) -> None:
    assert usd(dollars) == words
