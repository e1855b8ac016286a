"""Facts about test runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from contextprune.training.executed.families import tests_run
from contextprune.training.executed.output import Output
from contextprune.training.executed.workbench import Bench

Draw = Callable[[Callable[[Bench], Iterator[Output]], int], list[Output]]


def test_a_failure_is_answered_by_its_heading_and_its_error(draw: Draw) -> None:
    for output in draw(tests_run.runs, 1):
        for ask in output.asks:
            if ask.goal.startswith(("Fix test_", "Why does test_")):
                assert str(ask.key) in output.text[slice(*ask.ranges[0])]


def test_unittest_sections_are_found(draw: Draw) -> None:
    (output,) = draw(tests_run.unittests, 1)
    assert "Ran " in output.text
