from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from contextprune.context import Context, Kind, Segment, Span
from contextprune.errors import ScorerError
from contextprune.scoring import Blend, Scorer, check, device_of, remarks
from contextprune.splitting import split
from tests.strategies import Constant

CONTEXT = Context(
    (
        Segment(Kind.TOOL_RESULT, "a line of a tool\n" * 10, ("a",)),
        Segment(Kind.TOOL_RESULT, "a line of another\n" * 10, ("c",)),
        Segment(Kind.DOCUMENT, "A sentence of a document, which is long enough to count. " * 10, ("b",)),
    ),
    "why",
)
SPANS = split(CONTEXT)
ALONE = {"zero": 1.0, "one": 1.0}
ZERO, ONE = Constant(0.0, "zero"), Constant(1.0, "one")


def blend(scorers: Sequence[Scorer] = (ZERO, ONE), asked: dict[str, float] | None = None) -> Blend:
    return Blend(scorers, {"one": 1.0}, {Kind.DOCUMENT: {"zero": 3.0, "one": 1.0}}, asked or {"zero": 1.0}, ALONE)


def by_kind(scores: Sequence[float], context: Context = CONTEXT) -> dict[Kind, set[float]]:
    found: dict[Kind, set[float]] = {}
    for span, score in zip(split(context), scores, strict=True):
        found.setdefault(context.segments[span.segment].kind, set()).add(score)
    return found


def test_each_kind_has_weights_of_its_own_and_the_rest_the_default() -> None:
    assert by_kind(blend()(CONTEXT, SPANS)) == {Kind.TOOL_RESULT: {1.0}, Kind.DOCUMENT: {0.25}}


def test_a_query_of_the_callers_changes_the_weights_of_results() -> None:
    asked = Context(CONTEXT.segments, "why", asked=True)
    assert by_kind(blend()(asked, SPANS)) == {Kind.TOOL_RESULT: {0.0}, Kind.DOCUMENT: {0.25}}


def test_a_single_result_has_weights_of_its_own_unless_a_session_goes_on_from_it() -> None:
    alone = Context(CONTEXT.segments[1:], "why")
    assert by_kind(blend()(alone, split(alone)), alone) == {Kind.TOOL_RESULT: {0.5}, Kind.DOCUMENT: {0.25}}
    arriving = replace(alone, arriving=True)
    assert by_kind(blend()(arriving, split(arriving)), arriving) == {Kind.TOOL_RESULT: {1.0}, Kind.DOCUMENT: {0.25}}


def test_a_scorer_without_a_share_is_not_called() -> None:
    class Untouchable:
        name = "untouchable"

        def __call__(self, context: Context, spans: Sequence[Span]) -> list[float]:  # noqa: ARG002
            raise AssertionError

    assert set(blend((ONE, Untouchable(), ZERO))(CONTEXT, SPANS)) == {1.0, 0.25}


def test_the_name_tells_what_is_blended() -> None:
    assert blend().name == "zero+one"


@pytest.mark.parametrize("weights", [{}, {"zero": 0.0}, {"zero": -1.0, "one": 2.0}, {"nobody": 1.0}])
def test_weights_that_make_no_sense_are_refused(weights: dict[str, float]) -> None:
    with pytest.raises(ScorerError):
        Blend((ZERO, ONE), weights, {}, {"one": 1.0})


@pytest.mark.parametrize("bad", [[], [0.5], [0.5] * (len(SPANS) + 1), [float("nan")] * len(SPANS), [2.0] * len(SPANS)])
def test_scores_that_are_no_probabilities_are_refused(bad: list[float]) -> None:
    with pytest.raises(ScorerError, match="mine"):
        check(bad, SPANS, "mine")


def test_good_scores_pass() -> None:
    check([0.0, 1.0, *[0.5] * (len(SPANS) - 2)], SPANS, "mine")


def test_the_note_of_a_blend_is_for_the_report() -> None:
    noted = Blend((ONE,), {"one": 1.0}, {}, {"one": 1.0}, note="half of it is missing")
    assert remarks(noted) == ("half of it is missing",)
    assert remarks(blend()) == ()
    assert remarks(ONE) == ()


def test_a_scorer_without_a_model_runs_on_no_device() -> None:
    assert device_of(ONE) == ""
