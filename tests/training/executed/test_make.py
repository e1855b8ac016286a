"""Facts about the whole."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest

from contextprune.training.executed.families.table import FAMILIES
from contextprune.training.executed.make import family_samples, write_tool_samples
from contextprune.training.executed.material import find_packages
from contextprune.training.samples import Sample, read_samples

QUICK = ("files", "sql", "listing", "ast")


def few(folder: Path, name: str, count: int) -> Sequence[Sample]:
    return list(family_samples(FAMILIES[name], count, Random(1), find_packages([folder]), []))


def test_samples_are_the_same_for_a_seed(folder: Path) -> None:
    for name in QUICK:
        assert few(folder, name, 6) == few(folder, name, 6)


def test_some_goals_need_nothing(folder: Path) -> None:
    samples = few(folder, "files", 150)
    assert 3 < sum(not sample.needs for sample in samples) < 45


def test_a_file_holds_what_was_made(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    driver = sys.modules[family_samples.__module__]  # the package shows the function under the module's name
    monkeypatch.setattr(driver, "FAMILIES", {name: FAMILIES[name] for name in QUICK})
    counts = write_tool_samples(tmp_path / "tools.jsonl.gz", 40, folders=[folder])
    samples = list(read_samples(tmp_path / "tools.jsonl.gz"))
    assert sum(counts.values()) == len(samples) >= 38
    for sample in samples:
        goal, call, result = sample.context.segments
        assert sample.context.query == goal.text
        assert call.pair == result.pair is not None
        assert sample.groups[0] == f"tool:{sample.kind}"
        assert all(result.text[need.start : need.end].strip() for need in sample.needs)
