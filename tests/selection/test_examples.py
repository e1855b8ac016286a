from __future__ import annotations

from collections.abc import Sequence

import pytest

from contextprune.context import Context, Kind, Segment, Unit
from contextprune.plan import Action
from contextprune.policy import Policy
from contextprune.rendering import Markers
from contextprune.selection import Prepared
from contextprune.selection.examples import as_spans, choose
from tests.strategies import COUNTER

TEXTS = ["add two numbers", "add three numbers", "sort a list of words", "add two numbers"]


def chosen(
    texts: Sequence[str], scores: Sequence[float], ceiling: int, costs: Sequence[int] | None = None
) -> list[int]:
    context = Context(tuple(Segment(Kind.EXAMPLE, text, (i,)) for i, text in enumerate(texts)))
    spans, tokens, movable = as_spans(context), costs or [10] * len(texts), range(len(texts))
    markers = Markers(context, spans, tokens, COUNTER, None)
    plan = choose(Prepared(context, spans, tokens, scores, Policy(), markers, (), movable), ceiling)
    return [i for i, d in enumerate(plan.decisions) if d.action is Action.KEEP]


def test_the_best_examples_are_chosen() -> None:
    assert chosen(TEXTS[:3], [0.1, 0.2, 0.9], 10) == [2]


def test_what_differs_is_preferred_to_more_of_the_same() -> None:
    assert chosen(TEXTS[:3], [0.9, 0.8, 0.7], 20) == [0, 2]


def test_copies_come_last() -> None:
    assert chosen(TEXTS, [0.9, 0.1, 0.1, 0.9], 30) == [0, 1, 2]
    assert chosen(TEXTS, [0.9, 0.1, 0.1, 0.9], 40) == [0, 1, 2, 3]


@pytest.mark.parametrize("ceiling", [0, 9])
def test_nothing_is_torn_to_fit(ceiling: int) -> None:
    assert chosen(TEXTS, [0.5] * 4, ceiling) == []


def test_one_that_does_not_fit_is_passed_over_for_the_next_that_does() -> None:
    assert chosen(TEXTS[:3], [0.9, 0.8, 0.7], 15, costs=[10, 20, 5]) == [0, 2]


def test_no_examples_are_no_choice() -> None:
    assert chosen([], [], 10) == []


def test_a_whole_segment_is_one_span() -> None:
    (span,) = as_spans(Context((Segment(Kind.EXAMPLE, "Q: 1?\nA: 2\n", ()),)))
    assert span.unit is Unit.WHOLE
    assert span.text == "Q: 1?\nA: 2\n"
