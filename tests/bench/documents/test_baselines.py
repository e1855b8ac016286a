"""Facts about the arms that ours is measured against."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contextprune.bench.data import Row
from contextprune.bench.documents.baselines import BASELINES, DENSE, rank_bm25
from contextprune.bench.documents.evidence import score
from contextprune.bench.run import available

DOCS = (
    {"title": "a", "text": "Cats sleep all day. Dogs bark at night.\nThe parrot Polly speaks French.\nFish swim."},
    {"title": "b", "text": "Polly was born in Paris. Bread is baked at dawn.\n\nRivers run to the sea."},
)
ROW = Row("one", "pets", "What does the parrot Polly speak?", DOCS, ("French",), ((0, 40, 71),))
LEXICAL = sorted(set(BASELINES) - DENSE)


@pytest.mark.parametrize("name", LEXICAL)
@given(share=st.floats(0.0, 1.0))
def test_a_baseline_obeys_the_character_budget(name: str, share: float) -> None:
    for arm in BASELINES[name](ROW):
        assert sum(map(len, arm(ROW.question, DOCS, share))) <= share * ROW.chars


@pytest.mark.parametrize("name", LEXICAL)
def test_a_baseline_keeps_everything_where_everything_fits(name: str) -> None:
    for arm in BASELINES[name](ROW):
        assert arm(ROW.question, DOCS, 1.0) == [doc["text"] for doc in DOCS]


@pytest.mark.parametrize("name", LEXICAL)
def test_a_baseline_gives_the_same_output_twice(name: str) -> None:
    assert [arm(ROW.question, DOCS, 0.4) for arm in BASELINES[name](ROW)] == [
        arm(ROW.question, DOCS, 0.4) for arm in BASELINES[name](ROW)
    ]


def test_the_random_baseline_has_three_different_seeds() -> None:
    outputs = [arm(ROW.question, DOCS, 0.4) for arm in BASELINES["random"](ROW)]
    assert len(outputs) == 3
    assert len({tuple(output) for output in outputs}) > 1


def test_bm25_prefers_the_sentence_with_the_rare_words_of_the_question() -> None:
    texts = ["The parrot Polly speaks French.", "The cat sleeps.", "The dog speaks."]
    scores = rank_bm25("What does the parrot speak?", texts)
    assert max(range(3), key=scores.__getitem__) == 0


def test_bm25_of_a_question_without_known_words_is_zero_everywhere() -> None:
    assert rank_bm25("zebra", ["one", "two"]) == [0.0, 0.0]
    assert rank_bm25("zebra", []) == []


def test_the_oracle_keeps_the_evidence_where_it_fits() -> None:
    (arm,) = BASELINES["oracle"](ROW)
    assert score(ROW, arm(ROW.question, DOCS, 0.25)).recall == 1.0


def test_lead_and_recency_keep_the_two_ends() -> None:
    (lead,), (recency,) = BASELINES["lead"](ROW), BASELINES["recency"](ROW)
    assert lead(ROW.question, DOCS, 0.2)[0].startswith("Cats sleep")
    assert recency(ROW.question, DOCS, 0.2)[1].endswith("to the sea.")


def test_an_arm_that_cannot_run_is_left_out_and_named() -> None:
    arms, notes = available(list(BASELINES), ())
    assert DENSE.issubset(arms) or any("minilm" in note for note in notes)
