"""Facts about frameworks."""

from __future__ import annotations

from contextprune.training.executed.families import frameworks
from contextprune.training.executed.workbench import Workbench
from tests.training.executed.families.drawing import outputs_of


def test_a_fault_of_a_model_is_needed(bench: Workbench) -> None:
    texts = outputs_of(frameworks.CHECKS, "django", bench, 3)
    needed = [output.text[a:b] for output in texts for goal in output.goals for a, b in goal.ranges]
    assert any("fields.E" in text for text in needed)
