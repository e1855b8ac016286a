"""The last step of a score: a small network over the list of all spans of a context.

Evidence often is a whole section, a turn of several lines, a document among twenty; the encoder sees one window of it.
So this one looks at all spans at once: how the logit of each compares with the others, its features, and what its
neighbours and its block say. It reads no words, so it is quick, and it only adds to a logit.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name that everyone reads
from torch import Tensor, nn

from contextprune.context import Span
from contextprune.scoring.features import FEATURES
from contextprune.scoring.torch_network import neighbour

COMPARED = 9  # numbers that compare a logit with the others, the length of a span and their count included
INPUTS = COMPARED + FEATURES
WIDTH = 32
ROUNDS = 3  # in each one a span hears from neighbours further away
DROPOUT = 0.1  # share of the numbers that a training step leaves out
PREFIX = "surroundings."  # the names of its tensors begin with it in a file of weights

# What large values are divided by, so that they come to about 1.
LENGTH_SCALE = 7  # log1p of 1,100 characters of a span
SPANS_SCALE = 6  # log1p of 400 spans
LOGIT_SCALE = 4  # logits lie in about -8..4


class Listwise(nn.Module):
    """Rounds of messages from the neighbours in the block, from the block and from the context. S spans, B blocks.

    Untrained, it leaves the logits as they are. The attributes are the names of its tensors in a file of weights.
    """

    def __init__(self) -> None:
        super().__init__()
        self.enter = nn.Linear(INPUTS, WIDTH)
        self.norms = nn.ModuleList(nn.LayerNorm(WIDTH) for _ in range(ROUNDS))
        self.near = nn.ModuleList(nn.Linear(5 * WIDTH, WIDTH) for _ in range(ROUNDS))
        self.wide = nn.ModuleList(nn.Linear(3 * WIDTH, WIDTH) for _ in range(ROUNDS))
        self.add = nn.Linear(WIDTH, 1)
        self.scale = nn.Parameter(torch.ones(1))
        nn.init.zeros_(self.add.weight)
        nn.init.zeros_(self.add.bias)

    def forward(self, logits: Tensor, inputs: Tensor, blocks: Tensor) -> Tensor:
        """[S] logits, [S, INPUTS], [S] number of each span's block (0..B-1, rising) -> [S] logits."""
        x = F.gelu(self.enter(inputs))
        for number, (norm, neighbours, pooled) in enumerate(zip(self.norms, self.near, self.wide, strict=True)):
            y = norm(F.dropout(x, DROPOUT, self.training))
            steps = (1, -1, 1 + 2**number, -1 - 2**number)
            around = torch.cat([y, *(neighbour(y, blocks, step) for step in steps)], 1)
            x = x + F.gelu(neighbours(around) + pooled(_pooled(y, blocks)))
        joined: Tensor = self.scale * logits + self.add(x).squeeze(-1)
        return joined


def listwise_inputs(spans: Sequence[Span], logits: np.ndarray, rows: np.ndarray) -> tuple[Tensor, Tensor, Tensor]:
    """The arguments of `Listwise` for whole blocks of spans in order; `rows` [S, FEATURES] are their features."""
    logits = logits.astype(np.float32)
    segments = np.array([span.segment for span in spans])
    blocks = np.cumsum(np.r_[False, segments[1:] != segments[:-1]])
    lengths = np.log1p([len(span.text) for span in spans]) / LENGTH_SCALE
    count = np.full_like(lengths, np.log1p(len(spans)) / SPANS_SCALE)
    inputs = np.stack((*_compared(logits, blocks), lengths, count, *rows.T), 1).astype(np.float32)
    return torch.from_numpy(logits), torch.from_numpy(inputs), torch.from_numpy(blocks)


def _compared(logits: np.ndarray, blocks: np.ndarray) -> list[np.ndarray]:
    """Seven: each logit by itself, beside the best and the mean of all and of its block, and its rank."""
    starts = np.flatnonzero(np.r_[True, blocks[1:] != blocks[:-1]])
    best = np.maximum.reduceat(logits, starts)[blocks]
    mean = (np.add.reduceat(logits, starts) / np.diff(np.r_[starts, len(logits)]))[blocks]
    rank = np.argsort(np.argsort(-logits, kind="stable"), kind="stable") / max(1, len(logits) - 1)
    differences = (logits - logits.max(), logits - logits.mean(), logits - best, best - logits.max())
    return [*(values / LOGIT_SCALE for values in (logits, *differences, mean - logits.mean())), rank]


def _pooled(x: Tensor, blocks: Tensor) -> Tensor:
    """[S, 3 H]: the highest and the mean of each span's block, and the highest of all."""
    count = int(blocks[-1]) + 1
    highest = x.new_full((count, x.shape[1]), -torch.inf)
    highest = highest.scatter_reduce(0, blocks[:, None].expand(-1, x.shape[1]), x, "amax")
    mean = x.new_zeros(count, x.shape[1]).index_add_(0, blocks, x) / torch.bincount(blocks)[:, None]
    return torch.cat((highest[blocks], mean[blocks], x.amax(0, keepdim=True).expand(len(x), -1)), 1)
