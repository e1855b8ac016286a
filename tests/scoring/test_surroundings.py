from __future__ import annotations

import numpy as np
import pytest

from contextprune.context import Context, Kind, Segment, Span, Unit
from contextprune.scoring.features import FEATURES
from contextprune.scoring.surroundings import PLAIN, TERMS, joined, terms

CONTEXT = Context((Segment(Kind.DOCUMENT, "abc", (0,)), Segment(Kind.TOOL_RESULT, "de", (1,))))
SPANS = [Span(s, i, i + 1, Unit.LINE, "x") for s, count in ((0, 3), (1, 2)) for i in range(count)]
LOGITS = np.array([-3.0, 2.0, -1.0, 0.0, -4.0])
ROWS = np.zeros((5, FEATURES), np.float32)


def test_plain_weights_change_nothing() -> None:
    assert joined(CONTEXT, SPANS, LOGITS, ROWS, PLAIN).tolist() == LOGITS.tolist()


def test_neighbours_are_of_the_same_block() -> None:
    best_beside = terms(SPANS, LOGITS, ROWS)[:, 1]
    assert best_beside.tolist() == [2.0, -1.0, 2.0, 0.0, 0.0]


def test_the_best_block_is_beside_itself() -> None:
    beside_best = terms(SPANS, LOGITS, ROWS)[:, 4]
    assert beside_best.max() == 0.0
    assert len(set(beside_best[:3])) == 1
    assert len(set(beside_best[3:])) == 1


def test_documents_and_results_have_weights_of_their_own() -> None:
    weights = [[1.0] + [0.0] * (TERMS - 1), [2.0] + [0.0] * (TERMS - 1)]
    assert joined(CONTEXT, SPANS, LOGITS, ROWS, weights).tolist() == [-3.0, 2.0, -1.0, 0.0, -8.0]


@pytest.mark.parametrize("weights", [PLAIN])
def test_nothing_stays_nothing(weights: list[list[float]]) -> None:
    assert joined(CONTEXT, [], np.zeros(0), ROWS[:0], weights).tolist() == []
