from __future__ import annotations

from pathlib import Path

import contextprune as cp
from contextprune.bench.outputs.recall_knob import find_samples, load_held_out, measure_recall, recall
from contextprune.pruner import Pruner
from contextprune.training.samples import for_calibration
from tests.strategies import NEURAL

ROOT = Path(__file__).parents[3] / "examples" / "data" / "bench"


def test_nothing_that_was_calibrated_on_is_measured() -> None:
    held_out = load_held_out(find_samples(ROOT), 3)
    assert len(held_out) >= 10
    assert not any(for_calibration(sample.id) for sample in held_out)


def test_more_recall_keeps_no_less() -> None:
    for sample in load_held_out(find_samples(ROOT), 1):
        kept = [found.share for found in measure_recall(sample, NEURAL)]
        assert kept == sorted(kept)


def test_keeping_all_of_it_is_a_recall_of_one() -> None:
    pruner = Pruner(cp.Policy(recall=1.0), NEURAL, store=cp.MemoryStore())
    for sample in load_held_out(find_samples(ROOT), 1):
        assert recall(sample, pruner(sample.context).plan) == 1.0
