from __future__ import annotations

import numpy as np
import pytest

from contextprune.training.fit.evaluate import recalls, summary
from contextprune.training.fit.groups import Group


def group(label: list[float], size: list[int], source: str = "set", kind: str = "prose") -> Group:
    none = np.zeros(0)
    return Group(source, kind, none, none, none, none, none, none, none, np.array(label), np.array(size))


def test_a_perfect_ranking_keeps_what_fits() -> None:
    rows = recalls([group([0, 1, 0, 1], [10, 10, 10, 10])], [np.array([0.1, 0.9, 0.2, 0.8])])
    assert {budget: recall for _, budget, recall in rows} == {0.1: 0.0, 0.3: 0.5, 0.5: 1.0}


def test_too_large_a_span_is_skipped() -> None:
    rows = recalls([group([0, 1], [90, 10])], [np.array([1.0, 0.0])])
    assert [recall for _, _, recall in rows] == [1.0, 1.0, 1.0]


def test_where_nothing_is_needed_there_is_nothing_to_recall() -> None:
    assert recalls([group([0, 0], [1, 1])], [np.array([1.0, 0.0])]) == []


def test_sources_count_alike_and_tools_by_their_kind() -> None:
    groups = [group([1], [10], "set"), group([1], [10], "set"), group([1], [10], "tools", "grep")]
    rows = [("set", 0.3, 0.0), ("set", 0.3, 0.5), ("tool:grep", 0.3, 1.0)]
    figures = summary([(s, b, v) for s, _, v in rows for b in (0.1, 0.3, 0.5)])
    assert figures["@30%"] == pytest.approx(0.625)
    assert figures["questions"] == pytest.approx(0.25)
    assert figures["tools"] == 1.0
    assert {source for source, _, _ in recalls(groups, [np.ones(1)] * 3)} == {"set", "tool:grep"}
