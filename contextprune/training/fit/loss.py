"""The loss of training: cross-entropy, ranking within a sample, and what falls out at a budget."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name that everyone reads
from torch import Tensor

from contextprune.scoring.encoder import Model
from contextprune.training.fit.encode import encode_spans
from contextprune.training.fit.groups import Group

# The shares of the loss: set by hand, and varied in no run of the diary.
NEEDED_WEIGHT = 3  # of a needed span beside one that is not: needed spans are few
LISTWISE_WEIGHT = 0.5
HINGE_WEIGHT = 0.5
HINGE_MARGIN = 0.5  # logits by which a needed span should clear the last one that fits
HINGE_BUDGETS = (0.05, 0.5)  # shares of the characters, between which one is drawn
WINDOW_WEIGHT = 0.2  # of the relevance of windows


def batch_loss(model: Model, groups: Sequence[Group], device: torch.device, rng: random.Random) -> Tensor:
    """Mean of the groups' losses, and a small share of the loss of the windows' relevance."""
    features = torch.from_numpy(np.concatenate([g.features for g in groups])).float().to(device)
    label = torch.from_numpy(np.concatenate([g.label for g in groups])).float().to(device)
    size = torch.from_numpy(np.concatenate([g.size for g in groups])).float().to(device)
    vectors, window = encode_spans(model, groups, device)
    score = model.judge(vectors, features)

    total = score.new_zeros(())
    at = 0
    for group in groups:
        part = slice(at, at := at + len(group.label))
        total = total + group_loss(score[part], label[part], size[part], rng)

    # a window is relevant where any of its spans is needed
    window_label = torch.zeros(int(window.max()) + 1, device=device).scatter_reduce(0, window, label, "amax")
    relevance = torch.zeros_like(window_label).scatter_reduce(0, window, vectors[:, -1], "amax", include_self=False)
    window_loss = F.binary_cross_entropy_with_logits(relevance, (window_label > 0).float())
    loss: Tensor = total / len(groups) + WINDOW_WEIGHT * window_loss
    return loss


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
