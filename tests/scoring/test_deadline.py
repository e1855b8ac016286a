"""A scorer with a deadline: who scores what, what is said, and that it is like the scorer otherwise."""

from __future__ import annotations

import logging
import pickle
import threading
from collections.abc import Sequence

import pytest

import contextprune as cp
from contextprune.errors import ScorerError
from contextprune.scoring import Calibrated, device_of, in_time, remarks
from contextprune.scoring.deadline import Deadline
from tests import tool_outputs as outputs
from tests.strategies import LEXICAL, Constant

TEXT = outputs.listing(60, 1)


class Held:
    """A model that does not answer until it is let go."""

    name = "held.v1"
    runs_on = "nowhere, fp8"

    def __init__(self) -> None:
        self.let_go = threading.Event()

    def __call__(self, context: cp.Context, spans: Sequence[cp.Span]) -> list[float]:  # noqa: ARG002 - the seam
        self.let_go.wait(10)
        return [0.5] * len(spans)

    def threshold(self, context: cp.Context, spans: Sequence[cp.Span], segment: int, recall: float) -> float:  # noqa: ARG002 - the seam
        return 0.25


def engine(scorer: cp.Scorer) -> cp.Pruner:
    return cp.Pruner(cp.Policy(min_tokens=50), scorer, store=cp.MemoryStore())


def test_what_comes_in_time_is_the_scorers() -> None:
    scorer = in_time(Constant(0.5), 60.0)
    assert cp.compress(TEXT, pruner=engine(scorer)).text == cp.compress(TEXT, pruner=engine(Constant(0.5))).text
    assert (scorer.name, remarks(scorer)) == (Constant(0.5).name, ())


def test_what_does_not_is_scored_by_words_and_said_once(caplog: pytest.LogCaptureFixture) -> None:
    held = Held()
    scorer = in_time(held, 0.01)
    with caplog.at_level(logging.WARNING):
        late = [cp.compress(TEXT + str(i), pruner=engine(scorer)) for i in range(2)]
    held.let_go.set()
    assert late[0].text == cp.compress(TEXT + "0", pruner=engine(LEXICAL)).text
    assert [record.name for record in caplog.records] == ["contextprune.scoring"]
    assert late[1].report.notes == ("scored without the model where it took longer than 0.01 s (2 times)",)


def test_the_bar_is_that_of_whoever_scored() -> None:
    held = Held()
    scorer = Deadline(held, LEXICAL, 0.01)
    context = cp.Context((cp.Segment(cp.Kind.TOOL_RESULT, "a", ("r",)),))
    spans = [cp.Span(0, 0, 1, cp.Unit.LINE, "a")]
    scorer(context, spans)
    assert scorer.threshold(context, spans, 0, 0.9) is None
    held.let_go.set()
    Deadline(held, LEXICAL, 5.0)(context, spans)
    in_good_time = Deadline(held, LEXICAL, 5.0)
    in_good_time(context, spans)
    assert in_good_time.threshold(context, spans, 0, 0.9) == 0.25
    assert isinstance(scorer, Calibrated)
    assert device_of(scorer) == "nowhere, fp8"


def test_a_failure_of_the_scorer_is_a_failure() -> None:
    class Broken(Held):
        """A model that fails."""

        def __call__(self, context: cp.Context, spans: Sequence[cp.Span]) -> list[float]:  # noqa: ARG002 - the seam
            raise RuntimeError("CUDA out of memory")

    with pytest.raises(RuntimeError, match="out of memory"):
        cp.compress(TEXT, pruner=engine(in_time(Broken(), 5.0)))


def test_words_need_no_deadline_and_no_time_is_refused() -> None:
    lexical = cp.load_scorer("lexical")
    assert in_time(lexical, 1.0) is lexical
    assert in_time(Constant(0.5), None) == Constant(0.5)
    with pytest.raises(ScorerError, match="above 0"):
        in_time(Held(), 0)


def test_a_pruner_gives_its_scorer_a_deadline() -> None:
    assert cp.Pruner(cp.Policy(), Constant(0.5), store=cp.MemoryStore(), deadline=60.0).scorer.name == "constant.v1"


def test_a_pickled_one_goes_on() -> None:
    scorer = pickle.loads(pickle.dumps(in_time(Constant(0.5), 60.0)))
    assert cp.compress(TEXT, pruner=engine(scorer)).text == cp.compress(TEXT, pruner=engine(Constant(0.5))).text
