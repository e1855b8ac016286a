"""The first table: each piece alone through all-MiniLM-L6-v2, and its raw embedding, each by its PCA."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor
from transformers import BertModel

from contextprune.scoring.network_weights import WIDTH

CONTEXTUAL = 96  # numbers from the encoder's last layer; the others come from its first
AT_ONCE = 512  # pieces
CLS, SEP = 101, 102


@torch.inference_mode()
def first_table(start: Path, pieces: int | None = None) -> Tensor:
    """[pieces + 1, WIDTH] from the BERT in the folder `start`, of all its pieces (None) or the first; the gap is zeros.

    Columns are whitened, then rows scaled to a mean square of about 1, so that no common direction drowns the others.
    """
    encoder = BertModel.from_pretrained(start, add_pooling_layer=False, local_files_only=True).eval()
    raw = encoder.embeddings.word_embeddings.weight
    vectors = torch.cat([_read_alone(encoder, ids) for ids in torch.split(torch.arange(pieces or len(raw)), AT_ONCE)])
    table = torch.cat((_reduced(vectors, CONTEXTUAL), _reduced(raw[:pieces], WIDTH - CONTEXTUAL)), 1)
    return torch.cat((table, torch.zeros(1, WIDTH)))


def _read_alone(encoder: BertModel, ids: Tensor) -> Tensor:
    """[n, width]: the mean of the encoder's vectors of [CLS] piece [SEP]."""
    n = len(ids)
    tokens = torch.stack((torch.full((n,), CLS), ids, torch.full((n,), SEP)), 1)
    vectors: Tensor = encoder(input_ids=tokens).last_hidden_state
    return vectors.mean(1)


def _reduced(x: Tensor, size: int) -> Tensor:
    """[n, size]: the first principal components, the square root of their variance taken out, at a scale of 1."""
    x = x - x.mean(0)
    values, vectors = torch.linalg.eigh(x.T @ x / len(x))
    values, vectors = values.flip(0)[:size], vectors.flip(1)[:, :size]
    y: Tensor = x @ vectors / values.clamp(min=1e-9) ** 0.25
    return y / y.square().mean().sqrt()
