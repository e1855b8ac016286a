"""Train `scoring/listwise.py` on whole samples of the training half: what neighbours and blocks say of a span.

The encoder trains on a few windows of each sample; this step comes after it, on all of them, and only sees its logits.
Those are surer of themselves on texts that the encoder was trained on, so they are shaken a little.
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
from contextprune.training.fit.train import loss_of_group

PASSES = 9
BATCH = 16  # samples a step
RATE = 2e-3
DECAY = 0.02
SHAKE = 0.3  # standard deviation of what is added to all logits of a sample, and to each


class Whole(NamedTuple):
    """One sample: its judged spans in order, their logits, features and labels."""

    spans: Sequence[Span]
    logits: np.ndarray
    rows: np.ndarray
    labels: np.ndarray


def fit(samples: Sequence[Whole], report: Callable[[str], None], seed: int = 0) -> Listwise:
    """A network trained on the samples that need anything; one that changes nothing where there is none."""
    torch.manual_seed(seed)
    dice = random.Random(seed)  # noqa: S311 - a reproducible draw, no secret
    network = Listwise()
    useful = [one for one in samples if one.labels.any()]
    steps = PASSES * max(1, len(useful) // BATCH) if useful else 0
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=DECAY)
    average = 0.0
    for step in range(steps):
        for part in optimizer.param_groups:
            part["lr"] = RATE * min(1.0, (step + 1) / 50) * (1 - step / steps)
        drawn = dice.sample(useful, min(BATCH, len(useful)))
        loss = torch.stack([_loss(network, one, dice) for one in drawn]).mean()
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        average += (loss.item() - average) / min(step + 1, 50)
        if step % 100 == 99:
            report(f"surroundings: step {step + 1} of {steps}, loss {average:.3f}")
    return network.eval()


def joined(network: Listwise | None, one: Whole) -> np.ndarray:
    """[S] the logits with their surroundings; as they are without a network."""
    if network is None or not len(one.logits):
        return one.logits
    with torch.inference_mode():
        found: np.ndarray = network(*listwise_inputs(one.spans, one.logits, one.rows)).numpy()
    return found


def _loss(network: Listwise, one: Whole, dice: random.Random) -> Tensor:
    shaken = one.logits + dice.gauss(0, SHAKE) + SHAKE * torch.randn(len(one.logits)).numpy()
    score = network(*listwise_inputs(one.spans, shaken, one.rows))
    sizes = torch.tensor([float(len(span.text)) for span in one.spans])
    return loss_of_group(score, torch.from_numpy(one.labels).float(), sizes, dice)
