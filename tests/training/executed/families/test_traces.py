"""Facts about stack traces."""

from __future__ import annotations

from contextprune.training.executed.families import traces
from contextprune.training.executed.workbench import Workbench
from tests.training.executed.families.drawing import outputs_of


def test_the_error_and_the_own_frames_are_needed(bench: Workbench) -> None:
    texts = outputs_of(traces.CHECKS, "ruby_trace", bench, 2)
    needed = [output.text[a:b] for output in texts for goal in output.goals for a, b in goal.ranges]
    assert any("FAILED" in text for text in needed)
