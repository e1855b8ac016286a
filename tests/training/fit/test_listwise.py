from __future__ import annotations

import numpy as np

from contextprune.context import Span, Unit
from contextprune.scoring.features import FEATURES
from contextprune.training.fit.listwise import ListwiseSample, listwise_logits, train_listwise


def sample(seed: int) -> ListwiseSample:
    """Two blocks; all of the one with the higher logits is needed, though some of its spans score low."""
    rng = np.random.default_rng(seed)
    spans = [Span(s, i, i + 1, Unit.LINE, "x") for s in range(2) for i in range(10)]
    needed = np.repeat(np.arange(2) == seed % 2, 10)
    logits = rng.normal(0, 1, 20) + 1.0 * needed
    return ListwiseSample(spans, logits, np.zeros((20, FEATURES), np.float32), needed.astype(float))


def precision_at_ten(network: object, samples: list[ListwiseSample]) -> float:
    """The share of needed spans among the ten that score highest."""
    precisions = []
    for sample in samples:
        scores = listwise_logits(network, sample)  # type: ignore[arg-type]
        precisions.append(float(sample.labels[np.argsort(-scores)[:10]].mean()))
    return float(np.mean(precisions))


def test_where_whole_blocks_are_needed_the_block_decides() -> None:
    network = train_listwise([sample(i) for i in range(160)], lambda _: None)
    unseen = [sample(i) for i in range(1000, 1040)]
    assert precision_at_ten(None, unseen) < 0.8
    assert precision_at_ten(network, unseen) > 0.95


def test_the_same_samples_give_the_same_network() -> None:
    first, second = (train_listwise([sample(i) for i in range(32)], lambda _: None) for _ in range(2))
    assert listwise_logits(first, sample(40)).tolist() == listwise_logits(second, sample(40)).tolist()


def test_without_anything_needed_nothing_is_learned() -> None:
    one = sample(0)
    network = train_listwise([one._replace(labels=np.zeros(20))], lambda _: None)
    assert np.allclose(listwise_logits(network, one), one.logits)
