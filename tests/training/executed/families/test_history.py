"""Facts about histories."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from contextprune.training.executed.families import history
from contextprune.training.executed.output import Output
from contextprune.training.executed.workbench import Workbench

Draw = Callable[[Callable[[Workbench], Iterator[Output]], int], list[Output]]


def test_each_repository_gives_logs_changes_and_blame(draw: Draw) -> None:
    kinds = [output.kind for output in draw(history.histories, 6)]
    assert kinds == ["git_log", "git_log", "git_diff", "git_diff", "git_diff", "git_blame"]
