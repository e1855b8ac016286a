"""Facts about histories."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from contextprune.training.tools import history
from contextprune.training.tools.bench import Bench
from contextprune.training.tools.output import Output

Draw = Callable[[Callable[[Bench], Iterator[Output]], int], list[Output]]


def test_each_repository_gives_logs_changes_and_blame(draw: Draw) -> None:
    kinds = [output.kind for output in draw(history.histories, 6)]
    assert kinds == ["git_log", "git_log", "git_diff", "git_diff", "git_diff", "git_blame"]
