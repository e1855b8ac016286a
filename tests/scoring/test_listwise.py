from __future__ import annotations

import numpy as np
import pytest
import torch

from contextprune.context import Span, Unit
from contextprune.scoring.features import FEATURES
from contextprune.scoring.listwise import INPUTS, Listwise, listwise_inputs

SPANS = [Span(s, i, i + 1, Unit.LINE, "x") for s, count in ((0, 3), (1, 2)) for i in range(count)]
LOGITS = np.array([-3.0, 2.0, -1.0, 0.0, -4.0])
ROWS = np.zeros((5, FEATURES), np.float32)


def network(seed: int = 0) -> Listwise:
    """One whose last step was drawn, too, so that it says something."""
    torch.manual_seed(seed)
    trained = Listwise().eval().requires_grad_(False)
    torch.nn.init.normal_(trained.add.weight)
    return trained


def test_untrained_it_changes_nothing() -> None:
    assert Listwise().eval()(*listwise_inputs(SPANS, LOGITS, ROWS)).tolist() == LOGITS.tolist()


def test_blocks_are_numbered_in_order_whatever_segments_they_stand_in() -> None:
    spans = [Span(7 * span.segment + 2, 0, 1, Unit.LINE, "x") for span in SPANS]
    assert listwise_inputs(spans, LOGITS, ROWS)[2].tolist() == [0, 0, 0, 1, 1]


def test_a_logit_stands_beside_the_best_and_the_mean_of_all_and_of_its_block() -> None:
    inputs = listwise_inputs(SPANS, LOGITS, ROWS)[1].numpy()
    mean = LOGITS.mean()
    block = np.array([2.0, 2.0, 2.0, 0.0, 0.0])
    means = np.array([-2 / 3, -2 / 3, -2 / 3, -2.0, -2.0])
    expected = (LOGITS, LOGITS - 2, LOGITS - mean, LOGITS - block, block - 2, means - mean)
    assert inputs.shape == (5, INPUTS)
    assert np.allclose(inputs[:, :6], np.stack(expected, 1) / 4)
    assert inputs[:, 6].tolist() == [0.75, 0.0, 0.5, 0.25, 1.0]  # the rank, from the best


@pytest.mark.parametrize("size", [1, 2, 3, 9])
def test_any_number_of_spans_is_joined(size: int) -> None:
    spans = [Span(0, i, i + 1, Unit.LINE, "x") for i in range(size)]
    joined = network()(*listwise_inputs(spans, np.arange(size, dtype=float), np.zeros((size, FEATURES), np.float32)))
    assert joined.shape == (size,)
    assert bool(joined.isfinite().all())


def test_neighbours_are_of_the_same_block() -> None:
    joined = network()
    for parameter in joined.wide.parameters():
        torch.nn.init.zeros_(parameter)  # deaf to what blocks and the context say
    logits, inputs, blocks = listwise_inputs(SPANS, LOGITS, ROWS)
    other = inputs.clone()
    other[3] += 1.0  # the first span of the second block
    changed = joined(logits, inputs, blocks) != joined(logits, other, blocks)
    assert changed.tolist() == [False, False, False, True, True]


def test_the_same_numbers_whatever_was_joined_before() -> None:
    joined = network()
    first = joined(*listwise_inputs(SPANS, LOGITS, ROWS))
    joined(*listwise_inputs(SPANS[:3], LOGITS[:3], ROWS[:3]))
    assert torch.equal(first, joined(*listwise_inputs(SPANS, LOGITS, ROWS)))
