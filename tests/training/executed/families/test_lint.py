"""Facts about linters."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from contextprune.training.executed.families import lint
from contextprune.training.executed.output import Output
from contextprune.training.executed.workbench import Workbench

Draw = Callable[[Callable[[Workbench], Iterator[Output]], int], list[Output]]


def test_a_rule_is_answered_by_findings_of_that_rule(draw: Draw) -> None:
    for output in draw(lint.ruffs, 3):
        for goal in output.goals:
            if goal.plain and goal.text.startswith("List the"):
                assert all(str(goal.key) in output.text[a:b] for a, b in goal.ranges)


def test_rules_are_described_in_words() -> None:
    assert lint.rules()["F401"] == "unused imports"


def test_mypy_findings_are_found(draw: Draw) -> None:
    (output,) = draw(lint.mypys, 1)
    assert output.kind == "mypy"
