"""Inputs of the network as no tokenizer made them, for tests: any number of spans, blocks and pieces."""

from __future__ import annotations

import numpy as np

from contextprune.scoring.features import FEATURES
from contextprune.scoring.network_inputs import HEADER, Inputs, joined

PIECES = 500
GAP_PIECE = PIECES


def random_inputs(spans: int, blocks: int, longest: int, seed: int = 0) -> Inputs:
    """Texts of 1 to `longest` random pieces; every block has a span."""
    draw = np.random.default_rng(seed)
    lengths = draw.integers(1, longest, HEADER + blocks + spans, endpoint=True)
    of_spans = np.sort(np.concatenate((np.arange(blocks), draw.integers(0, blocks, spans - blocks))))
    pieces = draw.integers(0, PIECES, int(lengths.sum()))
    return joined(pieces, lengths, of_spans, draw.random((spans, FEATURES), np.float32), GAP_PIECE)
