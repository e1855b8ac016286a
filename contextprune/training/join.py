"""Fit the weights of `scoring/surroundings.py` on held-out documents: how much neighbours and blocks say of a span."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812

from contextprune.context import Context, Kind, Span
from contextprune.scoring.surroundings import PLAIN, TERMS, terms

Scored = tuple[Context, Sequence[Span], np.ndarray, np.ndarray, np.ndarray]
"""(context, spans, logits, features, labels) of one sample."""

STEPS = 300
TIE = 0.01  # how much the weights are held to leave the logits as they are


def fit(samples: Sequence[Scored]) -> list[list[float]]:
    """Weights for documents and for results of tools: the listwise loss of training, over whole samples."""
    return [_fit([one for one in samples if _is_result(one) == result]) for result in (False, True)]


def _is_result(one: Scored) -> bool:
    context, spans, *_ = one
    return context.segments[spans[0].segment].kind is Kind.TOOL_RESULT


def _fit(samples: Sequence[Scored]) -> list[float]:
    plain = torch.tensor(PLAIN[0])
    if not samples:
        return list(PLAIN[0])
    parts = []
    for _, spans, logits, rows, labels in samples:
        if labels.any():
            parts.append((torch.from_numpy(terms(spans, logits, rows)).float(), torch.from_numpy(labels).float()))
    weights = plain.clone().requires_grad_(True)
    optimizer = torch.optim.Adam([weights], lr=0.02)
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = TIE * (weights - plain).square().sum()
        for part, label in parts:
            loss = loss - (label / label.sum() * F.log_softmax(part @ weights, 0)).sum() / len(parts)
        torch.autograd.backward(loss)
        optimizer.step()
    found = [float(weight) for weight in weights.detach()]
    assert len(found) == TERMS
    return found
