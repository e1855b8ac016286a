"""How the network of neural.v2 reads pieces: a table, a mark, two convolution blocks; then one row for each text.

Weights of neighbouring steps are joined where that saves a pass over the memory: the scale goes into the matrix behind
it, and relu(h + b) is max(h, -b) + b, whose b goes through the next matrix.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from contextprune.scoring.network_inputs import Inputs
from contextprune.scoring.network_weights import KERNEL, LAYERS, MATCHES, QUERIES, WIDTH, Array

SIDE = KERNEL // 2
GATE_LIMIT = np.float32(8.0)
TINY = np.float32(1e-6)


@dataclass(frozen=True, slots=True)
class Queries:
    """What all texts are compared with: the keys of the pieces of each query, [Q, KEY], and their weights, [Q]."""

    keys: tuple[Array, ...]
    weights: tuple[Array, ...]


@dataclass(frozen=True, slots=True)
class _Layer:
    conv: Array
    inner: Array
    floor: Array
    outer: Array
    bias: Array


class Reader:
    """Reads stretches of pieces; each call keeps a few times its own size in memory."""

    def __init__(self, weights: Mapping[str, Array]) -> None:
        self._table, self._mark, self._gate = weights["table.weight"], weights["mark"], weights["gate"]
        self._key, self._query_weight = weights["key"], weights["query_weight"]
        self._layers = [
            _Layer(
                conv=weights[f"conv.{n}"],
                inner=weights[f"scale.{n}"][:, None] * weights[f"w1.{n}"],
                floor=-weights[f"b1.{n}"],
                outer=weights[f"w2.{n}"],
                bias=weights[f"b1.{n}"] @ weights[f"w2.{n}"] + weights[f"b2.{n}"],
            )
            for n in range(LAYERS)
        ]

    def read(self, inputs: Inputs, first: int, end: int) -> Array:
        """[end - first, WIDTH]: the pieces from `first`, each with what stands around it."""
        low, high, total = first - LAYERS * SIDE, end + LAYERS * SIDE, len(inputs.ids)
        x = np.zeros((high - low, WIDTH), np.float32)
        begin, stop = max(low, 0), min(high, total)
        present = x[begin - low : stop - low]
        np.take(self._table, inputs.ids[begin:stop], axis=0, out=present, mode="clip")
        texts = slice(*np.searchsorted(inputs.starts, (begin, stop)))
        present[inputs.starts[texts] - begin] += self._mark[inputs.kinds[texts]]

        for layer in self._layers:
            y = _convolved(x, layer.conv)
            y *= _inverse_size(y)
            h = y @ layer.inner
            np.maximum(h, layer.floor, out=h)
            x = x[SIDE:-SIDE]
            x += np.matmul(h, layer.outer, out=y)
            x += layer.bias
            low, high = low + SIDE, high - SIDE
            x[: max(0, -low)] = 0  # nothing stands before the first piece and behind the last one
            x[len(x) - max(0, high - total) :] = 0
        return rms(x)

    def queries(self, inputs: Inputs) -> tuple[Queries, Array]:
        """The queries, and what their texts say, [QUERIES, 2 WIDTH]."""
        starts, ends = inputs.starts[:QUERIES], inputs.ends[:QUERIES]
        x = self.read(inputs, int(starts[0]), int(ends[-1]))
        ranges = [slice(a, b) for a, b in zip(starts - starts[0], ends - starts[0], strict=True)]
        keys = self._keys(x)
        weights = [softmax((x[r] @ w)[None])[0] for r, w in zip(ranges, self._query_weight, strict=True)]
        return Queries(tuple(keys[r] for r in ranges), tuple(weights)), self._pooled(
            x, starts - starts[0], ends - starts[0]
        )

    def texts(self, inputs: Inputs, texts: slice, queries: Queries) -> tuple[Array, Array]:
        """[n, 2 WIDTH] what each of the texts says, and [n, QUERIES MATCHES] how well it matches each query."""
        first = int(inputs.starts[texts.start])
        x = self.read(inputs, first, int(inputs.ends[texts.stop - 1]))
        starts, ends = inputs.starts[texts] - first, inputs.ends[texts] - first
        fits = highest(self._keys(x) @ np.concatenate(queries.keys).T, starts, ends)

        matches = np.empty((len(starts), QUERIES * MATCHES), np.float32)
        at = 0
        for number, weight in enumerate(queries.weights):
            best = fits[:, at : at + len(weight)]
            at += len(weight)
            column = MATCHES * number
            matches[:, column] = best @ weight
            matches[:, column + 1] = best.max(axis=1)
            matches[:, column + 2] = np.maximum(2 * best - 1, 0) @ weight
        return self._pooled(x, starts, ends), matches

    def _keys(self, x: Array) -> Array:
        keys = x @ self._key
        keys /= np.sqrt(np.einsum("ij,ij->i", keys, keys) + TINY)[:, None]
        return keys

    def _pooled(self, x: Array, starts: Array, ends: Array) -> Array:
        """[n, 2 WIDTH]: the gated mean of the pieces of each text, and their maximum."""
        gate = np.exp(np.clip(x @ self._gate, -GATE_LIMIT, GATE_LIMIT))
        gate[_between(starts, ends, len(x))] = 0
        pooled = np.empty((len(starts), 2 * WIDTH), np.float32)
        mean = pooled[:, :WIDTH]
        np.add.reduceat(x * gate[:, None], starts, axis=0, out=mean)
        mean /= np.add.reduceat(gate, starts)[:, None]
        pooled[:, WIDTH:] = highest(x, starts, ends)
        return pooled


def highest(x: Array, starts: Array, ends: Array) -> Array:
    """[n, width of x]: the maximum over the rows of each range.

    The maximum over w rows from each row on is made for w = 1, 2, 4 and so on; a range is covered by two of them.
    """
    lengths = ends - starts
    highs = np.empty((len(starts), x.shape[1]), x.dtype)
    rows, longest = 1, int(lengths.max(initial=0))
    while rows <= longest:
        chosen = np.flatnonzero((rows <= lengths) & (lengths < 2 * rows))
        highs[chosen] = np.maximum(x[starts[chosen]], x[ends[chosen] - rows])
        if 2 * rows <= longest:
            x = np.maximum(x[:-rows], x[rows:])
        rows *= 2
    return highs


def softmax(x: Array) -> Array:
    """Shares in each row, in place."""
    x -= x.max(axis=1, keepdims=True)
    np.exp(x, out=x)
    x /= x.sum(axis=1, keepdims=True)
    return x


def rms(x: Array) -> Array:
    """Each row divided by the root of its mean square."""
    divided: Array = x * _inverse_size(x)
    return divided


def _inverse_size(x: Array) -> Array:
    size = np.einsum("ij,ij->i", x, x)
    size *= np.float32(1 / x.shape[1])
    size += TINY
    np.sqrt(size, out=size)
    inverse: Array = np.reciprocal(size, out=size)[:, None]
    return inverse


def _convolved(x: Array, weight: Array) -> Array:
    """y[i] = sum over k of x[i + k] * weight[k], for the rows that have all of them."""
    rows, stride = len(x) - KERNEL + 1, x.strides[0]
    around = np.lib.stride_tricks.as_strided(x, (rows, KERNEL, WIDTH), (stride, stride, x.itemsize), writeable=False)
    y: Array = np.einsum("tkd,kd->td", around, weight)
    return y


def _between(starts: Array, ends: Array, total: int) -> Array:
    """[total] whether a row stands in no range."""
    edges = np.zeros(total + 1, np.int8)
    edges[starts] += 1
    edges[ends] -= 1
    apart: Array = np.cumsum(edges[:-1]) == 0
    return apart
