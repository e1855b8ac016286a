from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contextprune.scoring.network_reading import Reader, highest, softmax
from contextprune.scoring.network_weights import shapes
from tests.scoring.network_samples import PIECES, random_inputs


@pytest.fixture(scope="module")
def reader() -> Reader:
    draw = np.random.default_rng(0)
    return Reader({name: 0.1 * draw.standard_normal(shape, np.float32) for name, shape in shapes(PIECES + 1).items()})


@given(st.lists(st.integers(1, 40), min_size=1, max_size=20), st.integers(0, 5))
def test_the_maximum_of_ranges_is_that_of_each_range(lengths: list[int], before: int) -> None:
    ends = before + np.cumsum(lengths)
    starts = ends - lengths
    x = np.random.default_rng(0).standard_normal((int(ends[-1]) + 2, 3))
    expected = [x[start:end].max(axis=0) for start, end in zip(starts, ends, strict=True)]
    assert np.array_equal(highest(x, starts, ends), expected)


def test_pieces_are_read_the_same_wherever_a_stretch_begins(reader: Reader) -> None:
    inputs = random_inputs(60, 4, 12)
    total = len(inputs.ids)
    whole = reader.read(inputs, 0, total)
    for first, end in ((0, 1), (5, 9), (total - 3, total), (100, 200)):
        assert np.allclose(reader.read(inputs, first, end), whole[first:end], atol=1e-5)


def test_shares_of_a_row_sum_to_one() -> None:
    shares = softmax(np.array([[1.0, 2.0, 300.0], [0.0, 0.0, 0.0]], np.float32))
    assert np.allclose(shares.sum(axis=1), 1)
    assert np.allclose(shares[1], 1 / 3)
