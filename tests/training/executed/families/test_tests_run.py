"""Facts about test runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from contextprune.training.executed.families import tests_run
from contextprune.training.executed.output import Output
from contextprune.training.executed.workbench import Workbench

Draw = Callable[[Callable[[Workbench], Iterator[Output]], int], list[Output]]


def test_a_failure_is_answered_by_its_heading_and_its_error(draw: Draw) -> None:
    for output in draw(tests_run.runs, 1):
        for goal in output.goals:
            if goal.text.startswith(("Fix test_", "Why does test_")):
                assert str(goal.key) in output.text[slice(*goal.ranges[0])]


def test_unittest_sections_are_found(draw: Draw) -> None:
    (output,) = draw(tests_run.unittests, 1)
    assert "Ran " in output.text
