"""Facts about checkers of pages and plans."""

from __future__ import annotations

from contextprune.training.executed.families import markup
from contextprune.training.executed.workbench import Workbench
from tests.training.executed.families.drawing import outputs_of


def test_problems_of_a_page_are_needed(bench: Workbench) -> None:
    texts = outputs_of(markup.CHECKS, "tidy", bench, 3)
    needed = [output.text[a:b] for output in texts for goal in output.goals for a, b in goal.ranges]
    assert any(" - Warning: " in text for text in needed)
