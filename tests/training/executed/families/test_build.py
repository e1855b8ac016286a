"""Facts about build logs."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from contextprune.training.executed.families import build
from contextprune.training.executed.output import Output
from contextprune.training.executed.workbench import Workbench

Draw = Callable[[Callable[[Workbench], Iterator[Output]], int], list[Output]]


def test_builds_and_helps(draw: Draw) -> None:
    assert {output.kind for output in draw(build.builds, 2)} == {"build"}
