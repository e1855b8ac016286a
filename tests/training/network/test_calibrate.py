from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contextprune.scoring.calibration import ALL
from contextprune.training.network.calibrate import ScoredBlock, achieved_recall, calibrate, isotonic


def blocks(count: int, seed: int, name: str = "text-prose", shift: float = 0.0) -> list[ScoredBlock]:
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        logits = rng.normal(-2 + shift, 1.5, 30)
        labels = (rng.random(30) < 1 / (1 + np.exp(-(logits - shift)))).astype(float)
        found.append(ScoredBlock("set", name, logits, labels))
    return found


@pytest.mark.parametrize("recall", [0.9, 0.95, 0.99])
def test_the_recall_asked_for_is_reached_within_two_points_on_other_blocks(recall: float) -> None:
    fitted = calibrate(blocks(400, 0) + blocks(400, 1, "result-lines", 3.0))
    found = achieved_recall(fitted, blocks(400, 2) + blocks(400, 3, "result-lines", 3.0), recall)
    assert set(found) == {ALL, "text-prose", "result-lines"}
    for name in ("text-prose", "result-lines"):
        assert found[name][0] == pytest.approx(recall, abs=0.02)


def test_probabilities_are_shares() -> None:
    fitted = calibrate(blocks(800, 4))
    logits = np.concatenate([block.logits for block in blocks(800, 5)])
    labels = np.concatenate([block.labels for block in blocks(800, 5)])
    near = np.abs(logits + 1.0) < 0.2
    assert fitted.probability("text-prose", -1.0) == pytest.approx(labels[near].mean(), abs=0.06)


def test_a_class_with_few_needs_has_no_curve_of_its_own() -> None:
    assert set(calibrate(blocks(400, 6) + blocks(2, 7, "text-table")).curves) == {ALL, "text-prose"}


@given(st.lists(st.tuples(st.floats(-5, 5), st.sampled_from([0.0, 1.0])), min_size=1, max_size=60))
def test_isotonic_means_rise_and_keep_the_total(pairs: list[tuple[float, float]]) -> None:
    x, y = np.array(pairs).T
    knots, means = isotonic(x, y, np.ones(len(x)))
    assert (np.diff(means) > 0).all()
    assert (np.diff(knots) >= 0).all()
    assert means.min() >= 0.0
    assert means.max() <= 1.0


def slow_isotonic(x: np.ndarray, y: np.ndarray, weight: np.ndarray) -> tuple[list[float], list[float]]:
    """Pools one pair of neighbours at a time until none falls."""
    order = np.argsort(x, kind="stable")
    pools = [[v * w, t * w, w] for v, t, w in zip(x[order], y[order], weight[order], strict=True)]
    while falling := [
        i for i in range(len(pools) - 1) if pools[i][1] / pools[i][2] >= pools[i + 1][1] / pools[i + 1][2]
    ]:
        i = falling[0]
        pools[i : i + 2] = [[a + b for a, b in zip(pools[i], pools[i + 1], strict=True)]]
    return [pool[0] / pool[2] for pool in pools], [pool[1] / pool[2] for pool in pools]


@pytest.mark.parametrize("seed", range(20))
def test_isotonic_pools_are_those_of_a_slow_reference(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 2, 80).round(1)  # with ties
    y = (rng.random(80) < 1 / (1 + np.exp(-x))).astype(float)
    weight = rng.choice([1.0, 0.5, 0.25], 80)
    for pooled, expected in zip(isotonic(x, y, weight), slow_isotonic(x, y, weight), strict=True):
        assert pooled == pytest.approx(expected, abs=1e-9)
