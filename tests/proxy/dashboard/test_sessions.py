from __future__ import annotations

import pytest

from contextprune.proxy.dashboard.sessions import SESSIONS, session_asked, sessions, today
from contextprune.proxy.telemetry.monitor import Monitor
from contextprune.proxy.telemetry.usage import Usage
from tests.html_reader import Reader
from tests.proxy.telemetry.sample_traffic import finished, monitor_of, passed


def shown(monitor: Monitor, *, everything: bool = False) -> Reader:
    limit = 500 if everything else SESSIONS
    return Reader(sessions(monitor.snapshot().with_totals(limit), everything=everything))


def test_a_session_is_a_row_with_its_figures() -> None:
    monitor, clock = monitor_of()
    finished(monitor, client="Claude Code")
    passed(monitor, "late", client="Claude Code")
    clock.now += 300
    text = shown(monitor).text
    for words in (
        "Claude Code",
        "1f2e3d4c",
        "claude-opus-4-5",
        "80,000",
        "54,000",
        "32.5%",
        "$0.03 of $0.16",
        "5 min ago",
    ):
        assert words in text


def test_a_session_leads_to_its_requests() -> None:
    monitor, _ = monitor_of()
    finished(monitor, session="aaaa")
    finished(monitor, session="")
    links = [each["href"] for each in shown(monitor).all("a")]
    assert sorted(map(str, links)) == ["/?session=aaaa#recent", "/?session=none#recent"]


def test_before_the_first_request_there_is_no_table() -> None:
    assert sessions(monitor_of()[0].snapshot().with_totals(5), everything=False) == ""


def test_only_the_sessions_seen_last_are_listed_unless_all_are_asked_for() -> None:
    monitor, clock = monitor_of()
    for number in range(SESSIONS + 5):
        clock.now += 1
        finished(monitor, session=f"{number:04}")
    few, many = shown(monitor), shown(monitor, everything=True)
    assert f"{SESSIONS + 4:04}" in few.text
    assert "0004" not in few.text
    assert "/?sessions=all#sessions" in [each["href"] for each in few.all("a")]
    assert len(many.all("a")) == SESSIONS + 5


def test_today_is_followed_by_the_month_where_there_is_more_of_it() -> None:
    monitor, clock = monitor_of()
    finished(monitor)
    assert "This month" not in today(monitor.snapshot().with_totals(1))
    clock.now += 86_400
    finished(monitor)
    words = today(monitor.snapshot().with_totals(1))
    assert "Today: 1 session, $0.03 of $0.08 saved" in words
    assert "This month: 2 sessions, $0.06 of $0.16 saved" in words


@pytest.mark.parametrize(("value", "session"), [("1f2e", "1f2e"), ("none", "none"), ("", None), ("<b>", None)])
def test_an_address_names_a_session_by_its_hash(value: str, session: str | None) -> None:
    assert session_asked(value) == session


def test_where_the_provider_told_its_tokens_the_bill_stands_below_the_model() -> None:
    monitor, _ = monitor_of()
    bills = ((40_000, 0, 0, 0), (14_000, 0, 0, 0))
    finished(monitor, bills=bills, prices=(5.0, 6.25, 0.5, 10.0), usage=Usage(14_000, 0, 0, 500))
    assert "modelled $0.07, billed $0.07" in shown(monitor).text
