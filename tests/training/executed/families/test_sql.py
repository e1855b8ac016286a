"""Facts about tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from contextprune.training.executed.families import sql
from contextprune.training.executed.output import Output
from contextprune.training.executed.workbench import Workbench

Draw = Callable[[Callable[[Workbench], Iterator[Output]], int], list[Output]]


def test_a_named_row_is_in_its_answer(draw: Draw) -> None:
    for output in draw(sql.tables, 6):
        named = [goal for goal in output.goals if goal.plain and goal.key]
        assert all(any(str(goal.key) in output.text[a:b] for a, b in goal.ranges) for goal in named)
