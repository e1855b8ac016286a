"""The odds of a miss are those of the sessions that they were learnt from, by family and pause."""

from __future__ import annotations

import pytest

from contextprune.bench.money.odds import compare_by_odds, learn_odds, pause_of
from contextprune.bench.money.tables import difference
from contextprune.bench.money.usage import MAIN, AgentLine, BilledSession
from contextprune.money.reuse import State, Use
from contextprune.money.tariff import Bill

OPUS = "claude-opus-4-6"


def session(name: str, *, misses: bool = False) -> BilledSession:
    """Three requests, the last after two minutes; where it misses, half of the first prompt is still read."""
    last = Bill(written=20_000, read=5_000) if misses else Bill(written=3_000, read=22_000)
    uses = (
        Use(OPUS, Bill(written=8_000, read=2_000)),
        Use(OPUS, Bill(written=12_000, read=10_000), 5.0),
        Use(OPUS, last, 120.0),
    )
    return BilledSession(name, (AgentLine(MAIN, uses),))


def test_misses_are_counted_by_the_pause_before_them() -> None:
    odds = learn_odds([session("a"), session("b", misses=True)])
    assert odds.missed == {("claude", pause_of(5.0)): 0.0, ("claude", pause_of(120.0)): 0.5}


def test_what_is_left_is_told_as_a_share_of_the_first_prompt() -> None:
    odds = learn_odds([session("a"), session("b", misses=True)])
    assert odds.first == {("claude", MAIN): pytest.approx(0.2)}
    assert odds.left == {("claude", State.GOES_ON): pytest.approx(0.5)}


def test_a_pause_that_is_not_known_counts_as_short() -> None:
    assert pause_of(None) == pause_of(0.0) == 0


def test_over_all_the_odds_of_other_sessions_come_near_the_bill() -> None:
    sessions = [session(f"{number}", misses=number % 2 == 0) for number in range(200)]
    requests = list(compare_by_odds(sessions))
    assert len(requests) == 600
    assert abs(difference(requests)) < 0.05
