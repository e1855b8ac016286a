"""Facts about archives, checksums and certificates."""

from __future__ import annotations

from contextprune.training.executed.families import operations
from contextprune.training.executed.workbench import Workbench
from tests.training.executed.families.drawing import outputs_of


def test_a_file_that_was_changed_is_needed(bench: Workbench) -> None:
    texts = outputs_of(operations.CHECKS, "checksums", bench, 4)
    needed = [output.text[a:b] for output in texts for goal in output.goals for a, b in goal.ranges]
    assert any(": FAILED" in text for text in needed)
