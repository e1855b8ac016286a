from __future__ import annotations

from pathlib import Path

from contextprune.scoring import load_scorer
from contextprune.splitting import split
from contextprune.training.fit.finish import finish
from contextprune.training.fit.train import Recipe, train
from contextprune.training.samples import write_samples
from tests.training.tiny import folders, samples


def test_a_training_ends_in_a_folder_that_loads_and_finds_what_is_needed(tmp_path: Path) -> None:
    groups, dev, start = folders(tmp_path / "small")
    train(groups, dev, start, tmp_path / "run", Recipe(layers=(0, 1), steps=30, batch=4), lambda _: None)
    held_out = tmp_path / "held.jsonl.gz"
    write_samples(held_out, samples(160, start=100))
    learning = tmp_path / "small" / "train.jsonl.gz"
    out = tmp_path / "scorer"
    results = finish(tmp_path / "run", start / "tokenizer.json", [learning], [held_out], out, lambda _: None)
    assert set(results) == {"0.9", "0.95", "0.99", "ranking"}
    assert sorted(path.name for path in (tmp_path / "scorer").iterdir()) == [
        "calibration.json", "model.safetensors", "scorer.json", "tokenizer.json",
    ]  # fmt: skip
    scorer = load_scorer(str(tmp_path / "scorer"))
    hits = 0
    for sample in samples(20, start=500):
        spans = split(sample.context)
        scores = scorer(sample.context, spans)
        best = spans[max(range(len(spans)), key=scores.__getitem__)]
        hits += best.start <= sample.needs[0].start < best.end
    assert hits >= 16
