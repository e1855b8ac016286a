from __future__ import annotations

from enum import StrEnum

import pytest
import typer

from contextprune.cli.values import arms_of, budget_of, choice_of, names_of, number, shares_of, whole_number
from contextprune.policy import Budget


class Colour(StrEnum):
    RED = "red"
    GREEN = "green"


@pytest.mark.parametrize(
    ("text", "budget"),
    [
        ("0.4", Budget(ratio=0.4)),
        (".4", Budget(ratio=0.4)),
        ("40%", Budget(ratio=0.4)),
        ("1", Budget(ratio=1.0)),
        ("0", Budget(ratio=0.0)),
        ("2", Budget(tokens=2)),
        ("8000", Budget(tokens=8000)),
        ("8_000", Budget(tokens=8000)),
    ],
)
def test_a_budget_is_a_share_or_tokens(text: str, budget: Budget) -> None:
    assert budget_of(text) == budget


def test_whole_numbers_are_read() -> None:
    assert whole_number()("-12") == -12
    assert whole_number(0)("0") == 0


@pytest.mark.parametrize("text", ["", "x", "1.5", "nan"])
def test_what_is_no_whole_number_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match=f"'{text}' is not a whole number$"):
        whole_number()(text)


def test_a_whole_number_below_the_least_is_refused() -> None:
    with pytest.raises(typer.BadParameter, match=r"'0' is not a whole number of at least 1$"):
        whole_number(1)("0")


def test_numbers_are_read() -> None:
    assert number()("-1.5") == -1.5
    assert number(0)("2") == 2.0


@pytest.mark.parametrize("text", ["soon", "nan", "inf", "-inf"])
def test_what_is_no_finite_number_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match=f"'{text}' is not a number$"):
        number()(text)


def test_a_number_below_the_least_is_refused() -> None:
    with pytest.raises(typer.BadParameter, match=r"'-0\.5' is not a number of at least 0$"):
        number(0)("-0.5")


def test_a_choice_is_one_of_its_names() -> None:
    assert choice_of(Colour)("green") is Colour.GREEN
    with pytest.raises(typer.BadParameter, match=r"'blue' is not one of red, green$"):
        choice_of(Colour)("blue")


def test_names_stand_between_commas() -> None:
    assert names_of("bm25, lead,,") == ("bm25", "lead")
    assert names_of("") == ()


def test_an_arm_that_is_not_there_is_named_beside_those_that_are() -> None:
    assert arms_of("lead", ["lead", "bm25"]) == ("lead",)
    with pytest.raises(typer.BadParameter, match="no arm is called bm52; there are lead, bm25"):
        arms_of("lead,bm52", ["lead", "bm25"])


def test_shares_stand_between_commas() -> None:
    assert shares_of("0.1, 1") == (0.1, 1.0)


@pytest.mark.parametrize("text", ["half", "0", "1.1", "0.1,-1"])
def test_a_share_lies_above_0_and_at_most_at_1(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="share"):
        shares_of(text)
