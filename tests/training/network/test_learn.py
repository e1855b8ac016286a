from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from contextprune.scoring.network_weights import WIDTH
from contextprune.scoring.torch_network import TorchNetwork
from contextprune.training.network import learn as learning
from contextprune.training.network.examples import prepare
from contextprune.training.network.learn import Recipe, learn
from contextprune.training.samples import Sample
from tests.scoring.folders import tokenizer
from tests.training.tiny import samples

PIECES = 201
RECIPE = Recipe(steps=60, pieces=400, rate=5e-3, looks=1)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Path], list[Path], Path]:
    """(folders to train on, folders to judge by, the first weights)."""
    root = tmp_path_factory.mktemp("network")
    tokenizer().save(str(root / "tokens.json"))
    halves: dict[str, list[Sample]] = {"train": list(samples(60)), "dev": list(samples(12, start=60))}
    for half, some in halves.items():
        prepare(some, root / half, root / "tokens.json", cut=half == "train")
    torch.manual_seed(0)
    table = torch.randn(PIECES, WIDTH)
    table[-1] = 0
    save_file({"table.weight": table}, root / "first.safetensors")
    return [root / "train"], [root / "dev"], root / "first.safetensors"


def test_training_learns_what_is_needed(tiny: tuple[list[Path], list[Path], Path], tmp_path: Path) -> None:
    lines: list[str] = []
    best = learn(*tiny, tmp_path, RECIPE, lines.append)
    assert best["@30%"] > 0.9
    assert any(line.startswith("step 50") for line in lines)
    TorchNetwork(PIECES).load_state_dict(load_file(tmp_path / "best.safetensors"))


def test_a_run_that_was_stopped_goes_on(
    tiny: tuple[list[Path], list[Path], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learning, "CHECKPOINT_MINUTES", 0)

    def stop(line: str) -> None:
        if line.startswith("step 50"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        learn(*tiny, tmp_path, RECIPE, stop)
    lines: list[str] = []
    learn(*tiny, tmp_path, RECIPE, lines.append)
    assert not any(line.startswith("step 50") for line in lines)
    assert lines[-1].startswith("step 60")


def test_two_processes_train_together(tiny: tuple[list[Path], list[Path], Path], tmp_path: Path) -> None:
    best = learn(*tiny, tmp_path, Recipe(steps=32, pieces=400, rate=5e-3, looks=1, processes=2))
    assert best["step"] == 32
    assert best["@30%"] > 0.5
