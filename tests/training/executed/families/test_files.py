"""Facts about views of files."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from contextprune.training.executed.families import files
from contextprune.training.executed.output import Output
from contextprune.training.executed.workbench import Workbench

Draw = Callable[[Callable[[Workbench], Iterator[Output]], int], list[Output]]


def test_a_function_named_in_a_goal_is_in_its_answer(draw: Draw) -> None:
    for output in draw(files.views, 3):
        for goal in output.goals:
            if goal.key and goal.plain and "definition of" in goal.text:
                assert any(goal.key in output.text[a:b] for a, b in goal.ranges)
