from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contextprune.context import Context, Kind, Segment
from contextprune.scoring.calibration import ALL, Calibration, Curve, between, classes, rounded
from contextprune.splitting import split

CURVE = Curve((-2.0, 0.0, 2.0), (0.1, 0.4, 0.9), (0.5, 0.9, 0.99), (0.7, 0.3, 0.1))
CALIBRATION = Calibration({ALL: CURVE})


@given(st.floats(-9, 9), st.floats(-9, 9))
def test_a_higher_logit_is_no_less_probable(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert 0.0 <= CALIBRATION.probability(ALL, low) <= CALIBRATION.probability(ALL, high) <= 1.0


@given(st.floats(0.01, 1.0), st.floats(0.01, 1.0))
def test_more_recall_asks_for_no_higher_a_score(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert CALIBRATION.threshold(ALL, high) <= CALIBRATION.threshold(ALL, low)


def test_all_of_it_means_everything() -> None:
    assert CALIBRATION.threshold(ALL, 1.0) == 0.0


@pytest.mark.parametrize(("at", "value"), [(-5.0, 0.1), (-2.0, 0.1), (-1.0, 0.25), (1.0, 0.65), (7.0, 0.9)])
def test_between_knots_it_is_linear_and_beyond_them_level(at: float, value: float) -> None:
    assert between(CURVE.logits, CURVE.shares, at) == pytest.approx(value)


def test_what_is_written_is_read_again() -> None:
    assert Calibration.of(CALIBRATION.to_json()) == CALIBRATION


@pytest.mark.parametrize(
    ("kind", "text", "name"),
    [
        (
            Kind.DOCUMENT,
            "One sentence stands here, and it is long enough. Another one follows it here. " * 4,
            "text-prose",
        ),
        (Kind.TOOL_RESULT, "alpha started\nbeta started\ngamma stopped\n", "result-lines"),
        (Kind.TOOL_RESULT, "    1\timport os\n    2\timport sys\n    3\tprint(os)\n", "result-code"),
        (Kind.TOOL_RESULT, json.dumps([{"id": i, "name": "a name"} for i in range(20)]), "result-data"),
    ],
)
def test_the_class_is_where_a_block_stands_and_what_it_is_made_of(kind: Kind, text: str, name: str) -> None:
    context = Context((Segment(kind, text, (0,)),))
    assert classes(context, split(context)) == {0: name}


def test_a_class_without_a_curve_takes_the_common_one() -> None:
    context = Context((Segment(Kind.DOCUMENT, "One sentence stands here.", (0,)),))
    assert CALIBRATION.classes(context, split(context)) == {0: ALL}


@given(st.floats(0, 1))
def test_a_rounded_score_is_near_and_stays_what_it_is(score: float) -> None:
    assert rounded(score) == pytest.approx(score, rel=1e-5)
    assert rounded(rounded(score)) == rounded(score)
    assert 0.0 <= rounded(score) <= 1.0


def test_of_unlikely_spans_some_are_likelier() -> None:
    assert rounded(1.234e-5) < rounded(1.235e-5)
