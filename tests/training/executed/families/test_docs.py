"""Facts about pages of pydoc."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from contextprune.training.executed.families import docs
from contextprune.training.executed.output import Output
from contextprune.training.executed.workbench import Workbench

Draw = Callable[[Callable[[Workbench], Iterator[Output]], int], list[Output]]


def test_an_entry_is_answered_by_its_signature(draw: Draw) -> None:
    for output in draw(docs.pages, 1):
        named = [goal for goal in output.goals if goal.plain]
        assert all(f"{goal.key}(" in output.text[slice(*goal.ranges[0])] for goal in named)
