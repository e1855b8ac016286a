"""Facts about merges that conflict."""

from __future__ import annotations

from contextprune.training.executed.families import conflicts
from contextprune.training.executed.workbench import Workbench
from tests.training.executed.families.drawing import outputs_of


def test_a_conflict_is_needed(bench: Workbench) -> None:
    texts = outputs_of(conflicts.CHECKS, "git_merge", bench, 2)
    needed = [output.text[a:b] for output in texts for goal in output.goals for a, b in goal.ranges]
    assert any("CONFLICT (content)" in text for text in needed)
