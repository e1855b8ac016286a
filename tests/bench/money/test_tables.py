"""The money task's figures: the difference over all, and the share of sessions that are near."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from contextprune.bench.money.tables import difference, near, show_money
from contextprune.bench.money.usage import Request
from contextprune.money.reuse import Expected, Given, State
from contextprune.money.tariff import Bill


def request(session: str, billed: float, modelled: float) -> Request:
    expected = Expected(State.GOES_ON, Bill(read=100))
    return Request(session, "claude", "main agent", 300.0, 5.0, expected, 100, billed, modelled, (billed, modelled))


def test_the_difference_over_all_lets_sessions_make_up_for_one_another() -> None:
    assert difference([request("a", 100, 110), request("b", 100, 90)]) == pytest.approx(0.0)


def test_a_session_is_near_within_a_twentieth() -> None:
    assert near([request("a", 100, 104), request("b", 100, 106), request("c", 50, 48), request("c", 50, 51)]) == 2 / 3


def test_nothing_billed_has_no_difference() -> None:
    assert (difference([]), near([])) == (0.0, 0.0)


def test_the_tables_name_what_the_model_was_given_and_whether_the_aim_is_met() -> None:
    screen = io.StringIO()
    rows = [request("a", 100, 104), request("b", 100, 90)]
    show_money(Console(file=screen, width=200), dict.fromkeys(Given, rows), rows[:1])
    lines = screen.getvalue().splitlines()
    totals = next(line for line in lines if "sizes and times" in line and "0.00" in line)
    assert "-3.0%" in totals
    assert "50.0%" in totals
    assert any("odds" in line and "+4.0% over all, 100.0%" in line for line in lines)
