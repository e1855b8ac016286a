"""Facts about service logs."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from contextprune.training.executed.families import logs
from contextprune.training.executed.output import Output
from contextprune.training.executed.workbench import Workbench

Draw = Callable[[Callable[[Workbench], Iterator[Output]], int], list[Output]]


def test_a_request_is_answered_by_all_its_lines(draw: Draw) -> None:
    (output,) = draw(logs.services, 1)
    for goal in output.goals:
        if goal.text.startswith("Trace "):
            lines = [line for a, b in goal.ranges for line in output.text[a:b].split("\n")]
            assert lines == [line for line in output.text.split("\n") if f"[{goal.key}]" in line]
