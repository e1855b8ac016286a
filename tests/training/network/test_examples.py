from __future__ import annotations

from pathlib import Path

import numpy as np

from contextprune.training.network.examples import example_of, prepare, read_examples, samples_of
from contextprune.training.samples import write_samples
from tests.scoring.folders import tokenizer
from tests.training.tiny import samples


def encode(texts: object) -> list[list[int]]:
    return [[7] * len(str(text).split()) for text in texts]  # type: ignore[attr-defined]


def test_a_long_context_is_cut_to_runs_and_keeps_what_is_needed() -> None:
    sample = next(iter(samples(1)))
    whole = example_of(sample, encode, None)
    cut = example_of(sample, encode, 60)
    assert whole is not None
    assert cut is not None
    assert cut.label.sum() == whole.label.sum() == 1
    assert len(cut.label) < len(whole.label)
    assert len(cut.lengths) == 2 + cut.blocks.max() + 1 + len(cut.blocks)
    assert len(cut.pieces) == cut.lengths.sum()


def test_examples_come_back_from_disk_as_they_were(tmp_path: Path) -> None:
    tokenizer().save(str(tmp_path / "tokens.json"))
    write_samples(tmp_path / "all.jsonl.gz", samples(5))
    count = prepare(samples_of([tmp_path / "all.jsonl.gz"]), tmp_path / "out", tmp_path / "tokens.json", cut=False)
    assert count == 5
    first = next(read_examples(tmp_path / "out"))
    assert (first.source, first.kind) == ("small", "prose")
    assert len(first.features) == len(first.label) == len(first.size) == len(first.judged) == 40
    inputs = first.inputs(gap=0)
    assert np.array_equal(inputs.ends - inputs.starts, first.lengths)
