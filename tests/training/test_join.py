from __future__ import annotations

import numpy as np

from contextprune.context import Context, Kind, Segment, Span, Unit
from contextprune.scoring.features import FEATURES
from contextprune.scoring.surroundings import PLAIN
from contextprune.training.join import Scored, fit


def sample(seed: int, kind: Kind) -> Scored:
    """Two blocks; all of the one with the higher logits is needed, though some of its spans score low."""
    dice = np.random.default_rng(seed)
    context = Context(tuple(Segment(kind, "x" * 10, (i,)) for i in range(2)))
    spans = [Span(s, i, i + 1, Unit.LINE, "x") for s in range(2) for i in range(10)]
    needed = np.repeat(np.arange(2) == seed % 2, 10)
    logits = dice.normal(0, 1, 20) + 1.0 * needed
    return context, spans, logits, np.zeros((20, FEATURES), np.float32), needed.astype(float)


def test_where_whole_blocks_are_needed_the_block_counts() -> None:
    documents, results = fit([sample(i, Kind.DOCUMENT) for i in range(40)])
    block, beside_the_best = documents[3], documents[4]
    assert block + beside_the_best > 0.5
    assert results == list(PLAIN[1])  # there was nothing to fit them on
