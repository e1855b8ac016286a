"""Learn the curves of `scoring/calibration.py` from documents of the development half."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy.optimize import isotonic_regression

from contextprune.scoring.calibration import ALL, DIGITS, Calibration, Curve, rounded

KNOTS = 24  # of a curve; four times as many quantiles are tried, for many coincide
RECALLS = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.925, 0.95, 0.97, 0.98, 0.99, 0.995)
RISE, LEAST_SHARE = 0.02, 1e-5  # what a curve rises by where its data are level: of its height, and besides
MIN_NEEDED = 60  # spans: a class with fewer needed ones has no curve of its own


class ScoredBlock(NamedTuple):
    """Spans of one block: the source and class of the block; logits [S] and labels 0..1 [S] of its spans."""

    source: str
    name: str
    logits: np.ndarray
    labels: np.ndarray


def calibrate(blocks: Sequence[ScoredBlock], fallback: Calibration | None = None) -> Calibration:
    """Fit one curve for each class that has enough needed spans, and one for all; `fallback` has those of others."""
    by_class: dict[str, list[ScoredBlock]] = defaultdict(list)
    for block in blocks:
        by_class[ALL].append(block)
        by_class[block.name].append(block)
    with_curve = {
        name: blocks_of_class
        for name, blocks_of_class in by_class.items()
        if sum(int((b.labels > 0).sum()) for b in blocks_of_class) >= MIN_NEEDED
    }
    if fallback is None:
        with_curve[ALL] = by_class[ALL]
    fitted = {name: _curve(blocks_of_class) for name, blocks_of_class in sorted(with_curve.items())}
    return Calibration({**(fallback.curves if fallback else {}), **fitted})


def achieved_recall(
    calibration: Calibration, blocks: Sequence[ScoredBlock], recall: float
) -> Mapping[str, tuple[float, float]]:
    """Measure by class (recall on these blocks at its threshold, share of spans kept)."""
    totals: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0, 0.0])
    for block in blocks:
        name = block.name if block.name in calibration.curves else ALL
        bar = calibration.threshold(name, recall)
        scores = np.array([rounded(calibration.probability(name, float(x))) for x in block.logits])
        keep = scores >= bar
        weights = block.labels * _weight(block)
        for key in {name, ALL}:
            sums = totals[key]
            sums[0] += float(weights[keep].sum())
            sums[1] += float(weights.sum())
            sums[2] += float(keep.sum())
            sums[3] += len(keep)
    return {name: (a / b if b else 1.0, c / d) for name, (a, b, c, d) in sorted(totals.items())}


def isotonic(x: np.ndarray, y: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pool adjacent violators (Ayer et al. 1955): of each pool the mean of x, and the mean of y; both rise."""
    order = np.argsort(x, kind="stable")
    fitted = isotonic_regression(y[order], weights=weight[order])
    starts = fitted.blocks[:-1]
    centres = np.add.reduceat((weight * x)[order], starts) / np.add.reduceat(weight[order], starts)
    return centres, fitted.x[starts]


def _curve(blocks: Sequence[ScoredBlock]) -> Curve:
    logits = np.concatenate([block.logits for block in blocks]).astype(float)
    labels = np.concatenate([block.labels for block in blocks]).astype(float)
    weight = np.concatenate([np.full(len(block.logits), _weight(block)) for block in blocks])
    x, y = isotonic(logits, labels, weight)

    knots = np.unique(np.quantile(logits, np.linspace(0, 1, KNOTS * 4)))
    shares = np.interp(knots, x, y)
    steps = np.linspace(0, 1, len(knots))
    shares = np.maximum.accumulate(shares * (1 + RISE * steps) + LEAST_SHARE * (1 + steps))  # equal shares would tie
    shares = np.clip(shares, 0.0, 1.0)

    # the thresholds: scores of needed spans from the best down, until the recall is reached
    needed = np.flatnonzero(labels > 0)
    scores = np.interp(logits[needed], knots, shares)
    order = np.argsort(-scores, kind="stable")
    reached = np.cumsum((labels * weight)[needed][order])
    reached /= reached[-1]

    count = len(needed)
    bars = []
    for recall in RECALLS:
        wanted = min(1.0, recall + (1 - recall) / (count + 1))  # the finite-sample step of split conformal prediction
        bars.append(float(scores[order][min(count - 1, int(np.searchsorted(reached, wanted)))]))
    bars = [rounded(bar * (1 - 10.0**-DIGITS)) for bar in bars]  # scores are rounded
    return Curve(tuple(knots.tolist()), tuple(shares.tolist()), RECALLS, tuple(bars))


def _weight(block: ScoredBlock) -> float:
    """Weight of a block's spans: blocks count alike, however many of their spans are needed."""
    return 1.0 / max(1.0, float((block.labels > 0).sum()))
