"""Facts about the whole."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest

from contextprune.training.executed import workbench
from contextprune.training.executed.checks import Check, Project
from contextprune.training.executed.families.table import FAMILIES, Family
from contextprune.training.executed.findings import Form
from contextprune.training.executed.make import Plan, family_samples, write_tool_samples
from contextprune.training.executed.material import find_packages
from contextprune.training.mix import is_held_out
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
    counts = write_tool_samples(tmp_path / "tools.jsonl.gz", 40, Plan(folders=[folder]))
    samples = list(read_samples(tmp_path / "tools.jsonl.gz"))
    assert sum(counts.values()) == len(samples) >= 38
    for sample in samples:
        goal, call, result = sample.context.segments
        assert sample.context.query == goal.text
        assert call.pair == result.pair is not None
        assert sample.groups[0] == f"tool:{sample.kind}"
        assert all(result.text[need.start : need.end].strip() for need in sample.needs)


def test_a_run_that_was_broken_off_goes_on_where_it_stopped(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = sys.modules[family_samples.__module__]
    plan = Plan(folders=(folder,), families=("files", "listing"))
    monkeypatch.setattr(driver, "SAMPLES_OF_PIECE", 10)
    first = write_tool_samples(tmp_path / "tools.jsonl.gz", 40, plan)
    whole = (tmp_path / "tools.jsonl.gz").read_bytes()

    pieces = sorted((tmp_path / "tools.pieces").iterdir())
    pieces[0].unlink()
    made: list[str] = []
    assert write_tool_samples(tmp_path / "tools.jsonl.gz", 40, plan, lambda piece, _: made.append(piece)) == first
    assert len(made) == 1 < len(pieces)
    assert list(read_samples(tmp_path / "tools.jsonl.gz")) == list(_read(whole, tmp_path))


def _read(data: bytes, folder: Path) -> Sequence[Sample]:
    (folder / "again.jsonl.gz").write_bytes(data)
    return list(read_samples(folder / "again.jsonl.gz"))


def test_a_family_without_its_tool_is_left_out_and_named(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = sys.modules[family_samples.__module__]
    absent = Family("absent", Check("absent", ("no-such-program",), (), lambda _: Project("made", {})))
    monkeypatch.setattr(driver, "FAMILIES", {"files": FAMILIES["files"], "absent": absent})
    told: list[str] = []
    plan = Plan(folders=(folder,))
    counts = write_tool_samples(tmp_path / "tools.jsonl.gz", 20, plan, lambda piece, _: told.append(piece))
    assert "absent 0: left out, no no-such-program" in told
    assert counts
    assert "absent" not in counts


def test_a_tool_that_hangs_costs_its_piece_and_not_the_run(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = sys.modules[family_samples.__module__]
    hangs = Family("hangs", Check("hangs", (), (("sleep 9", Form("x")),), lambda _: Project("made", {})))
    monkeypatch.setattr(
        driver, "FAMILIES", {"hangs": hangs, "listing": FAMILIES["listing"], "files": FAMILIES["files"]}
    )
    monkeypatch.setattr(workbench, "MAX_SECONDS", 0.2)
    told: list[str] = []
    plan = Plan(folders=(folder,))
    counts = write_tool_samples(tmp_path / "tools.jsonl.gz", 20, plan, lambda piece, _: told.append(piece))
    assert "hangs 0: left out, no time" in told
    assert counts


def test_a_family_that_is_held_out_is_run_on_what_is_held_out(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    driver = sys.modules[family_samples.__module__]
    monkeypatch.setattr(driver, "HELD_OUT_TOOLS", {"tar"})
    packages = find_packages([folder])
    groups = {sample.groups[1] for sample in family_samples(FAMILIES["tar"], 30, Random(1), packages, [])}
    held_out = {f"package:{package.name}" for package in packages if is_held_out(f"package:{package.name}")}
    assert groups <= held_out or not held_out
