"""Facts about one run in a process of its own."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from contextprune.bench.tuning.figures import Figures
from contextprune.interpreter import command

SAMPLES = Path(__file__).parents[3] / "examples" / "data" / "bench"


def run(data: Path, **order: object) -> Figures:
    task = {"task": "sessions", "arm": "ours-lexical", "data": str(data), **order}
    worker = command("-m", "contextprune.bench.tuning.worker", json.dumps(task))
    return Figures(**json.loads(subprocess.run(worker, capture_output=True, text=True, check=True).stdout))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data kit with one small set."""
    folder = tmp_path_factory.mktemp("data")
    shutil.copy(SAMPLES / "traj_sgd.jsonl.gz", folder)
    return folder


@pytest.fixture(scope="module")
def unchanged(data: Path) -> Figures:
    return run(data)


def test_a_number_that_is_changed_has_its_effect(data: Path, unchanged: Figures) -> None:
    changed = run(data, module="policy", name="Policy.min_tokens", value=1_000_000)
    assert changed.cost == 1.0 != unchanged.cost


def test_the_number_at_its_own_value_changes_nothing(data: Path, unchanged: Figures) -> None:
    assert unchanged == run(data, module="selection.targets", name="LARGE", value=[500, 3000])
