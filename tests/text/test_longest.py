from __future__ import annotations

import pytest

from contextprune.text.longest import asks_for_times, longest_times
from tests.growth import assert_linear


@pytest.mark.parametrize(
    "goal",
    [
        "Why is it so slow?",
        "What takes so long?",
        "Which step is the slowest?",
        "Why does the boot hang, where does it wait?",
        "This report takes six minutes.",
        "Where does the time go?",
        "For what was the site hung?",
    ],
)
def test_a_goal_asks_for_times(goal: str) -> None:
    assert asks_for_times(goal)


@pytest.mark.parametrize(
    "goal", ["", "Why does the build fail?", "Since when does it no longer start?", "Which long lines?"]
)
def test_other_goals_do_not(goal: str) -> None:
    assert not asks_for_times(goal)


SYSTEMD = [*(f"{i * 7 + 20}ms unit-{i}.service" for i in range(20)), "1min 4.018s wait-online.service"]
SLOWLOG = [*(f"# Query_time: 0.{i:02}  Lock_time: 0.00" for i in range(20)), "# Query_time: 88.1  Lock_time: 0.00"]
TRACE = [*(f'"duration": {i * 40 + 300},' for i in range(20)), '"duration": 918233,']
WEBPACK = [*(f"[{i}] ./src/part-{i}.ts {i + 20} ms" for i in range(20)), "[20] ./src/icons.ts 9120 ms"]


@pytest.mark.parametrize("lines", [SYSTEMD, SLOWLOG, TRACE, WEBPACK], ids=["systemd", "slow log", "spans", "webpack"])
def test_the_longest_time_is_told(lines: list[str]) -> None:
    assert 20 in longest_times(lines)
    assert len(longest_times(lines)) <= 4


def test_each_key_has_its_own_longest_time() -> None:
    lines = [
        *(f"needTime: {900_000 + i}" for i in range(9)),
        "needTime: 9000000",
        "planMillis: 2",
        "totalMillis: 48211",
    ]
    assert longest_times(lines)[-1] == 11


def test_times_that_are_about_as_long_tell_nothing() -> None:
    assert longest_times([f"part {i} took 1{i} ms" for i in range(10)]) == []


def test_a_clock_that_goes_on_is_no_duration() -> None:
    lines = [f"progress: {5 * i}.0 s, lat {8 + i % 2}.2 ms" for i in range(1, 41)]
    lines[25] = "progress: 130.0 s, lat 1532.2 ms"
    assert longest_times(lines) == [25]


def test_times_of_day_and_dates_are_no_durations() -> None:
    assert longest_times([f'"startTime": "2025-09-0{i} 10:00:0{i}"' for i in range(1, 10)]) == []


@pytest.mark.parametrize("unit", ["9", "9.", "9ms ", "time", "time: 9 ", "a.", "time=9..9"])
def test_looking_for_times_is_linear(unit: str) -> None:
    assert_linear(lambda text: longest_times([text] * 4), lambda size: unit * size, 1_000)
