"""Facts about checkers of Python."""

from __future__ import annotations

from contextprune.training.executed.families import python_checks
from contextprune.training.executed.workbench import Workbench
from tests.training.executed.families.drawing import outputs_of


def test_findings_are_needed(bench: Workbench) -> None:
    texts = outputs_of(python_checks.CHECKS, "flake8", bench, 2)
    needed = [output.text[a:b] for output in texts for goal in output.goals for a, b in goal.ranges]
    assert any(".py:" in text for text in needed)
