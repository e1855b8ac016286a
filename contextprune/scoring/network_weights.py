"""The weights of the network of neural.v2: their names and shapes, and reading them from a file.

All matrices are [in, out]. V rows of the table stand for the pieces of the vocabulary, and a last one, all zeros, for
the gap between texts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load

from contextprune.scoring.features import FEATURES

Array: TypeAlias = np.ndarray[Any, Any]

WIDTH = 128  # numbers of a piece, and of a span
INNER = 256  # within a convolution block
KERNEL = 7  # pieces that a convolution reads
KEY = 64  # numbers by which pieces are compared, and that a span says to others
LAYERS, ROUNDS = 2, 4
ATTENTION = 32  # numbers by which spans are compared
QUERIES = 2  # texts that all others are compared with: the goal and the latest calls
MATCHES = 3  # numbers that compare a text with a query
KINDS = 4  # of texts
NUMBERS = FEATURES + 2 * MATCHES * QUERIES  # features, and how the span and its header match each query


def shapes(pieces: int) -> dict[str, tuple[int, ...]]:
    """The shape of each weight by its name; `pieces` is V + 1."""
    pooled = 2 * WIDTH  # the mean and the maximum
    once: dict[str, tuple[int, ...]] = {
        "table.weight": (pieces, WIDTH), "mark": (KINDS, WIDTH), "gate": (WIDTH,), "key": (WIDTH, KEY),
        "query_weight": (QUERIES, WIDTH), "span": (pooled, WIDTH), "header": (pooled, WIDTH), "goal": (pooled, WIDTH),
        "recent": (pooled, WIDTH), "numbers": (NUMBERS, WIDTH), "span_pair": (pooled, KEY), "goal_pair": (pooled, KEY),
        "pair": (KEY, WIDTH), "bias": (WIDTH,), "out_bias": (ROUNDS + 1,),
    }  # fmt: skip
    layer: dict[str, tuple[int, ...]] = {
        "conv": (KERNEL, WIDTH), "scale": (WIDTH,), "w1": (WIDTH, INNER), "b1": (INNER,), "w2": (INNER, WIDTH),
        "b2": (WIDTH,),
    }  # fmt: skip
    each: dict[str, tuple[int, ...]] = {
        "norm": (WIDTH,), "near": (5 * WIDTH, WIDTH), "block": (pooled, WIDTH), "context": (pooled, WIDTH),
        "query": (WIDTH, ATTENTION), "key_top": (WIDTH, ATTENTION), "value_top": (WIDTH, KEY), "back": (KEY, WIDTH),
        "round_bias": (WIDTH,),
    }  # fmt: skip

    numbered = {f"{name}.{number}": shape for name, shape in layer.items() for number in range(LAYERS)}
    numbered |= {f"{name}.{number}": shape for name, shape in each.items() for number in range(ROUNDS)}
    return once | numbered | {f"out.{number}": (WIDTH,) for number in range(ROUNDS + 1)}


def weights_of(raw: bytes) -> dict[str, Array]:
    """The weights in a safetensors file, in fp32. Raises ValueError where it is none."""
    try:
        arrays = load(raw)
    except (SafetensorError, KeyError, TypeError) as exc:
        raise ValueError(f"its weights cannot be read ({exc})") from exc
    for name, array in arrays.items():
        if not np.issubdtype(array.dtype, np.floating):
            raise ValueError(f"some of its weights are no numbers with a fraction: {name}")
    return {name: array.astype(np.float32) for name, array in arrays.items()}


def checked(weights: Mapping[str, Array]) -> Mapping[str, Array]:
    """The weights, all there, of the right shapes, and numbers; raises ValueError with the first that is not."""
    table = weights.get("table.weight")
    if table is None or table.ndim != 2:
        raise ValueError("its weights are of another network: there is no table of pieces")

    expected = shapes(len(table))
    for name, shape in expected.items():
        found = weights[name].shape if name in weights else "nothing"
        if found != shape:
            raise ValueError(f"its weights are of another network: {name} is {found}, not {shape}")
        if not np.isfinite(weights[name]).all():
            raise ValueError(f"some of its weights are no numbers: {name}")
    if foreign := sorted(set(weights).difference(expected)):
        raise ValueError(f"its weights are of another network: {foreign[0]} is unknown")
    return weights
