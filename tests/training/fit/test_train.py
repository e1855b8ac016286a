from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from contextprune.errors import SettingsError
from contextprune.training.fit import train as training
from contextprune.training.fit.train import Recipe, shape_of, train

RECIPE = Recipe(layers=(0, 1), steps=30, batch=4, looks=1)


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


def test_layers_that_are_not_there_are_refused(tiny_folders: tuple[Path, Path, Path]) -> None:
    with pytest.raises(SettingsError, match="no BERT with the layers"):
        shape_of(tiny_folders[2], (0, 7))
