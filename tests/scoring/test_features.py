from __future__ import annotations

from hypothesis import given

from contextprune.context import Context, Kind, Segment
from contextprune.scoring.features import FEATURES, features
from contextprune.splitting import split
from tests.strategies import contexts

LOG = "first line of the log\nanother line\nERROR: payment refused\nanother line\nlast line with port 8443\n"


def rows(*segments: Segment, query: str = "") -> list[list[float]]:
    context = Context(segments, query, asked=True)
    return features(context, split(context))


@given(contexts())
def test_every_span_has_all_features_and_none_is_far_from_0_to_1(context: Context) -> None:
    spans = split(context)
    found = features(context, spans)
    assert [len(row) for row in found] == [FEATURES] * len(spans)
    assert all(-0.01 <= value <= 4.0 for row in found for value in row)


def test_the_span_that_shares_the_query_s_words_leads_in_likeness() -> None:
    found = rows(Segment(Kind.DOCUMENT, LOG, (0,)), query="why was the payment refused")
    assert max(range(len(found)), key=lambda i: found[i][0]) == 2


def test_failure_lines_and_repeated_lines_are_flagged() -> None:
    found = rows(Segment(Kind.TOOL_RESULT, LOG, (0,), turn=1))
    failed, repeated = 8 + 4, 8 + 8
    assert [i for i, row in enumerate(found) if row[failed]] == [2]
    assert [i for i, row in enumerate(found) if row[repeated]] == [1]  # the older of two equal lines


def test_without_a_query_nothing_is_like_it() -> None:
    assert all(row[:8] == [0.0] * 8 for row in rows(Segment(Kind.DOCUMENT, LOG, (0,))))


def test_nothing_gives_nothing() -> None:
    assert features(Context(()), []) == []
