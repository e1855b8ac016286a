"""Facts about test runners."""

from __future__ import annotations

from contextprune.training.executed.families import runners
from contextprune.training.executed.workbench import Workbench
from tests.training.executed.families.drawing import outputs_of


def test_a_failed_test_is_needed_with_what_it_got(bench: Workbench) -> None:
    texts = outputs_of(runners.CHECKS, "prove", bench, 3)
    needed = [output.text[a:b] for output in texts for goal in output.goals for a, b in goal.ranges]
    assert any("expected: " in text for text in needed)
