"""Facts about tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from contextprune.training.executed.families import sql
from contextprune.training.executed.output import Output
from contextprune.training.executed.workbench import Bench

Draw = Callable[[Callable[[Bench], Iterator[Output]], int], list[Output]]


def test_a_named_row_is_in_its_answer(draw: Draw) -> None:
    for output in draw(sql.tables, 6):
        named = [ask for ask in output.asks if ask.plain and ask.key]
        assert all(any(str(ask.key) in output.text[a:b] for a, b in ask.ranges) for ask in named)
