"""The loss of training: cross-entropy, ranking within a sample, and what falls out at a budget."""

from __future__ import annotations

import random

import torch.nn.functional as F  # noqa: N812 - the name that everyone reads
from torch import Tensor

# The shares of the loss: set by hand, and varied in no run of the diary.
NEEDED_WEIGHT = 3  # of a needed span beside one that is not: needed spans are few
LISTWISE_WEIGHT = 0.5
HINGE_WEIGHT = 0.5
HINGE_MARGIN = 0.5  # logits by which a needed span should clear the last one that fits
HINGE_BUDGETS = (0.05, 0.5)  # shares of the characters, between which one is drawn


def group_loss(score: Tensor, label: Tensor, size: Tensor, rng: random.Random) -> Tensor:
    """The loss of the spans of one sample: [S] logits, labels 0..1 and characters -> a scalar.

    Cross-entropy makes probabilities, the listwise term ranks within the sample, and the budgeted term looks only at
    what would fall out at a budget: needed spans that score below the one that just fits pay, the others do not.
    """
    weight = 1 + NEEDED_WEIGHT * label
    loss = F.binary_cross_entropy_with_logits(score, label, weight)
    if label.any():
        share = label / label.sum()
        loss = loss - LISTWISE_WEIGHT * (share * F.log_softmax(score, 0)).sum()
        loss = loss + HINGE_WEIGHT * _budget_hinge(score, share, size, rng.uniform(*HINGE_BUDGETS))
    return loss


def _budget_hinge(score: Tensor, share: Tensor, size: Tensor, budget: float) -> Tensor:
    """Hinge loss of needed spans below the score of the last span that fits into `budget` of the characters."""
    order = score.detach().argsort(descending=True)
    fits = int((size[order].cumsum(0) <= budget * size.sum()).sum())
    bar = score.detach()[order[min(fits, len(order) - 1)]]
    return (share * F.softplus(bar - score + HINGE_MARGIN)).sum()
