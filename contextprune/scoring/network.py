"""The network of neural.v2 in NumPy, as the base install runs it; `torch_network.py` computes the same in torch.

Pieces are read in stretches of whole texts and spans are joined in stretches of rows, so that memory beside the rows of
the spans is bounded, and stretches are computed side by side. Where they begin depends on the context alone, so its
numbers are the same bits however many threads there are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from contextprune.scoring.network_inputs import HEADER, Inputs
from contextprune.scoring.network_weights import ATTENTION, KEY, ROUNDS, WIDTH, Array, checked
from contextprune.scoring.reading import Queries, Reader, highest, rms, softmax
from contextprune.scoring.threads import Threads

TOP = 64  # spans that all others attend to
STRETCH = 1024  # pieces that are read at once, at least: what one core's memory holds
ROWS = 512  # spans that are joined at once


@dataclass(frozen=True, slots=True)
class _Round:
    """Weights of one round; `out` are those of the logit behind it."""

    number: int
    norm: Array
    near: Array
    block: Array
    context: Array
    query: Array
    key_top: Array
    value_top: Array
    back: Array
    round_bias: Array

    @property
    def step(self) -> int:
        """How far the farther neighbours are."""
        return 1 + int(2**self.number)


@dataclass(frozen=True, slots=True)
class _Pooled:
    """Of the spans of some rows: the number of each block in them, and the sum and maximum of its rows."""

    blocks: Array
    sums: Array
    highest: Array


@dataclass(frozen=True, slots=True)
class _Message:
    """What every span hears in a round: its block [B, WIDTH], all spans [WIDTH], the best ones by key and value."""

    block: Array
    context: Array
    keys: Array
    values: Array


class Network:
    """Inputs -> one logit for each span."""

    def __init__(self, weights: Mapping[str, Array], threads: Threads) -> None:
        """Raises ValueError where the weights are not those of this network."""
        self._weights = {name: np.ascontiguousarray(array, np.float32) for name, array in checked(weights).items()}
        self._reader = Reader(self._weights)
        names = [name for name in _Round.__slots__ if name != "number"]
        self._rounds = [
            _Round(number, **{name: self._weights[f"{name}.{number}"] for name in names}) for number in range(ROUNDS)
        ]
        self._threads = threads

    @property
    def pieces(self) -> int:
        """Rows of the table, of which the last is the gap."""
        return self._reader.pieces

    def __call__(self, inputs: Inputs) -> Array:
        """[S] logits."""
        if not len(inputs.blocks):
            return np.zeros(0, np.float32)
        with self._threads as threads:
            z = self._joined(inputs, threads)
            logits = self._logits(0, z)
            rows = _ranges(len(z))
            pooled = list(map(lambda r: _pool(rms(z[r]) * self._rounds[0].norm, inputs.blocks[r]), rows))
