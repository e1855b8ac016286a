"""Means over sets, pooled shares, and paired bootstrap intervals of a difference.

The same resampled rows are used for both arms, set by set, so that an easy row cannot favour one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import fmean
from typing import Any, NamedTuple

RESAMPLES = 2_000
SEED = 20_251_122


class Interval(NamedTuple):
    """A difference, and the 2.5 and 97.5 percentiles of its bootstrap distribution."""

    mean: float
    low: float
    high: float


def mean_of_sets(sets: Mapping[str, Sequence[float]]) -> float | None:
    """The mean of the sets' means: every set counts the same, however many rows it has."""
    means = [fmean(values) for values in sets.values() if values]
    return fmean(means) if means else None


def paired(differences: Mapping[str, Sequence[float]]) -> Interval | None:
    """The mean over sets of the rows' differences between two arms; rows are resampled within each set."""
    sets = [values for values in differences.values() if values]
    if not sets:
        return None

    def mean_over_sets(*samples: Any, axis: int) -> Any:
        return sum(sample.mean(axis=axis) for sample in samples) / len(samples)

    return _bootstrap(sets, mean_over_sets, together=False)


def paired_shares(counts: Sequence[tuple[float, float, float]]) -> Interval | None:
    """The difference of two pooled shares; `counts`: (kept by ours, by the rival, needed) for each session."""
    if not sum(needed for _, _, needed in counts):
        return None

    def pooled_difference(kept: Any, rival_kept: Any, needed: Any, axis: int) -> Any:
        return (kept - rival_kept).sum(axis=axis) / needed.sum(axis=axis).clip(min=1.0)

    return _bootstrap(list(zip(*counts, strict=True)), pooled_difference, together=True)


def _bootstrap(samples: Sequence[Sequence[float]], statistic: Callable[..., Any], *, together: bool) -> Interval:
    """The percentile interval (Efron and Tibshirani 1993); `together`: the samples are columns of the same rows."""
    import numpy as np  # noqa: PLC0415 - with scipy, of the extra `bench`
    from scipy.stats import bootstrap  # noqa: PLC0415 - as above

    # scipy wants two values a sample: a single one may as well be there twice, its resamples stay the same
    columns = [np.repeat(np.asarray(sample, float), 2 if len(sample) == 1 else 1) for sample in samples]
    result = bootstrap(
        columns,
        statistic,
        paired=together,
        vectorized=True,
        n_resamples=RESAMPLES,
        batch=100,  # resamples in memory at once
        method="percentile",
        rng=np.random.default_rng(SEED),
    )
    low, high = result.confidence_interval
    return Interval(float(statistic(*columns, axis=-1)), float(low), float(high))
