"""Facts about the composition: halves apart, the same files each time, every need inside a judged text."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from contextprune.training.labels import kit
from contextprune.training.labels.recipes import MAX_DEV_SAMPLES, write_halves
from contextprune.training.samples import Sample, read_samples

BENCH = Path(__file__).parents[3] / "examples" / "data" / "bench"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, int]]:
    out = tmp_path_factory.mktemp("made")
    return out, dict(write_halves(BENCH, out))


@pytest.fixture(scope="module")
def train(written: tuple[Path, dict[str, int]]) -> list[Sample]:
    return list(read_samples(written[0] / "train.jsonl.gz"))


def test_halves_share_no_group(written: tuple[Path, dict[str, int]], train: list[Sample]) -> None:
    dev = list(read_samples(written[0] / "dev.jsonl.gz"))
    assert dev
    assert {group for sample in dev for group in sample.groups}.isdisjoint(g for s in train for g in s.groups)


def test_every_need_lies_in_a_judged_text(train: list[Sample]) -> None:
    for sample in train:
        for need in sample.needs:
            assert need.segment in sample.judged
            assert 0 <= need.start < need.end <= len(sample.context.segments[need.segment].text)
            assert 0 < need.weight <= 1


def test_counts_tell_what_is_in_the_files(written: tuple[Path, dict[str, int]], train: list[Sample]) -> None:
    counts = written[1]
    assert sum(count for name, count in counts.items() if name.startswith("train/")) == len(train)
    assert all(count <= MAX_DEV_SAMPLES for name, count in counts.items() if name.startswith("dev/"))
    assert {"train/tau_airline", "train/squad2", "train/nq20_call", "train/wtq"} <= counts.keys()


def test_no_sample_stands_twice(train: list[Sample]) -> None:
    assert len({sample.id for sample in train}) == len(train)


def test_the_same_seed_gives_the_same_samples_and_another_others(train: list[Sample], tmp_path: Path) -> None:
    write_halves(BENCH, tmp_path)
    assert list(read_samples(tmp_path / "train.jsonl.gz")) == train
    write_halves(BENCH, tmp_path, seed=1)
    assert list(read_samples(tmp_path / "train.jsonl.gz")) != train


def test_gold_documents_stand_at_the_front_and_at_the_back(train: list[Sample]) -> None:
    segments = {need.segment for sample in train if sample.source in ("hotpotqa", "nq20") for need in sample.needs}
    assert len(segments) > 5


def test_the_command_says_what_it_wrote(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "contextprune.training.labels.recipes", str(BENCH), str(tmp_path)]
    process = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "train/squad2" in process.stderr
    assert process.stdout == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dev.jsonl.gz", "train.jsonl.gz"]


def test_each_sample_is_in_the_half_of_its_groups(train: list[Sample]) -> None:
    assert all(kit.half(sample.groups) == "train" for sample in train)
