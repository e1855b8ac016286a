from __future__ import annotations

import pytest
from hypothesis import given

from contextprune.context import Context, Kind, Segment
from contextprune.scoring.features import FEATURES, Column, features
from contextprune.scoring.lexical import Lexical
from contextprune.scoring.signals import Signals
from contextprune.splitting import split
from tests.strategies import contexts

LOG = "first line of the log\nanother line\nERROR: payment refused\nanother line\nlast line with port 8443\n"


def rows(*segments: Segment, query: str = "") -> list[list[float]]:
    context = Context(segments, query, asked=True)
    return features(context, split(context))


@given(contexts())
def test_every_span_has_all_features_and_none_is_far_from_0_to_1(context: Context) -> None:
    spans = split(context)
    table = features(context, spans)
    assert [len(row) for row in table] == [FEATURES] * len(spans)
    assert all(-0.01 <= value <= 4.0 for row in table for value in row)


def test_the_span_that_shares_the_query_s_words_leads_in_likeness() -> None:
    table = rows(Segment(Kind.DOCUMENT, LOG, (0,)), query="why was the payment refused")
    assert max(range(len(table)), key=lambda i: table[i][Column.ITSELF]) == 2


def test_failure_lines_and_repeated_lines_are_flagged() -> None:
    table = rows(Segment(Kind.TOOL_RESULT, LOG, (0,), turn=1))
    assert [i for i, row in enumerate(table) if row[Column.FAILURE]] == [2]
    assert [i for i, row in enumerate(table) if row[Column.REPEATED]] == [1]  # the older of two equal lines


def test_without_a_query_nothing_is_like_it() -> None:
    table = rows(Segment(Kind.DOCUMENT, LOG, (0,)))
    assert not any(row[column] for row in table for column in range(Column.ITSELF, Column.HAS_QUERY + 1))


def test_the_scores_of_the_scorers_by_hand_are_among_the_features() -> None:
    context = Context((Segment(Kind.TOOL_RESULT, LOG, (0,), turn=1),), "why was the payment refused", asked=True)
    spans = split(context)
    table = features(context, spans)
    assert [row[Column.SIGNALS] for row in table] == Signals()(context, spans)
    assert [row[Column.LEXICAL] for row in table] == Lexical()(context, spans)


@pytest.mark.parametrize(
    ("column", "values"),
    [
        (Column.CODE, [0, 0, 1]),
        (Column.DOCUMENT, [1, 0, 0]),
        (Column.TOOL_RESULT, [0, 1, 1]),
        (Column.LATEST, [1, 0, 1]),
        (Column.BLOCK_NUMBER, [0, 1 / 3, 2 / 3]),
        (Column.POSITION, [0, 0, 0]),
    ],
)
def test_a_column_holds_what_its_name_says(column: Column, values: list[float]) -> None:
    table = rows(
        Segment(Kind.DOCUMENT, "A sentence of its own.", (0,), turn=3),
        Segment(Kind.TOOL_RESULT, "a line of output", (1,), turn=1),
        Segment(Kind.TOOL_RESULT, "    12\tx = 1\n", (2,), turn=2),
    )
    assert [row[column] for row in table] == values


def test_nothing_gives_nothing() -> None:
    assert features(Context(()), []) == []
