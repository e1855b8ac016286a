"""Facts about pages of pydoc."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from contextprune.training.executed.families import docs
from contextprune.training.executed.output import Output
from contextprune.training.executed.workbench import Bench

Draw = Callable[[Callable[[Bench], Iterator[Output]], int], list[Output]]


def test_an_entry_is_answered_by_its_signature(draw: Draw) -> None:
    for output in draw(docs.pages, 1):
        named = [ask for ask in output.asks if ask.plain]
        assert all(f"{ask.key}(" in output.text[slice(*ask.ranges[0])] for ask in named)
