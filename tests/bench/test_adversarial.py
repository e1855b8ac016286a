"""Texts that are made to be slow: that each is what it says, and that its figures are those of its shortening."""

from __future__ import annotations

import pytest

from contextprune.bench.adversarial import SIZES, Growth, measure_adversarial
from contextprune.bench.slow_texts import CONVERSATIONS, TEXTS
from contextprune.splitting import cut
from tests.growth import TIMES, assert_linear
from tests.splitting.tiling import assert_tiles

SMALL = 6_000  # characters


def test_there_are_a_hundred_or_more() -> None:
    assert len(TEXTS) + len(CONVERSATIONS) >= 100


def test_each_has_about_the_size_that_is_asked_for() -> None:
    assert all(0.5 * SMALL <= len(make(SMALL)) <= 1.5 * SMALL for make in TEXTS.values())


@pytest.mark.parametrize("name", TEXTS)
def test_each_is_cut_in_linear_time(name: str) -> None:
    cuts = assert_linear(cut, TEXTS[name], SMALL)
    assert_tiles(TEXTS[name](TIMES * SMALL), cuts)


def test_growth_is_the_power_of_the_size_that_time_grows_with() -> None:
    growth = Growth("x", SIZES[1], cut=0.1, small=0.5, large=2.0, memory=3.0)
    assert growth.exponent == pytest.approx(1.0)
    assert growth.per_megabyte == pytest.approx(0.5)
    assert growth.rate == SIZES[1] / 8


def test_what_is_measured_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("contextprune.bench.adversarial.SIZES", (1_000, 4_000))
    monkeypatch.setattr("contextprune.bench.adversarial.RUNS", 1)
    (growth,) = measure_adversarial({"numbers": TEXTS["numbers"]}, {})
    assert growth.name == "numbers"
    assert growth.small > 0 < growth.large
