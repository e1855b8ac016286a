"""Facts about goals for one record of many."""

from __future__ import annotations

from random import Random

from contextprune.training.executed.row_goals import row_goals


def test_the_largest_is_the_largest() -> None:
    rows = [{"id": i, "name": f"part_{i}", "lines": i * 7 % 11} for i in range(8)]
    goals = [goal for seed in range(5) for goal in row_goals(Random(seed), rows, "part")]
    assert {goal.rows for goal in goals if "highest" in goal.text} == {(3,)}
    assert all(goal.key in goal.text for goal in goals if goal.plain and goal.key)
