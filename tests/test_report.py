"""The report: its numbers add up, and a reader finds them in the table."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contextprune.context import Context, Kind, Segment, Span, Unit
from contextprune.plan import Action, Decision, Plan
from contextprune.report import Report, summarise

SEGMENTS = st.tuples(st.sampled_from(Kind), st.sampled_from(Action), st.integers(0, 10**7), st.integers(0, 10**7))
SECONDS = {"read": 0.001, "split": 0.002, "count": 0.003, "score": 0.0315, "select": 0.0005, "render": 0.0004}


def report_on(parts: list[tuple[Kind, Action, int, int]], notes: tuple[str, ...] = ()) -> Report:
    """One segment with one span for each part: kind, action, tokens before and after."""
    segments = tuple(Segment(kind, "text", (index,)) for index, (kind, *_) in enumerate(parts))
    spans = tuple(Span(index, 0, 4, Unit.LINE, "text") for index in range(len(parts)))
    decisions = tuple(Decision(action, 0.5, before, "why") for _, action, before, _ in parts)
    plan = Plan(Context(segments), spans, decisions)
    before, after = [part[2] for part in parts], [part[3] for part in parts]
    return summarise(plan, before, after, SECONDS, "o200k_base (shipped, exact)", "lexical", notes)


@given(parts=st.lists(SEGMENTS, max_size=12))
def test_the_kinds_and_the_actions_add_up_to_the_whole(parts: list[tuple[Kind, Action, int, int]]) -> None:
    report = report_on(parts)
    assert sum(before for before, _ in report.by_kind.values()) == report.before
    assert sum(after for _, after in report.by_kind.values()) == report.after
    assert sum(spans for spans, _ in report.actions.values()) == len(parts)
    assert sum(tokens for _, tokens in report.actions.values()) == report.before
    assert report.saved == report.before - report.after


@given(parts=st.lists(SEGMENTS, min_size=1, max_size=12))
def test_the_columns_of_the_table_are_aligned(parts: list[tuple[Kind, Action, int, int]]) -> None:
    table = str(report_on(parts)).split("\n\n")[0].splitlines()
    assert len({len(line) for line in table}) == 1


def test_nothing_in_is_nothing_saved() -> None:
    empty = report_on([])
    assert (empty.saved, empty.ratio) == (0, 1.0)
    assert "total" in str(empty)


def test_the_table_reads_as_it_should() -> None:
    report = report_on(
        [
            (Kind.TOOL_RESULT, Action.DROP, 12_000, 2_000),
            (Kind.SYSTEM, Action.KEEP, 500, 500),
            (Kind.TOOL_RESULT, Action.MERGE, 500, 0),
            (Kind.IMAGE, Action.KEEP, 0, 0),
        ],
        notes=("two blocks were signed and left alone",),
    )
    assert str(report) == (
        "tokens       before  after   saved    kept\n"
        "system          500    500       0  100.0%\n"
        "tool_result  12,500  2,000  10,500   16.0%\n"
        "image             0      0       0       -\n"
        "------------------------------------------\n"
        "total        13,000  2,500  10,500   19.2%\n"
        "\n"
        "spans    keep 2 (500 tokens), merge 1 (500 tokens), drop 1 (12,000 tokens)\n"
        "time     38.40 ms (read 1.00, split 2.00, count 3.00, score 31.50, select 0.50, render 0.40)\n"
        "counter  o200k_base (shipped, exact)\n"
        "scorer   lexical\n"
        "note     two blocks were signed and left alone"
    )


def test_long_runs_are_timed_in_seconds() -> None:
    report = Report(1, 1, {}, {}, {"score": 2.5}, "counter", "scorer")
    assert "time     2.50 s (score 2.50)" in str(report)


def test_money_is_unknown_rather_than_guessed() -> None:
    assert report_on([]).cost is None


def test_a_count_for_each_segment_is_needed() -> None:
    plan = Plan(Context((Segment(Kind.USER, "text", ()),)), (), ())
    with pytest.raises(ValueError, match="shorter"):
        summarise(plan, [], [], SECONDS, "counter", "scorer")
