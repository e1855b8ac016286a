"""Facts about evidence recall, on rows small enough to check by eye."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contextprune.bench.data import Row
from contextprune.bench.documents.baselines import ranked
from contextprune.bench.documents.evidence import evaluate_row, fold, needed, pieces, score

TEXT = "Water boils at 100 degrees.  Ice melts at zero.\nSteam is a gas! It rises."
ROW = Row(
    id="one",
    set="physics",
    question="When does ice melt?",
    docs=({"title": "water", "text": TEXT}, {"title": "noise", "text": "Nothing to see here."}),
    answers=("zero",),
    evidence=((0, 0, 47),),
)


@given(st.text())
def test_pieces_tile_their_text(text: str) -> None:
    assert "".join(text[start:end] for start, end in pieces(text)) == text


@given(st.text())
def test_no_piece_is_blank_unless_the_text_is(text: str) -> None:
    assert not text.strip() or all(text[start:end].strip() for start, end in pieces(text))


def test_pieces_are_sentences_and_lines() -> None:
    assert [fold(TEXT[start:end]) for start, end in pieces(TEXT)] == [
        "Water boils at 100 degrees.",
        "Ice melts at zero.",
        "Steam is a gas!",
        "It rises.",
    ]


def test_the_full_text_keeps_all_evidence() -> None:
    found = score(ROW, [doc["text"] for doc in ROW.docs])
    assert (found.recall, found.complete, found.answer, found.share) == (1.0, 1.0, 1.0, 1.0)


def test_an_empty_output_keeps_none() -> None:
    found = score(ROW, ["", ""])
    assert (found.recall, found.complete, found.answer, found.share) == (0.0, 0.0, 0.0, 0.0)


def test_one_of_two_sentences_counts_by_its_characters() -> None:
    first, second = needed(ROW)
    found = score(ROW, [second, ""])
    assert found.recall == pytest.approx(len(second) / (len(first) + len(second)))
    assert found.complete == 0.0


def test_a_torn_sentence_counts_nothing() -> None:
    assert score(ROW, ["Water boils at 100", ""]).recall == 0.0


def test_white_space_may_change_but_words_may_not() -> None:
    assert score(ROW, ["Water boils\n at 100 degrees. Ice melts\tat zero.", ""]).recall == 1.0
    assert score(ROW, ["Water boils at 99 degrees. Ice melts at zero.", ""]).complete == 0.0


def test_nothing_matches_across_two_documents() -> None:
    assert score(ROW, ["Water boils at", "100 degrees."]).recall == 0.0


def test_a_row_without_evidence_counts_for_the_share_alone() -> None:
    found = score(replace(ROW, evidence=()), ["Ice melts at zero.", ""])
    assert found.recall is None
    assert found.complete is None
    assert found.share > 0


def test_an_answer_that_the_context_never_held_is_not_counted() -> None:
    assert score(replace(ROW, answers=("Celsius",)), [TEXT, ""]).answer is None


def test_several_seeds_are_averaged() -> None:
    everything = ranked(lambda _, texts: [1.0] * len(texts))

    def nothing(_: object, docs: object, share: object) -> list[str]:
        del docs, share
        return ["", ""]

    assert evaluate_row(ROW, [everything, nothing], 1.0).recall == 0.5
