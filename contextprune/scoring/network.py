"""The network of neural.v2 in NumPy, as the base install runs it; `torch_network.py` computes the same in torch.

Pieces are read in stretches of whole texts and spans are joined in stretches of rows, so that memory beside the rows of
the spans is bounded, and stretches are computed side by side. Where they begin depends on the context alone, so its
numbers are the same bits however many threads there are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from contextprune.scoring.network_inputs import HEADER, Inputs
from contextprune.scoring.network_reading import Reader, rms, softmax
from contextprune.scoring.network_weights import ATTENTION, ROUNDS, WIDTH, Array, checked
from contextprune.scoring.threads import threads

TOP = 64  # spans that all others attend to
STRETCH = 1024  # pieces that are read at once: of 256 to 2,048, those from 512 on were alike on one core
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
    def reach(self) -> int:
        """How far the farther neighbours are."""
        return 1 + int(2**self.number)


class _Pool(NamedTuple):
    """Of the spans of some rows: the number of each block in them, and the sum and the maximum of its rows."""

    blocks: Array
    sums: Array
    highs: Array


@dataclass(frozen=True, slots=True)
class _Message:
    """What spans hear in a round: their block [B, WIDTH], all spans [WIDTH], the best ones by keys and values."""

    block: Array
    everywhere: Array
    keys: Array
    values: Array


class Network:
    """Inputs -> one logit for each span."""

    def __init__(self, weights: Mapping[str, Array]) -> None:
        """Raises ValueError where the weights are not those of this network."""
        self._weights = {name: np.ascontiguousarray(array, np.float32) for name, array in checked(weights).items()}
        self._reader = Reader(self._weights)
        names = [field.name for field in fields(_Round) if field.name != "number"]
        self._rounds = [
            _Round(number, **{name: self._weights[f"{name}.{number}"] for name in names}) for number in range(ROUNDS)
        ]

    @property
    def runs_on(self) -> str:
        """Device and number format, for people."""
        return f"cpu, fp32, {threads().count} threads, without torch"

    @property
    def gap(self) -> int:
        """The piece that stands between texts."""
        return len(self._weights["table.weight"]) - 1

    def __call__(self, inputs: Inputs) -> Array:
        """[S] logits."""
        if not len(inputs.blocks):
            return np.zeros(0, np.float32)
        rows = [slice(a, min(a + ROWS, len(inputs.blocks))) for a in range(0, len(inputs.blocks), ROWS)]
        with threads().single():
            z = self._joined(inputs)
            logits = self._logits(0, z)
            for step in self._rounds:
                message = self._message(step, z, logits, inputs.blocks, rows)
                self._hear(step, message, z, inputs.blocks, rows)
                logits = self._logits(step.number + 1, z)
        return logits

    def _joined(self, inputs: Inputs) -> Array:
        """[S, WIDTH]: each span with its header, the goal, the latest calls, matches and features."""
        weights, spans = self._weights, len(inputs.starts) - len(inputs.blocks)
        queries, pooled = self._reader.queries(inputs)
        constant = pooled[0] @ weights["goal"] + pooled[1] @ weights["recent"] + weights["bias"]
        goal = pooled[0] @ weights["goal_pair"]

        def read_headers(texts: slice) -> tuple[Array, Array]:
            pooled, matches = self._reader.texts(inputs, texts, queries)
            return pooled @ weights["header"], matches

        headers = threads().map(read_headers, _stretches(inputs.starts, HEADER, spans))
        of_header, header_matches = (np.concatenate(parts) for parts in zip(*headers, strict=True))
        z = np.empty((len(inputs.blocks), WIDTH), np.float32)

        def read_spans(texts: slice) -> None:
            pooled, matches = self._reader.texts(inputs, texts, queries)
            chosen = slice(texts.start - spans, texts.stop - spans)
            blocks = inputs.blocks[chosen]
            numbers = np.concatenate((inputs.features[chosen], matches, header_matches[blocks]), axis=1)
            row = np.matmul(pooled, weights["span"], out=z[chosen])
            row += of_header[blocks]
            row += numbers @ weights["numbers"]
            row += (pooled @ weights["span_pair"] * goal) @ weights["pair"]
            row += constant
            np.maximum(row, 0, out=row)

        threads().map(read_spans, _stretches(inputs.starts, spans, len(inputs.starts)))
        return z

    def _logits(self, number: int, z: Array) -> Array:
        logits: Array = z @ self._weights[f"out.{number}"] + self._weights["out_bias"][number]
        return logits

    def _message(self, step: _Round, z: Array, logits: Array, blocks: Array, rows: Sequence[slice]) -> _Message:
        """What the spans say to all others before a round."""
        best = np.argsort(-logits, kind="stable")[:TOP]
        top = rms(z[best]) * step.norm
        keys = step.query @ (top @ step.key_top).T * np.float32(ATTENTION**-0.5)

        pools = threads().map(lambda chosen: _pool(rms(z[chosen]) * step.norm, blocks[chosen]), rows)
        pool = _Pool(*(np.concatenate(parts) for parts in zip(*pools, strict=True)))
        starts = np.flatnonzero(np.diff(pool.blocks, prepend=-1))
        sums, highs = np.add.reduceat(pool.sums, starts), np.maximum.reduceat(pool.highs, starts)
        means = sums / np.bincount(blocks).astype(np.float32)[:, None]
        context = np.concatenate((sums.sum(axis=0) / np.float32(len(z)), highs.max(axis=0)))
        return _Message(
            block=np.concatenate((means, highs), axis=1) @ step.block,
            everywhere=context @ step.context + step.round_bias,
            keys=np.ascontiguousarray(keys),
            values=top @ step.value_top @ step.back,
        )

    def _hear(self, step: _Round, message: _Message, z: Array, blocks: Array, rows: Sequence[slice]) -> None:
        """Add to each span, in place, what it hears in a round."""
        reach = step.reach
        edges = [(z[max(0, r.start - reach) : r.start].copy(), z[r.stop : r.stop + reach].copy()) for r in rows]

        def hear(number: int) -> None:
            chosen, (before, behind) = rows[number], edges[number]
            around = np.concatenate((before, z[chosen], behind))
            around = rms(around) * step.norm
            first, end = len(before), len(before) + chosen.stop - chosen.start
            near = _near(around, blocks[chosen.start - first : chosen.stop + len(behind)], first, end, reach)
            row = near @ step.near
            row += message.block[blocks[chosen]]
            row += softmax(around[first:end] @ message.keys) @ message.values
            row += message.everywhere
            z[chosen] += np.maximum(row, 0, out=row)

        threads().map(hear, range(len(rows)))


def _near(around: Array, blocks: Array, first: int, end: int, reach: int) -> Array:
    """[end - first, 5 WIDTH]: each row beside its neighbours at 1 and at `reach` in its block, zeros where none is."""
    near = np.zeros((end - first, 5, WIDTH), np.float32)
    near[:, 0] = around[first:end]
    for column, distance in enumerate((-1, 1, -reach, reach), 1):
        begin, stop = max(first, -distance), min(end, len(around) - distance)
        if begin < stop:
            near[begin - first : stop - first, column] = around[begin + distance : stop + distance]
            apart = np.flatnonzero(blocks[begin:stop] != blocks[begin + distance : stop + distance])
            near[begin - first + apart, column] = 0
    return near.reshape(end - first, 5 * WIDTH)


def _pool(y: Array, blocks: Array) -> _Pool:
    starts = np.flatnonzero(np.diff(blocks, prepend=-1))
    return _Pool(blocks[starts], np.add.reduceat(y, starts), np.maximum.reduceat(y, starts))


def _stretches(starts: Array, first: int, end: int) -> list[slice]:
    """The texts from `first` in runs of about STRETCH pieces each."""
    marks = np.arange(starts[first], starts[end - 1] + 1, STRETCH)
    bounds = [*(first + np.searchsorted(starts[first:end], marks)).tolist(), end]
    return [slice(a, b) for a, b in pairwise(bounds) if a < b]
