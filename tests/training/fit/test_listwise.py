from __future__ import annotations

import numpy as np

from contextprune.context import Span, Unit
from contextprune.scoring.features import FEATURES
from contextprune.training.fit.listwise import Whole, fit, joined


def sample(seed: int) -> Whole:
    """Two blocks; all of the one with the higher logits is needed, though some of its spans score low."""
    dice = np.random.default_rng(seed)
    spans = [Span(s, i, i + 1, Unit.LINE, "x") for s in range(2) for i in range(10)]
    needed = np.repeat(np.arange(2) == seed % 2, 10)
    logits = dice.normal(0, 1, 20) + 1.0 * needed
    return Whole(spans, logits, np.zeros((20, FEATURES), np.float32), needed.astype(float))


def right(network: object, samples: list[Whole]) -> float:
    """The share of needed spans among the ten that score highest."""
    found = []
    for one in samples:
        scores = joined(network, one)  # type: ignore[arg-type]
        found.append(float(one.labels[np.argsort(-scores)[:10]].mean()))
    return float(np.mean(found))


def test_where_whole_blocks_are_needed_the_block_decides() -> None:
    network = fit([sample(i) for i in range(160)], lambda _: None)
    unseen = [sample(i) for i in range(1000, 1040)]
    assert right(None, unseen) < 0.8
    assert right(network, unseen) > 0.95


def test_the_same_samples_give_the_same_network() -> None:
    first, second = (fit([sample(i) for i in range(32)], lambda _: None) for _ in range(2))
    assert joined(first, sample(40)).tolist() == joined(second, sample(40)).tolist()


def test_without_anything_needed_nothing_is_learned() -> None:
    one = sample(0)
    network = fit([one._replace(labels=np.zeros(20))], lambda _: None)
    assert np.allclose(joined(network, one), one.logits)
