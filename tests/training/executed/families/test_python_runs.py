"""Facts about runs of Python."""

from __future__ import annotations

from contextprune.training.executed.families import python_runs
from contextprune.training.executed.workbench import Workbench
from tests.training.executed.families.drawing import outputs_of


def test_a_failed_example_is_needed(bench: Workbench) -> None:
    texts = outputs_of(python_runs.CHECKS, "doctest", bench, 4)
    needed = [output.text[a:b] for output in texts for goal in output.goals for a, b in goal.ranges]
    assert any("Failed example:" in text for text in needed)
