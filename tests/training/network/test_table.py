from __future__ import annotations

import torch

from contextprune.scoring.network_weights import WIDTH
from contextprune.training.network.table import first_table
from contextprune.training.run import minilm


def test_each_piece_has_a_row_and_the_gap_is_zeros() -> None:
    table = first_table(minilm(), pieces=2300)
    assert table.shape == (2301, WIDTH)
    assert torch.all(table[-1] == 0)
    assert 0.9 < table[:-1].std() < 1.1


def test_words_of_like_meaning_are_alike() -> None:
    """Ids of `he`, `she` and `was` in the vocabulary of BERT uncased."""
    table = first_table(minilm(), pieces=2300)
    he, she, was = table[[2002, 2016, 2001]]
    assert torch.cosine_similarity(he, she, 0) > torch.cosine_similarity(he, was, 0)
