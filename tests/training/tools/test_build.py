"""Facts about build logs."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from contextprune.training.tools import build
from contextprune.training.tools.bench import Bench
from contextprune.training.tools.output import Output

Draw = Callable[[Callable[[Bench], Iterator[Output]], int], list[Output]]


def test_builds_and_helps(draw: Draw) -> None:
    assert {output.kind for output in draw(build.builds, 2)} == {"build"}
