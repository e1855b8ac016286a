"""Facts about what is installed."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from contextprune.training.executed.families import installed
from contextprune.training.executed.output import Output
from contextprune.training.executed.workbench import Workbench

Draw = Callable[[Callable[[Workbench], Iterator[Output]], int], list[Output]]


def test_no_address_of_a_person_stays(bench: Workbench) -> None:
    output = installed.metadata_file(bench, "rich")
    assert "@" not in output.text.replace("team@example.com", "")
    assert output.goals
