from __future__ import annotations

import pytest
from hypothesis import given

import contextprune as cp
from contextprune.context import Context, Kind, Segment
from contextprune.scoring.lexical import Lexical, query_terms, stem
from contextprune.splitting import split
from tests.strategies import contexts


def scored(query: str, *texts: str, name: str | None = None) -> list[tuple[str, float]]:
    segments = tuple(Segment(Kind.DOCUMENT, text, (i,), name=name if i == 0 else None) for i, text in enumerate(texts))
    context = Context(segments, query)
    spans = split(context)
    return list(zip([span.text for span in spans], Lexical()(context, spans), strict=True))


def best(query: str, *texts: str) -> str:
    return max(scored(query, *texts), key=lambda pair: pair[1])[0]


TEXT = (
    "The parser reads one record at a time and keeps no state. "
    "A retry waits for two seconds before it connects again. "
    "The value of max_retries is read from the settings file. "
)


@given(contexts())
def test_scores_are_probabilities(context: cp.Context) -> None:
    spans = split(context)
    scores = Lexical()(context, spans)
    assert len(scores) == len(spans)
    assert all(0.0 <= score <= 1.0 for score in scores)


def test_what_answers_the_question_scores_best() -> None:
    assert "parser" in best("what does the parser read?", TEXT)
    assert "max_retries" in best("maxRetries", TEXT)
    assert "two seconds" in best("how long does connecting wait", TEXT)


def test_without_a_query_every_span_scores_zero() -> None:
    assert {score for _, score in scored("", TEXT)} == {0.0}


def test_without_a_shared_word_only_the_place_in_the_document_counts() -> None:
    scores = [score for _, score in scored("zebra", TEXT)]
    assert scores == sorted(scores, reverse=True)
    assert max(scores) < 0.05


def test_a_title_that_answers_lifts_its_document() -> None:
    plain = dict(scored("billing", "It waits for the parser to end, and then it stops. " * 3, "Billing is slow today."))
    titled = dict(
        scored(
            "billing",
            "It waits for the parser to end, and then it stops. " * 3,
            "Billing is slow today.",
            name="Billing",
        )
    )
    span = next(text for text in plain if text.startswith("It waits"))
    assert titled[span] > plain[span]


def test_stop_words_count_only_where_there_is_nothing_else() -> None:
    assert "the" not in query_terms("what is the parser")
    assert query_terms("what is the")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("parses", "parse"), ("retries", "retry"), ("connecting", "connected"), ("quickly", "quick"),
        ("classes", "class"),
        ("settings", "setting"),
        ("files", "file"),
    ],
)  # fmt: skip
def test_forms_of_a_word_meet(one: str, other: str) -> None:
    assert stem(one) == stem(other)


@pytest.mark.parametrize("word", ["a", "is", "max_retries", "utf8", "12345", "class"])
def test_what_is_short_or_a_name_stays(word: str) -> None:
    assert stem(word) in (word, word.removesuffix("s"))
