from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from contextprune.audit.find import find
from contextprune.audit.recordings import read_recordings
from contextprune.context import Context, Span
from contextprune.training.finetune.compare import InSight, Point, measure, points_of
from tests.training.finetune.recordings import write_sessions


def points(folder: Path) -> list[Point]:
    files, _ = find([str(write_sessions(folder, 2))])
    return points_of([recording for file in files for recording in read_recordings(file)])


class Words:
    """Scores the spans that hold one of the words above all others, in any context."""

    name = "words"

    def __init__(self, *words: str) -> None:
        self.words = words

    def __call__(self, context: Context, spans: Sequence[Span]) -> list[float]:
        del context
        return [0.9 if any(word in span.text for word in self.words) else 0.01 for span in spans]


def test_what_is_used_later_and_only_results_show_is_counted(tmp_path: Path) -> None:
    seen = points(tmp_path)
    assert any(point.edits for point in seen)
    assert any("req-" in value for point in seen for value in point.values)
    for point in seen:
        assert all(line in {line for edit in point.edits for line in edit} or line for line in point.lines)


def test_a_scorer_that_knows_what_is_needed_keeps_more_of_it(tmp_path: Path) -> None:
    seen = points(tmp_path)
    needed = [line for point in seen for edit in point.edits for line in edit]
    knowing, other = measure(seen, Words(*needed)), measure(seen, Words("INFO"))
    assert knowing.edits == knowing.edits_used > other.edits
    assert knowing.share < 0.5
    assert (knowing.values_used, knowing.lines_used, knowing.before) == (
        other.values_used, other.lines_used, other.before,
    )  # fmt: skip


def test_figures_add_up() -> None:
    assert InSight(1, 2, 3, 4, 5, 6, 70, 8) + InSight(1, 1, 1, 1, 1, 1, 30, 2) == InSight(2, 3, 4, 5, 6, 7, 100, 10)
    assert InSight(before=100, after=10).share == 0.1
    assert InSight().share == 1.0
