from __future__ import annotations

import json
from pathlib import Path

import torch

from contextprune.scoring.encoder import Model, Shape
from contextprune.scoring.neural import Neural
from contextprune.training.fit.export import export
from tests.scoring.folders import CURVE, WORDS, tokenizer


def test_what_is_exported_is_half_precision_hashed_and_never_truncates(tmp_path: Path) -> None:
    words = tokenizer()
    words.enable_truncation(8)
    words.enable_padding(length=8)
    words.save(str(tmp_path / "words.json"))
    model = Model(Shape(vocab=len(WORDS), width=32, heads=2, inner=64, layers=1))
    folder = export(model, tmp_path / "words.json", {"all": CURVE}, tmp_path / "out", "mine.v1")
    tokens = json.loads((folder / "tokenizer.json").read_text())
    assert tokens["truncation"] is None
    assert tokens["padding"] is None
    loaded = Neural.load(folder, "cpu")
    assert loaded.name.startswith("mine.v1.")
    for trained, read in zip(model.parameters(), loaded._model.parameters(), strict=True):
        assert torch.equal(trained.half().float().to(read.dtype), read)  # some processors compute in bf16
