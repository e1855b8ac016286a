from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from contextprune.errors import SettingsError
from contextprune.scoring.encoder import batch_of
from contextprune.training.fit import train as training
from contextprune.training.fit.groups import read_groups
from contextprune.training.fit.train import Recipe, initial_model, scores_of, shape_of, train, windows_of
from tests.training.tiny import folders

RECIPE = Recipe(layers=(0, 1), steps=30, batch=4, looks=1)


@pytest.fixture(scope="module")
def tiny_folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    return folders(tmp_path_factory.mktemp("small"))


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_training_learns_what_is_needed(tiny_folders: tuple[Path, Path, Path], tmp_path: Path) -> None:
    lines: list[str] = []
    best = train(*tiny_folders, tmp_path, RECIPE, lines.append)
    assert best["@30%"] > 0.9
    assert any(line.startswith("step 25/30") and "to go" in line for line in lines)


def test_a_run_that_was_stopped_goes_on_to_the_same_weights(
    tiny_folders: tuple[Path, Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "CHECKPOINT_MINUTES", 0)

    def stop(line: str) -> None:
        if line.startswith("step 25/"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(*tiny_folders, tmp_path / "stopped", RECIPE, stop)
    train(*tiny_folders, tmp_path / "stopped", RECIPE, lambda _: None)
    train(*tiny_folders, tmp_path / "straight", RECIPE, lambda _: None)
    first, second = (load_file(tmp_path / name / "best.safetensors") for name in ("stopped", "straight"))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_two_processes_train_like_one(tiny_folders: tuple[Path, Path, Path], tmp_path: Path) -> None:
    best = train(
        *tiny_folders, tmp_path, Recipe(layers=(0, 1), steps=20, batch=4, looks=1, processes=2), lambda _: None
    )
    assert 0.0 <= best["mean"] <= 1.0


def test_the_control_reads_no_text(tiny_folders: tuple[Path, Path, Path]) -> None:
    groups = list(read_groups(tiny_folders[1]))
    model = initial_model(tiny_folders[2], ())
    changed = [type(g)(**{**_fields(g), "ids": g.ids[::-1].copy()}) for g in groups]
    first, second = (scores_of(model, part, torch.device("cpu")) for part in (groups, changed))
    assert all((a == b).all() for a, b in zip(first, second, strict=True))


def test_windows_come_back_to_their_spans(tiny_folders: tuple[Path, Path, Path]) -> None:
    groups = list(read_groups(tiny_folders[1]))[:3]
    windows = list(windows_of(groups))
    assert sorted(i for window in windows for i, _, _ in window.spans) == list(range(sum(len(g.label) for g in groups)))
    batch = batch_of(windows)
    assert batch.spans == sum(len(group.label) for group in groups)
    assert int(batch.goal.sum()) == sum(window.goal for window in windows)


def test_layers_that_are_not_there_are_refused(tiny_folders: tuple[Path, Path, Path]) -> None:
    with pytest.raises(SettingsError, match="no BERT with the layers"):
        shape_of(tiny_folders[2], (0, 7))


def _fields(group: object) -> dict[str, object]:
    return {name: getattr(group, name) for name in group.__dataclass_fields__}  # type: ignore[attr-defined]
