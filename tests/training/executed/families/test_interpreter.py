"""Facts about views into the interpreter."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from contextprune.training.executed.families import interpreter
from contextprune.training.executed.output import Output
from contextprune.training.executed.workbench import Workbench

Draw = Callable[[Callable[[Workbench], Iterator[Output]], int], list[Output]]


def test_bytecode_trees_and_profiles(draw: Draw) -> None:
    for family, kind in ((interpreter.bytecode, "dis"), (interpreter.trees, "ast"), (interpreter.profiles, "profile")):
        assert {output.kind for output in draw(family, 1)} == {kind}
