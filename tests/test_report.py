"""The report: its numbers add up, and a reader finds them in the table."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contextprune.context import Context, Kind, Segment, Span, Unit
from contextprune.money.cost import Prompt
from contextprune.money.tariff import Tariff
from contextprune.plan import Action, Decision, Plan
from contextprune.report import Report, marker_tokens, summarise

SEGMENTS = st.tuples(st.sampled_from(Kind), st.sampled_from(Action), st.integers(0, 10**7), st.integers(0, 10**7))
OPUS = Tariff("claude-opus-5-5", 4.0, 0.2, 5.0, 20.0, 512)
PROMPT = Prompt("own", (0, 0), (0, 0), (10_000, 2_000), tariffs={"own": OPUS})
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


def test_money_is_left_out_where_no_request_is_known() -> None:
    assert report_on([]).cost is None
    assert "cost" not in str(report_on([]))


def test_the_table_has_one_line_for_money() -> None:
    said = str(replace(report_on([]), prompts=(PROMPT,)))
    assert "cost     $0.0100 instead of $0.0500, net (cache reads and writes counted; claude-opus-5-5)" in said


def test_the_table_says_why_money_is_unknown() -> None:
    report = replace(report_on([]), prompts=(replace(PROMPT, model=""),))
    assert "cost     unknown: the request names no model" in str(report)


def test_the_money_of_a_report_is_the_sum_of_its_requests() -> None:
    report = replace(report_on([]), prompts=(PROMPT, PROMPT))
    assert report.cost == PROMPT.cost() + PROMPT.cost()
    assert (
        summarise(Plan(Context(()), (), ()), [], [], {}, "counter", "scorer", prompts=(PROMPT,)).cost == PROMPT.cost()
    )


def test_a_report_knows_an_epoch_by_what_was_redone() -> None:
    assert not replace(report_on([]), prompts=(PROMPT,)).epoch
    assert replace(report_on([]), prompts=(PROMPT, replace(PROMPT, redone=(9, 3)))).epoch


def test_the_tokens_of_a_marker_are_what_is_sent_beside_the_kept_spans() -> None:
    segments = tuple(Segment(Kind.TOOL_RESULT, "ab", (i,)) for i in range(3))
    spans = tuple(Span(i, at, at + 1, Unit.LINE, "ab"[at]) for i in range(3) for at in range(2))
    keep, drop = Decision(Action.KEEP, 1.0, 50, "why"), Decision(Action.DROP, 0.0, 50, "why")
    plan = Plan(Context(segments), spans, (keep, drop, keep, keep, drop, drop))
    assert marker_tokens(plan, [62, 101, 15]) == [12, 0, 15]


def test_a_count_for_each_segment_is_needed() -> None:
    plan = Plan(Context((Segment(Kind.USER, "text", ()),)), (), ())
    with pytest.raises(ValueError, match="shorter"):
        summarise(plan, [], [], SECONDS, "counter", "scorer")
