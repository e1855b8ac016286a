"""Facts about batches that fail."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from contextprune.training.executed.families import tracebacks
from contextprune.training.executed.output import Output
from contextprune.training.executed.workbench import Workbench

Draw = Callable[[Callable[[Workbench], Iterator[Output]], int], list[Output]]


def test_a_failed_job_is_answered_by_our_frame_and_the_error(draw: Draw) -> None:
    (output,) = draw(tracebacks.crashes, 1)
    questions = [goal for goal in output.goals if goal.text.startswith("Why did the")]
    answers = ["\n".join(output.text[a:b] for a, b in goal.ranges) for goal in questions]
    assert all("FAILED" in answer and "nightly.py" in answer for answer in answers)
