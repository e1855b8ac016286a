"""Means over sets, pooled shares, and paired bootstrap intervals of a difference.

The same resampled rows are used for both arms, set by set, so that an easy row cannot favour one of them.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import NamedTuple

RESAMPLES = 2_000
SEED = 20_251_122


class Interval(NamedTuple):
    """A difference, and the 2.5 and 97.5 percentiles of its bootstrap distribution."""

    mean: float
    low: float
    high: float


def mean_of_sets(sets: Mapping[str, Sequence[float]]) -> float | None:
    """Every set counts the same, however many rows it has."""
    means = [fmean(values) for values in sets.values() if values]
    return fmean(means) if means else None


def paired(differences: Mapping[str, Sequence[float]]) -> Interval | None:
    """The mean over sets of the rows' differences between two arms; rows are resampled within each set."""
    sets = [values for values in differences.values() if values]
    if not sets:
        return None
    dice = random.Random(SEED)  # noqa: S311  # a resample, not a secret
    means = sorted(fmean(fmean(dice.choices(values, k=len(values))) for values in sets) for _ in range(RESAMPLES))
    return _interval(fmean(map(fmean, sets)), means)


def paired_shares(counts: Sequence[tuple[float, float, float]]) -> Interval | None:
    """The difference of two pooled shares; `counts`: (found by ours, by the other, needed) for each session."""
    needed = sum(total for _, _, total in counts)
    if not needed:
        return None
    dice = random.Random(SEED)  # noqa: S311  # a resample, not a secret
    found = sorted(_pooled(dice.choices(counts, k=len(counts))) for _ in range(RESAMPLES))
    return _interval(_pooled(counts), found)


def _pooled(counts: Sequence[tuple[float, float, float]]) -> float:
    return sum(ours - other for ours, other, _ in counts) / max(1.0, sum(total for _, _, total in counts))


def _interval(mean: float, ordered: Sequence[float]) -> Interval:
    edge = int(0.025 * len(ordered))
    return Interval(mean, ordered[edge], ordered[-1 - edge])
