"""The verdicts on disturbances."""

from __future__ import annotations

from contextprune.bench.disturbances.disturbances import BUSY, NONE
from contextprune.bench.disturbances.measure import Exchanged, Outcome
from contextprune.bench.disturbances.prefix import Altered
from contextprune.bench.disturbances.tables import cost, kept, saved, verdicts

BACK, SHORTER = Altered(3, 100, 900, 900), Altered(3, 900, 100, 900)


def outcome(name: str, *requests: Exchanged) -> Outcome:
    return Outcome(name, "one", requests)


def exchanged(paid: float = 50, sent: int = 60, **more: object) -> Exchanged:
    return Exchanged(0, direct=100, paid=paid, tokens=100, sent=sent, **more)  # type: ignore[arg-type]


def test_a_session_costs_what_its_requests_do() -> None:
    assert cost(outcome(NONE, exchanged(50), exchanged(100))) == 0.75


def test_tokens_saved_are_added_up() -> None:
    assert saved([outcome(NONE, exchanged(sent=60), exchanged(sent=70))]) == 70


def test_an_original_that_comes_back_breaks_the_prefix_even_where_an_epoch_is_declared() -> None:
    assert kept([outcome(NONE, exchanged(), exchanged(altered=BACK, declared=True))]) == 0.5


def test_a_declared_epoch_is_counted_apart() -> None:
    assert kept([outcome(NONE, exchanged(), exchanged(altered=SHORTER, declared=True))]) == 1


def test_a_change_that_nobody_declares_breaks_the_prefix() -> None:
    assert kept([outcome(NONE, exchanged(), exchanged(altered=SHORTER))]) == 0.5


def test_rows_that_reach_their_aims_get_no_verdict() -> None:
    assert list(verdicts([[outcome(NONE, exchanged())], [outcome("other", exchanged())]], 0)) == []


def test_each_missed_aim_is_named() -> None:
    rows = [[outcome(NONE, exchanged())], [outcome("other", exchanged(paid=101, sent=99, altered=BACK))]]
    assert list(verdicts(rows, 0)) == [
        "missed: other: 1 sessions cost more than direct",
        "missed: other: the prefix is kept in 0.0% of requests, not in all",
        "missed: other: 0.03 of the tokens saved undisturbed, not 0.9",
    ]


def test_with_all_cores_busy_the_promise_counts() -> None:
    rows = [[outcome(NONE, exchanged())], [outcome(BUSY, exchanged(sent=65))]]
    assert [line.partition(":")[0] for line in verdicts(rows, 40)] == ["missed"]
    assert [line.partition(":")[0] for line in verdicts(rows, 38)] == ["met"]
