"""Facts about future-use recall, on sessions small enough to check by eye."""

from __future__ import annotations

import json

import pytest

from contextprune.bench.data import Session
from contextprune.bench.traces.future_use import points, results_chars, score
from contextprune.bench.traces.masking import LONGEST, TRACE_BASELINES, WHOLE_RESULTS, keep_last
from contextprune.text.later_use import leaves
from contextprune.training.transcript import text_of
from tests.bench.refund import REPEATED, SECRET, call, refund, result

SESSION = refund("end of the list", "Monday\nthe twelfth")


def test_a_value_is_needed_where_only_a_result_held_it() -> None:
    (point,) = (point for point in points(SESSION) if point.id == "s@2")
    assert point.values == (SECRET,)


def test_a_line_is_needed_where_only_a_result_held_it() -> None:
    (point,) = (point for point in points(SESSION) if point.id == "s@2")
    assert point.lines == (REPEATED,)


def test_what_the_user_said_is_not_needed_from_results() -> None:
    assert all("user_17" not in point.values for point in points(SESSION))


def test_what_the_agent_already_wrote_is_not_needed_from_results() -> None:
    repeated = Session("r", "shop", (*SESSION.messages, call(4, command=f"check {SECRET}")))
    assert all(SECRET not in point.values for point in points(repeated) if point.id == "r@3")


def test_a_session_without_actions_has_no_points() -> None:
    assert list(points(Session("e", "shop", ({"role": "user", "content": "hello"},)))) == []


def test_a_session_without_tool_calls_acts_by_its_content() -> None:
    messages = (
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": "look"},
        {"role": "tool", "content": f"{SECRET} is there"},
        {"role": "assistant", "content": f"refund {SECRET}"},
    )
    assert [point.values for point in points(Session("t", "text", messages))] == [(SECRET,)]


def test_json_inside_arguments_is_opened() -> None:
    nested = json.dumps({"action": json.dumps({"steps": [{"path": "a\nb"}, 7, None]})})
    assert list(leaves(nested)) == ["a\nb", "7"]


def test_the_whole_context_shows_everything_and_an_emptied_one_nothing() -> None:
    for point in points(SESSION):
        whole = score(point, lambda messages, _: messages, 1.0)
        assert (whole.values, whole.lines, whole.share) == (len(point.values), len(point.lines), 1.0)
        emptied = score(point, lambda messages, _: [m for m in messages if m["role"] != "tool"], 0.0)
        assert (emptied.values, emptied.lines, emptied.share) == (0, 0, 0)


def test_keeping_the_last_result_loses_the_older_value_and_a_ledger_of_identifiers_brings_it_back() -> None:
    (point,) = (point for point in points(SESSION) if point.id == "s@2")
    assert score(point, keep_last(1), 1.0).values == 0
    listed = score(point, keep_last(1, ledger=True), 1.0)
    assert (listed.values, listed.lines) == (1, 0)


@pytest.mark.parametrize("name", sorted(set(TRACE_BASELINES) - WHOLE_RESULTS))
@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 1.0])
def test_baselines_obey_the_budget_and_touch_only_results(name: str, share: float) -> None:
    for arm in TRACE_BASELINES[name]:
        after = arm(SESSION.messages, share)
        assert results_chars(after) <= share * results_chars(SESSION.messages)
        for old, new in zip(SESSION.messages, after, strict=True):
            assert old["role"] == "tool" or old == new


def test_a_very_long_line_is_cut_so_that_the_budget_can_be_met() -> None:
    session = [{"role": "user", "content": "go"}, result(1, "x" * 10 * LONGEST)]
    (recent,) = TRACE_BASELINES["recent"]
    assert len(text_of(recent(session, 0.3)[1])) == 3 * LONGEST
