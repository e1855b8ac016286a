from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from contextprune.proxy.dashboard.overview import SPANS, View, alarmed, overview
from contextprune.proxy.dashboard.sessions import SESSIONS
from contextprune.proxy.options import Options
from contextprune.proxy.telemetry.monitor import Monitor, Snapshot
from tests.html_reader import Reader
from tests.proxy.telemetry.sample_traffic import POOL, busy_day, finished, monitor_of, passed


def shown(monitor: Monitor, span: str = "hour", *, everything: bool = False) -> Reader:
    return Reader(overview(snapshot_of(monitor), View(span, all_requests=everything)))


def snapshot_of(monitor: Monitor) -> Snapshot:
    return monitor.snapshot().with_totals(SESSIONS)


def silent(reason: str = "late") -> Monitor:
    monitor, clock = monitor_of()
    for _ in range(30):
        passed(monitor, reason)
    clock.now += 31 * 60
    return monitor


@pytest.mark.parametrize("span", SPANS)
def test_each_stretch_of_time_has_its_figures(span: str) -> None:
    page = shown(busy_day(), span)
    assert SPANS[span][0] in page.text
    assert "shortened, of" in page.text
    assert (page.wrong, page.open) == ([], [])


def test_the_figures_are_those_of_the_requests() -> None:
    monitor, _ = monitor_of()
    finished(monitor)
    passed(monitor, "late")
    text = shown(monitor).text
    for figure in ("54,000", "of 80,000 received; saved 32.5%", "$0.1300", "without contextprune $0.1600; saved 18.8%"):
        assert figure in text
    assert "24,000 of 28,000 input tokens" in text


def test_silence_is_said_loudly_with_the_reasons() -> None:
    monitor = silent()
    text = shown(monitor).text
    assert "Nothing has been shortened for 31 min, although 30 requests came." in text
    assert "30 × late: Time ran out" in text  # noqa: RUF001 - times
    assert alarmed(monitor.snapshot())


def test_what_works_is_not_alarming() -> None:
    assert not alarmed(busy_day().snapshot())


def test_every_reason_is_explained_with_what_to_do() -> None:
    monitor, _ = monitor_of()
    for reason in ("late", "busy", "breaker", "store"):
        passed(monitor, reason)
    text = shown(monitor).text
    for words in ("Raise deadline", "Add scorers", "tried again by itself", "Check the disk"):
        assert words in text


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ({"breaker": "open"}, "A scorer keeps failing"),
        ({"ready": 0}, "No scorer is up"),
        ({"trouble": "no module named torch"}, "no module named torch"),
    ],
)
def test_trouble_with_the_scorers_is_said(status: dict[str, Any], words: str) -> None:
    monitor, clock = monitor_of()
    clock.now += 60
    monitor.pool = replace(POOL, **status)
    finished(monitor)
    assert words in shown(monitor).text


def test_an_audit_speaks_of_what_would_be() -> None:
    monitor, _ = monitor_of(Options(mode="audit"))
    finished(monitor, status="audit", mode="audit")
    text = shown(monitor).text
    assert "every request goes through as it came" in text
    assert "would be saved 65.0%" in text


def test_a_proxy_that_is_off_says_so() -> None:
    monitor, _ = monitor_of(Options(mode="off"))
    assert "The mode is off" in shown(monitor).text


def test_before_the_first_request_it_says_how_to_point_a_client_here() -> None:
    for host in ("127.0.0.1", "0.0.0.0"):
        monitor, _ = monitor_of(Options(host=host, port=9999))
        assert "OPENAI_BASE_URL=http://127.0.0.1:9999/v1" in shown(monitor).text


def test_models_without_prices_have_no_money() -> None:
    monitor, _ = monitor_of()
    finished(monitor, dollars=None)
    page = shown(monitor)
    assert "no request had a model with a known price" in page.text
    assert "$" not in page.text


def test_recent_requests_lead_to_their_pages() -> None:
    monitor = busy_day(Options(records=300))
    few, all_of_them = shown(monitor), shown(monitor, everything=True)
    links = [each["href"] for each in few.all("a") if str(each["href"]).startswith("/requests/")]
    assert len(links) == 50
    assert links[0] == "/requests/901"
    assert sum(str(each["href"]).startswith("/requests/") for each in all_of_them.all("a")) == 300


@pytest.mark.parametrize(
    "evil", ["</title><script>alert(1)</script>", '" onfocus=alert(1) x="', "<img src=x>", "\x1b\ud800"]
)
def test_nothing_from_outside_becomes_markup(evil: str) -> None:
    names = dict.fromkeys(("route", "status", "reason", "provider", "model", "session", "client", "gone"), evil)
    monitor, clock = monitor_of(Options(host="<b>"))
    for _ in range(30):
        finished(monitor, **names, kinds={evil: (5, 5)}, upstream=0)
        finished(monitor, **names | {"route": "chat"}, kinds={evil: (5, 5)}, upstream=0)
    clock.now += 3600
    monitor.pool = replace(POOL, trouble=evil, breaker=evil)
    text = overview(snapshot_of(monitor), View(all_requests=True, all_sessions=True))
    text.encode()
    page = Reader(text)
    assert not {"script", "img"} & {tag for tag, _ in page.tags}
    assert not any("onfocus" in attributes for _, attributes in page.tags)
    assert page.wrong == []


def test_the_first_row_says_what_today_was_saved_and_the_sessions_follow() -> None:
    monitor, _ = monitor_of()
    finished(monitor)
    text = overview(snapshot_of(monitor), View())
    assert text.startswith("<p class=today id=today>Today: 1 session, $0.03 of $0.08 saved (38&nbsp;%)")
    assert text.index("id=today") < text.index("id=sessions") < text.index("id=figures")


def test_a_session_shows_its_requests_alone() -> None:
    monitor, _ = monitor_of()
    finished(monitor, session="aaaa")
    finished(monitor, session="bbbb")
    finished(monitor, session="")
    for session, number in (("aaaa", 1), ("bbbb", 2), ("none", 3)):
        page = Reader(overview(snapshot_of(monitor), View(session=session)))
        links = [each["href"] for each in page.all("a")]
        assert links == ["/", f"/requests/{number}"]
        assert f"Requests of session {session}" in page.text


def test_a_session_whose_requests_are_forgotten_says_so() -> None:
    monitor, _ = monitor_of(Options(records=1))
    finished(monitor, session="aaaa")
    finished(monitor, session="bbbb")
    assert "None of its requests is remembered" in overview(snapshot_of(monitor), View(session="aaaa"))
