"""Facts about one run in a process of its own."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

from contextprune.bench.tuning.figures import Figures
from contextprune.interpreter import command

SAMPLES = Path(__file__).parents[3] / "examples" / "data" / "bench"


def run(data: Path, **order: object) -> Figures:
    task = {"task": "sessions", "arm": "ours-lexical", "data": str(data), **order}
    worker = command("-m", "contextprune.bench.tuning.worker", json.dumps(task))
    return Figures(**json.loads(subprocess.run(worker, capture_output=True, text=True, check=True).stdout))


def test_a_number_that_is_changed_has_its_effect(tmp_path: Path) -> None:
    shutil.copy(SAMPLES / "traj_sgd.jsonl.gz", tmp_path)
    unchanged, changed = run(tmp_path), run(tmp_path, module="policy", name="Policy.min_tokens", value=1_000_000)
    assert changed.cost == 1.0 != unchanged.cost


def test_the_number_at_its_own_value_changes_nothing(tmp_path: Path) -> None:
    shutil.copy(SAMPLES / "traj_sgd.jsonl.gz", tmp_path)
    assert run(tmp_path) == run(tmp_path, module="selection.targets", name="LARGE", value=[500, 3000])
