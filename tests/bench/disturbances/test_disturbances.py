"""The disturbances' own bookkeeping, without processes."""

from __future__ import annotations

from contextprune.bench.disturbances.disturbances import DISTURBANCES, KILLS, NONE, Stage, scorers_killed


def test_the_first_row_is_the_undisturbed_one() -> None:
    assert DISTURBANCES[0].name == NONE


def test_scorers_are_killed_ten_times_evenly_spread() -> None:
    stage, struck = Stage((), total=110, answer=0), []
    for number in range(110):
        stage.sent = number
        before = stage.hits
        with scorers_killed(stage, 0, 1):
            pass
        if stage.hits > before:
            struck.append(number)
    assert struck == [10 * (kill + 1) for kill in range(KILLS)]
