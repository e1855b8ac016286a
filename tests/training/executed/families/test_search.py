"""Facts about searches."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from contextprune.training.executed.families import search
from contextprune.training.executed.output import Output
from contextprune.training.executed.workbench import Workbench

Draw = Callable[[Callable[[Workbench], Iterator[Output]], int], list[Output]]


def test_hits_are_cut_by_line(draw: Draw) -> None:
    for output in draw(search.greps, 4):
        assert output.kind == "grep"
        assert all(".py:" in line for line in output.text.split("\n"))
