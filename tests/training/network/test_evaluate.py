from __future__ import annotations

import numpy as np
import pytest

from contextprune.training.network.evaluate import BUDGETS, recall_at, summary


def recalls(label: list[float], size: list[int], score: list[float]) -> list[float]:
    return [recall_at(np.array(score), np.array(label), np.array(size), budget) for budget in BUDGETS]


def test_a_perfect_ranking_keeps_what_fits() -> None:
    assert recalls([0, 1, 0, 1], [10, 10, 10, 10], [0.1, 0.9, 0.2, 0.8]) == [0.0, 0.5, 1.0]


def test_too_large_a_span_is_skipped() -> None:
    assert recalls([0, 1], [90, 10], [1.0, 0.0]) == [1.0, 1.0, 1.0]


def test_sources_count_alike_and_tools_by_their_kind() -> None:
    rows = [("set", 0.3, 0.0), ("set", 0.3, 0.5), ("tool:grep", 0.3, 1.0)]
    figures = summary([(s, b, v) for s, _, v in rows for b in (0.1, 0.3, 0.5)])
    assert figures["@30%"] == pytest.approx(0.625)
    assert figures["questions"] == pytest.approx(0.25)
    assert figures["tools"] == 1.0
