"""Train `scoring/listwise.py` on whole samples of the training half: what neighbours and blocks say of a span.

The encoder trains on a few windows of each sample; this step comes after it, on all of them, and only sees its logits.
Those are more certain on texts that the encoder was trained on than on new ones, so noise is added to them.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from contextprune.context import Span
from contextprune.scoring.listwise import Listwise, listwise_inputs
from contextprune.training.fit.loss import group_loss

EPOCHS = 9
BATCH_SIZE = 16  # samples a step
LEARNING_RATE = 2e-3
WEIGHT_DECAY = 0.02
LOGIT_NOISE = 0.3  # standard deviation of the noise added to all logits of a sample, and of that added to each


class ListwiseSample(NamedTuple):
    """One sample: its judged spans in order; their logits [S], features [S, FEATURES] and labels 0..1 [S]."""

    spans: Sequence[Span]
    logits: np.ndarray
    rows: np.ndarray
    labels: np.ndarray


def train_listwise(samples: Sequence[ListwiseSample], report: Callable[[str], None], seed: int = 0) -> Listwise:
    """Train on the samples with needs; without any, the network returned changes nothing."""
    torch.manual_seed(seed)
    rng = random.Random(seed)  # noqa: S311 - a reproducible draw, no secret
    network = Listwise()
    with_needs = [sample for sample in samples if sample.labels.any()]
    steps = EPOCHS * max(1, len(with_needs) // BATCH_SIZE) if with_needs else 0
    optimizer = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)

    average = 0.0
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = LEARNING_RATE * min(1.0, (step + 1) / 50) * (1 - step / steps)

        drawn = rng.sample(with_needs, min(BATCH_SIZE, len(with_needs)))
        loss = torch.stack([_loss(network, sample, rng) for sample in drawn]).mean()
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()

        average += (loss.item() - average) / min(step + 1, 50)
        if step % 100 == 99:
            report(f"listwise: step {step + 1} of {steps}, loss {average:.3f}")
    return network.eval()


def listwise_logits(network: Listwise | None, sample: ListwiseSample) -> np.ndarray:
    """Logits [S] after the listwise head; those of the encoder without a network."""
    if network is None or not len(sample.logits):
        return sample.logits
    with torch.inference_mode():
        logits: np.ndarray = network(*listwise_inputs(sample.spans, sample.logits, sample.rows)).numpy()
    return logits


def _loss(network: Listwise, sample: ListwiseSample, rng: random.Random) -> Tensor:
    noisy = sample.logits + rng.gauss(0, LOGIT_NOISE) + LOGIT_NOISE * torch.randn(len(sample.logits)).numpy()
    score = network(*listwise_inputs(sample.spans, noisy, sample.rows))
    sizes = torch.tensor([float(len(span.text)) for span in sample.spans])
    return group_loss(score, torch.from_numpy(sample.labels).float(), sizes, rng)
