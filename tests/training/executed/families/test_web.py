"""Facts about replies."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from contextprune.training.executed.families import web
from contextprune.training.executed.output import Output
from contextprune.training.executed.workbench import Bench

Draw = Callable[[Callable[[Bench], Iterator[Output]], int], list[Output]]


def test_a_named_record_is_in_its_answer(draw: Draw) -> None:
    for output in draw(web.replies, 6):
        named = [ask for ask in output.asks if ask.plain and ask.key]
        assert all(str(ask.key) in output.text[a:b] for ask in named for a, b in ask.ranges[:1])
