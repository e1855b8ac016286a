"""Facts about listings."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from contextprune.training.executed.families import listing
from contextprune.training.executed.output import Output
from contextprune.training.executed.workbench import Workbench

Draw = Callable[[Callable[[Workbench], Iterator[Output]], int], list[Output]]


def test_a_listed_file_is_in_its_answer(draw: Draw) -> None:
    for output in draw(listing.listings, 4):
        assert output.kind in {"listing", "sizes"}
        named = [goal for goal in output.goals if goal.plain and goal.key and goal.key.endswith(".py")]
        assert all(str(goal.key) in output.text[a:b] for goal in named for a, b in goal.ranges)
