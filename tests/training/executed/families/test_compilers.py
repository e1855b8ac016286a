"""Facts about compilers of made sources."""

from __future__ import annotations

from contextprune.training.executed.families import compilers
from contextprune.training.executed.workbench import Workbench
from tests.training.executed.families.drawing import outputs_of


def test_errors_of_the_compiler_are_needed(bench: Workbench) -> None:
    texts = outputs_of(compilers.CHECKS, "gcc", bench, 3)
    needed = [output.text[a:b] for output in texts for goal in output.goals for a, b in goal.ranges]
    assert any("error: " in text for text in needed)
