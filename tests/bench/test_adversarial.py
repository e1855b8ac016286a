"""Texts that are made to be slow: that each is what it says, and that its figures are those of its cutter."""

from __future__ import annotations

import json

import pytest

from contextprune.bench.adversarial import SIZES, TEXTS, Growth, repeated
from contextprune.splitting import cut
from tests.growth import assert_linear
from tests.splitting.tiling import SIZE, assert_tiles


def test_there_are_twenty_or_more() -> None:
    assert len(TEXTS) >= 20


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_has_about_the_size_that_is_asked_for(name: str) -> None:
    assert 0.7 * SIZE <= len(TEXTS[name](SIZE)) <= 1.5 * SIZE


@pytest.mark.parametrize("name", TEXTS)
def test_each_is_cut_in_linear_time(name: str) -> None:
    cuts = assert_linear(cut, TEXTS[name], SIZE)
    assert_tiles(TEXTS[name](4 * SIZE), cuts)


def test_the_string_in_a_string_is_one() -> None:
    assert json.loads(TEXTS["strings in strings"](1000))["output"].startswith('{"a"')


def test_growth_is_the_large_over_the_small() -> None:
    growth = Growth("x", small=0.5, large=2.0, spans=3)
    assert growth.factor == 4.0
    assert growth.rate == SIZES[1] / 8


def test_a_unit_is_repeated_up_to_a_size() -> None:
    assert repeated("ab", 7) == "ababab"
