"""The last step of a score: what stands around a span counts, too.

Evidence often is a whole section, a turn of several lines, a document among twenty; the encoder sees one window of it.
So a span's logit is joined by those of its neighbours and of its block beside the best block, with weights fitted
on held-out documents. A linear sum: with few weights there is little to fit wrongly.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from contextprune.context import Context, Kind, Span
from contextprune.scoring.features import LEXICAL, LEXICAL_BLOCK

TERMS = 8
"""Own, the better neighbour, both neighbours, block, block beside the best, lexical.v1, its block, constant."""
PLAIN = ((1.0, *[0.0] * (TERMS - 1)),) * 2
"""Weights that change nothing: for documents and examples, and for results of tools."""
TOP = 3  # spans of a block that speak for it


def terms(spans: Sequence[Span], logits: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """[S, TERMS] for the S spans given, which are whole blocks in order; `rows` are their features."""
    segments = np.array([span.segment for span in spans])
    starts = np.flatnonzero(np.r_[True, segments[1:] != segments[:-1]])
    ends = np.r_[starts[1:], len(spans)]
    before, after = np.r_[logits[:1], logits[:-1]], np.r_[logits[1:], logits[-1:]]
    before[starts], after[ends - 1] = logits[starts], logits[ends - 1]
    block = np.empty(len(spans))
    for start, end in zip(starts, ends, strict=True):
        block[start:end] = np.sort(logits[start:end])[-TOP:].mean()
    return np.stack(
        (
            logits,
            np.maximum(before, after),
            (before + after) / 2,
            block,
            block - block.max(),
            rows[:, LEXICAL] * 4,
            rows[:, LEXICAL_BLOCK],
            np.ones(len(spans)),
        ),
        axis=1,
    )


def joined(
    context: Context,
    spans: Sequence[Span],
    logits: np.ndarray,
    rows: np.ndarray,
    weights: Sequence[Sequence[float]],
) -> np.ndarray:
    """[S] logits with their surroundings."""
    if not len(logits):
        return logits
    results = np.array([context.segments[span.segment].kind is Kind.TOOL_RESULT for span in spans], int)
    found: np.ndarray = (terms(spans, logits, rows) * np.array(weights)[results]).sum(1)
    return found
