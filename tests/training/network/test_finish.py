from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from contextprune.scoring.calibration import Calibration
from contextprune.scoring.torch_network import TorchNetwork
from contextprune.training.network.finish import blocks_of, finish, score_sample
from contextprune.training.samples import write_samples
from tests.scoring.folders import tokenizer
from tests.training.network.test_examples import encode
from tests.training.tiny import samples

PIECES = 201


def test_a_scorer_is_written_with_curves_and_figures_of_samples_that_nothing_was_fitted_to(tmp_path: Path) -> None:
    torch.manual_seed(0)
    save_file(TorchNetwork(PIECES).state_dict(), tmp_path / "best.safetensors")
    tokenizer().save(str(tmp_path / "tokens.json"))
    write_samples(tmp_path / "dev.jsonl.gz", samples(160))
    figures = finish(
        tmp_path / "best.safetensors", tmp_path / "tokens.json", [tmp_path / "dev.jsonl.gz"], tmp_path / "out", print
    )
    assert set(figures) == {"0.9", "0.95", "0.99", "ranking"}
    assert figures["0.95"]["all"][0] > 0.8

    manifest = json.loads((tmp_path / "out" / "scorer.json").read_text())
    assert manifest["name"] == "neural.v2"
    assert manifest["shape"] == {"pieces": PIECES}
    assert all(tensor.dtype == torch.float16 for tensor in load_file(tmp_path / "out" / "model.safetensors").values())
    Calibration.of(json.loads((tmp_path / "out" / "calibration.json").read_text()))


def test_only_judged_spans_are_scored_and_each_belongs_to_its_block() -> None:
    torch.manual_seed(0)
    sample = next(iter(samples(1)))
    scored = score_sample(TorchNetwork(PIECES).eval(), sample, encode)
    assert scored is not None
    assert len(scored.logits) == len(scored.labels) == len(scored.sizes) == len(scored.segments) == 40
    assert [len(block.logits) for block in blocks_of(scored)] == [40]
