from __future__ import annotations

from random import Random

import torch

from contextprune.training.network.loss import group_loss

LABEL = torch.tensor([1.0, 0.0, 0.0, 0.0])
SIZE = torch.full((4,), 10.0)


def loss_of(*scores: float, label: torch.Tensor = LABEL, seed: int = 0) -> float:
    return float(group_loss(torch.tensor(scores, dtype=torch.float), label, SIZE, Random(seed)))


def test_a_needed_span_that_ranks_first_costs_least() -> None:
    assert loss_of(2, -2, -2, -2) < loss_of(0, 0, 0, 0) < loss_of(-2, 2, 2, 2)


def test_where_nothing_is_needed_only_the_probabilities_count() -> None:
    nothing = torch.zeros(4)
    expected = torch.nn.functional.binary_cross_entropy_with_logits(torch.zeros(4), nothing)
    assert loss_of(0, 0, 0, 0, label=nothing) == float(expected)


def test_the_same_draw_gives_the_same_loss() -> None:
    assert loss_of(1, 2, 3, 4, seed=5) == loss_of(1, 2, 3, 4, seed=5)
