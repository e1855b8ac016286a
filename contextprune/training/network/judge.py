"""How well the network ranks what is needed: recall at budgets of characters, on held-out examples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import torch

from contextprune.scoring.torch_network import TorchNetwork, packed
from contextprune.training.network.evaluate import BUDGETS, Row, recall_at
from contextprune.training.network.examples import Example


@torch.inference_mode()
def logits_of(network: TorchNetwork, examples: Iterable[Example]) -> Iterator[np.ndarray]:
    """[S] logits of each example, one after another."""
    network.eval()
    device, gap = network.table.weight.device, network.table.num_embeddings - 1
    for example in examples:
        yield network(packed([example.inputs(gap)], device))[-1].cpu().numpy()


def recalls_of(network: TorchNetwork, examples: Sequence[Example]) -> list[Row]:
    """Recall of each example that needs anything at each budget of the characters that are judged."""
    return recalls(examples, logits_of(network, examples))


def recalls(examples: Sequence[Example], scores: Iterable[np.ndarray]) -> list[Row]:
    """The same from scores [S] of each example."""
    rows: list[Row] = []
    for example, score in zip(examples, scores, strict=True):
        label = example.label[example.judged].astype(float)
        if label.any():
            size = example.size[example.judged].astype(float)
            reached = (recall_at(score[example.judged], label, size, budget) for budget in BUDGETS)
            rows += [(source_of(example), budget, recall) for budget, recall in zip(BUDGETS, reached, strict=True)]
    return rows


def source_of(example: Example) -> str:
    """The name under which an example counts: a kind of tool counts as a source."""
    return f"tool:{example.kind}" if example.source == "tools" else example.source


def few_of_each(examples: Iterable[Example], limit: int, longest: int) -> list[Example]:
    """At most `limit` examples of each source, none with more than `longest` pieces."""
    counts: Counter[str] = Counter()
    chosen = []
    for example in examples:
        name = source_of(example)
        if len(example.pieces) <= longest and example.label.any() and counts[name] < limit:
            counts[name] += 1
            chosen.append(example)
    return chosen
