from __future__ import annotations

from pathlib import Path

import pytest

from contextprune.errors import SettingsError
from contextprune.scoring import load_scorer
from contextprune.scoring.calibration import Calibration
from contextprune.scoring.folder import read_folder
from contextprune.scoring.load import WEIGHTS
from contextprune.training.finetune.compare import InSight
from contextprune.training.finetune.run import Comparison, Options, run
from tests.training.finetune.recordings import write_sessions


def test_sessions_end_in_a_scorer_that_loads_and_a_comparison(tmp_path: Path) -> None:
    logs, lines = write_sessions(tmp_path / "logs", 6), list[str]()
    options = Options([str(logs)], tmp_path / "run", minutes=0.05, processes=1)
    comparison = run(options, lines.append)

    assert comparison.sessions == 1
    assert comparison.shipped.edits_used == comparison.tuned.edits_used > 0
    assert any(line.startswith("step 0:") for line in lines)
    assert load_scorer(str(tmp_path / "run" / "scorer"), "cpu").name.startswith("own.v2.")
    shipped, own = (
        Calibration.of(read_folder(folder).calibration) for folder in (WEIGHTS, tmp_path / "run" / "scorer")
    )
    assert set(shipped.curves) <= set(own.curves)  # of classes that these sessions do not show

    with pytest.raises(SettingsError, match="holds a run on other sessions"):
        run(Options([str(tmp_path)], tmp_path / "run", minutes=0.05, processes=1), lines.append)


def test_better_is_what_loses_no_edit_and_shows_more() -> None:
    base = InSight(5, 9, 5, 9, 3, 5, 100, 30)
    for tuned, better in (
        (base, False),
        (InSight(6, 9, 5, 9, 3, 5, 100, 30), True),
        (InSight(5, 9, 5, 9, 4, 5, 100, 30), True),
        (InSight(9, 9, 9, 9, 2, 5, 100, 30), False),
    ):
        assert Comparison(1, 1, base, tuned).is_better is better
