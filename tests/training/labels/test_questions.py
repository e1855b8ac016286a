"""Facts about rows and the forms in which they are told: the marked text stays the same text."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from contextprune.context import Kind
from contextprune.training.labels.kit import rng_for
from contextprune.training.labels.questions import (
    Doc,
    Piece,
    Row,
    all_judged,
    as_documents,
    merge_pieces,
    misdirected,
    parse,
    parse_abstract,
    shuffled,
    with_distractors,
    without_gold,
)


def record(**changes: Any) -> dict[str, Any]:
    docs = [{"title": f"T{i}", "text": f"Text {i} says something."} for i in range(4)]
    row = {"id": "r", "question": "What?", "docs": docs, "gold_doc_ids": [2], "label": "human", "answers": ["Text 2"]}
    return {**row, "evidence": [{"doc": 2, "start": 0, "end": 6}], **changes}


def parsed(**changes: Any) -> Row:
    row = parse(record(**changes), "squad2", "prose")
    assert row is not None
    return row


def marked(row: Row) -> list[str]:
    sample = as_documents(row)
    return [sample.context.segments[need.segment].text[need.start : need.end] for need in sample.needs]


def test_a_sample_is_what_prune_documents_shows_the_engine() -> None:
    sample = as_documents(parsed())
    assert [segment.kind for segment in sample.context.segments] == [Kind.DOCUMENT] * 4
    assert sample.context.segments[1].name == "T1"
    assert (sample.context.query, sample.context.asked) == ("What?", True)
    assert sample.judged == (0, 1, 2, 3)
    assert marked(parsed()) == ["Text 2"]


def test_other_orders_and_distractors_leave_the_mark_on_its_text() -> None:
    orders = {shuffled(parsed(), rng_for(i)).docs for i in range(20)}
    assert len(orders) > 5
    for i in range(20):
        assert marked(shuffled(parsed(), rng_for(i))) == ["Text 2"]
        row = with_distractors(parsed(), [Doc("D", "Noise.")], rng_for(i))
        assert marked(row) == ["Text 2"]
        assert len(row.docs) == 5


def test_what_a_rule_marked_weighs_less() -> None:
    assert as_documents(parsed(label="weak")).needs[0].weight == 0.5


def test_a_row_without_evidence_counts_only_where_nothing_is_needed() -> None:
    assert parse(record(evidence=[], meta={}), "wtq", "table") is None
    unanswerable = parse(record(evidence=[], meta={"answerable": False}), "squad2", "prose")
    assert unanswerable is not None
    assert unanswerable.evidence == ()


def test_a_passage_that_was_judged_as_a_whole_is_marked_as_a_whole() -> None:
    row = parse(record(evidence=[]), "ares_synth", "prose")
    assert row is not None
    assert marked(row) == ["Text 2 says something."]
    assert row.weight == 0.5


def test_retrieved_distractors_that_hold_the_answer_are_not_judged() -> None:
    row = parse(record(answers=["says"]), "nq20", "prose")
    assert row is not None
    assert as_documents(row).judged == (2,)
    assert [doc.title for doc in all_judged(row).docs] == ["T2"]
    assert marked(all_judged(row)) == ["Text 2"]


def test_without_the_gold_document_nothing_is_needed() -> None:
    bare = without_gold(parsed())
    assert bare is not None
    assert (len(bare.docs), bare.evidence) == (3, ())
    assert without_gold(parsed(answers=["something"])) is None


def test_a_question_put_to_another_document_needs_nothing_of_it() -> None:
    other_row = replace(parsed(question="Who?"), groups=("elsewhere",), docs=(Doc("D", "Noise."),))
    row = misdirected(parsed(), other_row)
    assert row is not None
    assert (row.question, row.docs, row.evidence) == ("What?", other_row.docs, ())
    assert set(row.groups) == {"T2", "elsewhere"}
    assert misdirected(parsed(), parsed()) is None
    assert misdirected(parsed(answers=["Noise"]), other_row) is None


def test_overlapping_pieces_are_one() -> None:
    pieces = {Piece(0, 5, 9), Piece(0, 1, 6), Piece(1, 5, 9), Piece(1, 7, 7)}
    assert merge_pieces(pieces) == (Piece(0, 1, 9), Piece(1, 5, 9))


def test_commit_messages_lose_the_people_in_them() -> None:
    question = "Fix it\r\n\r\n* Co-authored-by: Ann <ann@example.org>\r\n\r\nas ann@example.org said"
    assert parsed(question=question).question == "Fix it\n\nas  said"


def test_sentences_of_an_abstract_are_marked_where_they_stand() -> None:
    raw = {"id": "s", "sentences": ["One.", "Two is it.", "Three."], "keep": [0, 1, 0]}
    assert marked(parse_abstract(raw, "scitldr")) == ["Two is it."]
