"""The first table: each piece alone through all-MiniLM-L6-v2, and its raw embedding, each by its PCA."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from contextprune.scoring.encoder import Batch, Encoder, from_bert
from contextprune.scoring.network_weights import WIDTH
from contextprune.training.fit.train import shape_of

LAYERS = tuple(range(6))
CONTEXTUAL = 96  # numbers from the encoder's last layer; the others come from its first
AT_ONCE = 512  # pieces
CLS, SEP = 101, 102


@torch.inference_mode()
def first_table(start: Path, pieces: int | None = None) -> Tensor:
    """[pieces + 1, WIDTH] from the BERT in the folder `start`, of all its pieces (None) or the first; the gap is zeros.

    Columns are whitened, then rows scaled to a mean square of about 1, so that no common direction drowns the others.
    """
    shape = shape_of(start, LAYERS)
    encoder = Encoder(shape)
    encoder.load_state_dict(from_bert(load_file(start / "model.safetensors"), shape, list(LAYERS)), strict=False)
    encoder.eval()
    vectors = torch.cat(
        [_read_alone(encoder, ids) for ids in torch.split(torch.arange(pieces or shape.vocab), AT_ONCE)]
    )
    table = torch.cat((_reduced(vectors, CONTEXTUAL), _reduced(encoder.word.weight[:pieces], WIDTH - CONTEXTUAL)), 1)
    return torch.cat((table, torch.zeros(1, WIDTH)))


def _read_alone(encoder: Encoder, ids: Tensor) -> Tensor:
    """[n, width]: the mean of the encoder's vectors of [CLS] piece [SEP]."""
    n = len(ids)
    tokens = torch.stack((torch.full((n,), CLS), ids, torch.full((n,), SEP)), 1)
    nobody, not_goal = torch.zeros(n, 3, dtype=torch.long), torch.zeros(n, 3, dtype=torch.bool)
    vectors: Tensor = encoder(Batch(tokens, torch.full((n,), 3), nobody, not_goal, torch.zeros(0, dtype=torch.long)))
    return vectors.mean(1)


def _reduced(x: Tensor, size: int) -> Tensor:
    """[n, size]: the first principal components, the square root of their variance taken out, at a scale of 1."""
    x = x - x.mean(0)
    values, vectors = torch.linalg.eigh(x.T @ x / len(x))
    values, vectors = values.flip(0)[:size], vectors.flip(1)[:, :size]
    y: Tensor = x @ vectors / values.clamp(min=1e-9) ** 0.25
    return y / y.square().mean().sqrt()
