"""From groups to vectors and logits of their spans: windows of like length are read together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from contextprune.scoring.encoder import HEAD_WIDTH, MATCH_SCALARS, Model, batch_of, has_bf16
from contextprune.scoring.windows import Window
from contextprune.training.fit.groups import Group


@torch.inference_mode()
def scores_of(model: Model, groups: Sequence[Group], device: torch.device) -> list[np.ndarray]:
    """Logits of every group's spans."""
    model.eval()
    scores = []
    for group in groups:
        vectors, _ = encode_spans(model, [group], device)
        features = torch.from_numpy(group.features).float().to(device)
        scores.append(model.judge(vectors, features).cpu().numpy())
    model.train()
    return scores


def encode_spans(
    model: Model, groups: Sequence[Group], device: torch.device, max_batch: int = 6
) -> tuple[Tensor, Tensor]:
    """Encode all spans: their vectors [S, HEAD_WIDTH + MATCH_SCALARS], and the index of each one's window [S].

    Windows of like length go together, so that little is padded.
    """
    windows = list(windows_of(groups))
    window_index = torch.from_numpy(np.concatenate([np.full(len(window.spans), k) for k, window in enumerate(windows)]))
    if not model.reader.encoder.layers:
        return torch.zeros(len(window_index), HEAD_WIDTH + MATCH_SCALARS, device=device), window_index.to(device)

    order = sorted(range(len(windows)), key=lambda k: len(windows[k].ids))
    max_batch = max_batch if device.type == "cpu" else 10_000
    parts: list[Tensor] = []
    positions: list[int] = []
    for at in range(0, len(order), max_batch):
        chosen = order[at : at + max_batch]
        batch = batch_of([windows[k] for k in chosen]).to(device)
        bf16 = device.type == "cuda" or has_bf16()
        with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
            parts.append(model.reader(batch))
        positions += [i for k in chosen for i, _, _ in windows[k].spans]

    order_back = torch.tensor(positions).argsort().to(device)
    return torch.cat(parts)[order_back], window_index.to(device)


def windows_of(groups: Sequence[Group]) -> Iterator[Window]:
    """Windows of all groups; the index of a span is its position among the spans of all of them."""
    before = 0
    for group in groups:
        ends = np.cumsum(group.lengths.astype(int))
        for w, end in enumerate(ends):
            in_window = np.flatnonzero(group.window == w)
            ids = group.ids[end - group.lengths[w] : end].astype(int).tolist()
            bounds = (in_window + before, group.first[in_window], group.last[in_window])
            yield Window(ids, int(group.goals[w]), list(zip(*(part.tolist() for part in bounds), strict=True)))
        before += len(group.label)
