from __future__ import annotations

import numpy as np
import pytest
from safetensors.numpy import save

from contextprune.scoring.network_weights import checked, shapes, weights_of
from tests.scoring.folders import random_network


def test_names_and_shapes_are_those_of_the_network_in_torch() -> None:
    assert {name: tuple(tensor.shape) for name, tensor in random_network(9).state_dict().items()} == shapes(9)


def test_half_precision_becomes_single_precision() -> None:
    weights = {name: np.full(shape, 0.1, np.float16) for name, shape in shapes(9).items()}
    read = weights_of(save(weights))
    assert {array.dtype for array in read.values()} == {np.dtype(np.float32)}
    assert all(np.array_equal(read[name], weights[name]) for name in weights)


def test_what_is_no_file_of_weights_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        weights_of(b"\x00" * 100)


def test_weights_without_a_table_are_of_another_network() -> None:
    with pytest.raises(ValueError, match="no table of pieces"):
        checked({})
    with pytest.raises(ValueError, match="no table of pieces"):
        checked({"table.weight": np.zeros(3, np.float32)})
