"""Facts about bootstrap intervals of a difference between two arms."""

from __future__ import annotations

import random
from statistics import fmean, stdev

import pytest

from contextprune.bench.intervals import mean_of_sets, paired, paired_shares

pytest.importorskip("scipy")


def test_every_set_counts_the_same_however_many_rows_it_has() -> None:
    assert mean_of_sets({"a": [1.0] * 9, "b": [0.0], "c": []}) == 0.5
    assert mean_of_sets({"a": []}) is None


def test_an_interval_of_equal_arms_is_zero() -> None:
    assert paired({"a": [0.0, 0.0], "b": [0.0]}) == (0.0, 0.0, 0.0)
    assert paired({}) is None


def test_an_interval_holds_its_mean_and_weighs_sets_alike() -> None:
    interval = paired({"a": [0.2, 0.4, 0.6] * 5, "b": [0.0] * 3})
    assert interval is not None
    assert interval.mean == pytest.approx(0.2)
    assert interval.low <= interval.mean <= interval.high


def test_an_interval_of_many_rows_is_about_that_of_a_normal_distribution() -> None:
    dice = random.Random(1)
    values = [dice.gauss(0.1, 0.3) for _ in range(400)]
    interval = paired({"a": values})
    assert interval is not None
    margin = 1.96 * stdev(values) / len(values) ** 0.5
    assert interval.mean == pytest.approx(fmean(values))
    assert interval.low == pytest.approx(interval.mean - margin, abs=0.1 * margin)
    assert interval.high == pytest.approx(interval.mean + margin, abs=0.1 * margin)


def test_the_same_rows_have_the_same_interval() -> None:
    sets = {"a": [0.1, 0.5, -0.2], "b": [0.3]}
    assert paired(sets) == paired(sets)


def test_a_pooled_interval_weighs_points_by_what_they_need() -> None:
    interval = paired_shares([(9.0, 0.0, 9.0), (0.0, 1.0, 1.0)])
    assert interval is not None
    assert interval.mean == pytest.approx(0.8)
    assert (interval.low, interval.high) == (-1.0, 1.0)


def test_a_single_session_has_an_interval_without_width() -> None:
    assert paired_shares([(3.0, 1.0, 4.0)]) == (0.5, 0.5, 0.5)


def test_a_difference_of_nothing_needed_has_no_interval() -> None:
    assert paired_shares([(0.0, 0.0, 0.0)]) is None
