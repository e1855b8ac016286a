"""Facts about the resolver."""

from __future__ import annotations

from contextprune.training.executed.families import resolver
from contextprune.training.executed.workbench import Workbench
from tests.training.executed.families.drawing import outputs_of


def test_the_cause_of_a_conflict_is_needed(bench: Workbench) -> None:
    texts = outputs_of(resolver.CHECKS, "pip_resolver", bench, 2)
    needed = [output.text[a:b] for output in texts for goal in output.goals for a, b in goal.ranges]
    assert any("The conflict is caused by:" in text for text in needed)
