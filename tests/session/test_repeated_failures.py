"""Of a call that failed again and again the last answer stays, and no failure line is lost."""

from __future__ import annotations

from contextprune.context import Context, Kind
from contextprune.markers import KEEP, KEY
from contextprune.session.repeated_failures import mark_repeated
from contextprune.session.state import State
from tests.session.conversations import Step, said, state_of, step, talk, tools
from tests.tool_outputs import log

FAILED = "collecting\nE   ValueError: no such column: price\n1 failed in 0.20s\n"
GOAL = said("Why does orders fail?")


def markers(*steps: Step) -> list[str | None]:
    """What stands in place of each result, None where it stays."""
    using = tools()
    context = talk(GOAL, *steps)
    state = state_of(using, context)
    results = [i for i, s in enumerate(context.segments) if s.kind is Kind.TOOL_RESULT]
    failed = [i for i in results if "Error" in context.segments[i].text or context.segments[i].failed]
    found = mark_repeated(using, state, failed, results)
    return [found.get(i) for i in results]


def test_earlier_attempts_become_a_count_with_a_recall_key() -> None:
    first, second, last = markers(*[step(FAILED)] * 3)
    assert first is not None
    assert second is not None
    assert last is None
    assert first.startswith("[3 lines cut, recall=")
    assert first.endswith(", failed like attempt 3 of 3]")
    assert len(KEY.findall(first)) == 1


def test_arguments_that_differ_in_white_space_are_the_same_call() -> None:
    assert markers(step(FAILED, call="make  check\n"), step(FAILED, call="make check"))[0] is not None


def test_another_call_or_another_tool_is_another_attempt() -> None:
    assert markers(step(FAILED), step(FAILED, call="make all")) == [None, None]
    assert markers(step(FAILED), step(FAILED, tool="shell")) == [None, None]


def test_an_attempt_with_a_failure_of_its_own_stays() -> None:
    other = FAILED.replace("price", "amount")
    assert markers(step(other), step(FAILED)) == [None, None]


def test_a_last_attempt_that_says_more_stands_for_the_earlier_ones() -> None:
    assert markers(step(FAILED), step("warming up\n" + FAILED + "done\n"))[0] is not None


def test_success_in_between_does_not_count_as_an_attempt() -> None:
    first, fine, last = markers(step(FAILED), step("all is well"), step(FAILED))
    assert first is not None
    assert "attempt 2 of 2" in first
    assert fine is last is None


def test_a_failure_without_a_failure_line_goes_only_where_all_of_it_stands_again() -> None:
    assert markers(step("old_str is not there", failed=True), step("old_str is not there", failed=True))[0] is not None
    assert markers(step("old_str is not there", failed=True), step("new_str is not there", failed=True))[0] is None


def test_an_attempt_that_is_marked_to_be_kept_stays() -> None:
    assert markers(step(KEEP + FAILED), step(KEEP + FAILED)) == [None, None]


def test_what_the_last_attempt_does_not_show_as_it_was_sent_is_not_lost() -> None:
    """On arrival the second answer became a reference to the first one, which therefore stays."""
    using = tools()
    long = log(60, 1) + "\n" + FAILED
    context = talk(GOAL, step(long), step(long))
    state = state_of(using, context)
    last = len(context.segments) - 1
    assert state.texts[last] is not None
    assert mark_repeated(using, state, [2, last], [2, last]) == {}


def test_without_recall_the_note_names_no_key() -> None:
    using = tools(recallable=False)
    state: State = state_of(using, context := talk(GOAL, step(FAILED), step(FAILED)))
    assert isinstance(context, Context)
    assert mark_repeated(using, state, [2, 4], [2, 4]) == {2: "[… failed like attempt 2 of 2]"}
