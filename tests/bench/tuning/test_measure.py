"""Facts about the figures of each task, on the smallest of the committed samples."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from contextprune.bench.tuning.measure import measure

SAMPLES = Path(__file__).parents[3] / "examples" / "data" / "bench"


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    for name in ("traj_sgd.jsonl.gz", "qa_sgd_toolresult.jsonl.gz", "tools_unseen.jsonl.gz"):
        shutil.copy(SAMPLES / name, tmp_path)
    return tmp_path


def test_sessions_have_a_cost_and_what_stays_visible(sample: Path) -> None:
    figures = measure("sessions", "ours-lexical", sample)
    assert figures.cost is not None
    assert 0 < figures.cost < 1.2
    assert figures.values is not None
    assert 0 < figures.values[0] <= figures.values[1]


def test_traces_have_what_stays_visible_and_no_cost(sample: Path) -> None:
    figures = measure("traces", "ours-lexical", sample)
    assert figures.cost is None
    assert figures.values is not None
    assert 0 < figures.values[0] <= figures.values[1]


def test_epochs_are_counted(sample: Path) -> None:
    assert measure("epochs", "ours-lexical", sample).count is not None


@pytest.mark.parametrize("task", ["tools", "evidence"])
def test_single_outputs_and_documents_have_a_share_of_what_is_needed(task: str, sample: Path) -> None:
    figures = measure(task, "ours-lexical", sample)
    assert figures.evidence is not None
    assert 0 < figures.evidence <= 1


def test_recall_has_both_what_is_needed_and_what_is_left(tmp_path: Path) -> None:
    shutil.copy(SAMPLES / "tools_dev.jsonl.gz", tmp_path)
    figures = measure("recall", "ours-lexical", tmp_path)
    assert figures.cost is not None
    assert figures.evidence is not None
    assert figures.cost < 1 <= figures.evidence + 0.5
