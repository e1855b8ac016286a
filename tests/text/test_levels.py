from __future__ import annotations

import pytest

from contextprune.text.levels import odd_levels
from tests.growth import assert_linear

WORDS = (
    "the tide turns",
    "a boat is in",
    "berth four is free now",
    "the lamp",
    "mail went out to the crew of the night",
)
SAID = [WORDS[i * i % 5] for i in range(40)]


@pytest.mark.parametrize(
    ("usual", "graver"),
    [
        ("07:00:01 INFO  [tides] ", "07:00:01 WARN  [tides] "),
        ("time=07:00 level=info msg=", "time=07:00 level=warning msg="),
        ("I0610 07:00:01 9 tide.go:7] ", "W0610 07:00:01 9 tide.go:7] "),
        ("06-10 07:00:01.120  881  902 D Tide: ", "06-10 07:00:01.120  881  902 W Tide: "),
        ("[debug] ", "[notice] "),
    ],
    ids=["word", "logfmt", "klog", "Android", "brackets"],
)
def test_a_record_above_the_usual_level_stands_out_whatever_it_says(usual: str, graver: str) -> None:
    lines = [usual + words for words in SAID]
    lines[23] = graver + SAID[23]
    assert list(odd_levels(lines)) == [23]


def test_a_record_below_the_usual_level_does_not() -> None:
    lines = [f"07:00:01 INFO {words}" for words in SAID]
    lines[23] = "07:00:01 DEBUG the lamp"
    assert odd_levels(lines) == {}


def test_where_many_records_are_grave_none_stands_out() -> None:
    assert odd_levels([f"07:00:01 {'WARN' if i % 3 == 0 else 'INFO'} {words}" for i, words in enumerate(SAID)]) == {}


def test_lines_without_levels_have_none_that_is_odd() -> None:
    assert odd_levels([*SAID, "a warning of the pilot", "no error at all"]) == {}


@pytest.mark.parametrize("unit", ["9", "9-", "W0610 ", "- 9 ", "info"])
def test_looking_for_levels_is_linear(unit: str) -> None:
    assert_linear(lambda text: odd_levels([text] * 4), lambda size: unit * size, 1_000)
