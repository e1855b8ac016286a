from __future__ import annotations

import json
import re
from html import unescape

from contextprune.proxy.dashboard.timeline import timeline
from contextprune.proxy.telemetry.series import Sums
from tests.proxy.telemetry.sample_traffic import Clock, finished, monitor_of, passed


def drawn(*minutes: float) -> str:
    clock = Clock(0.0)
    monitor, _ = monitor_of(None, clock)
    for minute in minutes:
        clock.now = minute * 60
        finished(monitor, overhead=0.021)
    return timeline(monitor.series.steps(clock.now), 60.0)


def said(text: str, name: str) -> list[str]:
    found = re.search(rf'id=plot-{name}><figure[^>]*data-said="([^"]*)"', text)
    assert found
    words: list[str] = json.loads(unescape(found[1]))[1]
    return words


def test_every_minute_is_said_the_last_one_being_now() -> None:
    words = said(drawn(*range(60)), "tokens")
    assert len(words) == 60
    assert words[0] == "59 min ago: received 40,000, sent 14,000"
    assert words[-1] == "now: received 40,000, sent 14,000"


def test_what_was_before_the_first_request_is_left_out() -> None:
    assert len(said(drawn(40, 59), "tokens")) == 20
    assert len(said(drawn(59), "tokens")) == 10


def test_money_adds_up() -> None:
    assert said(drawn(0, 9), "money")[-1] == "now: without contextprune $0.1600, with it $0.1000"


def test_a_step_without_requests_shows_the_times_before_it() -> None:
    words = said(drawn(0, 15), "added")
    assert words[0].partition(": ")[2] == words[7].partition(": ")[2] != "99 % of requests below 0.0 ms"


def test_without_prices_there_is_no_curve_of_money() -> None:
    monitor, clock = monitor_of()
    passed(monitor, dollars=None)
    assert "plot-money" not in timeline(monitor.series.steps(clock.now), 60.0)


def test_the_same_is_there_as_a_table() -> None:
    text = drawn(0, 3)
    assert text.count("<tr><th scope=row>") == 2
    assert "<th scope=row>3 min ago<td>1<td>1<td>40,000<td>14,000<td>$0.0800<td>$0.0500" in text


def test_empty_sums_can_be_drawn() -> None:
    assert "nan" not in timeline([Sums()] * 60, 60.0)
