"""The goal is what the user asked: the latest request, and the ends of the first one."""

from __future__ import annotations

import pytest

from contextprune.context import Kind, Segment
from contextprune.text.goal import FIRST_CHARACTERS, GOAL_CHARACTERS, Goal, ends, goal_of
from tests.growth import assert_linear

FIRST = "Why does the nightly import fail since Tuesday?"
LATER = "Which host writes the file?"
REMINDER = "<system-reminder>\nYour todo list is empty.\n</system-reminder>"


def user(text: str) -> Segment:
    return Segment(Kind.USER, text, ("m",))


def reply(text: str = "I look.") -> Segment:
    return Segment(Kind.ASSISTANT, text, ("m",))


def result(text: str = "3 rows") -> Segment:
    return Segment(Kind.TOOL_RESULT, text, ("m",))


@pytest.mark.parametrize(
    "behind",
    [
        REMINDER,
        "[Request interrupted by user]",
        "Continue.",
        "ok, go ahead",
        '{"type":"container_upload","file_id":"file_011"}',
        "<document>\nAll rules.\n</document>",
        "Stop hook feedback:\n3 files are not formatted",
        "",
    ],
)
def test_what_asks_for_nothing_leaves_the_goal_as_it_was(behind: str) -> None:
    assert str(goal_of([user(FIRST), reply(), result(), user(behind)])) == FIRST


def test_a_question_guides_however_many_words_of_a_harness_follow() -> None:
    assert str(goal_of([user(FIRST), *([reply(), result(), user(REMINDER), user("Continue.")] * 50)])) == FIRST


def test_the_latest_request_stands_before_the_first() -> None:
    assert (
        str(goal_of([user(FIRST), reply(), user("And the weekly one?"), reply(), user(LATER)])) == f"{LATER}\n{FIRST}"
    )


def test_of_a_long_first_request_the_two_ends_count_beside_a_later_one() -> None:
    goal = str(goal_of([user(f"{FIRST}{' x' * 500} Why?"), reply(), user(LATER)]))
    assert goal.startswith(f"{LATER}\n{FIRST} x")
    assert goal.endswith("x Why?")
    assert len(goal) == len(LATER) + 1 + FIRST_CHARACTERS


def test_a_first_request_that_is_alone_counts_in_full() -> None:
    long = FIRST + " x" * 500
    assert str(goal_of([user(long), reply(), user("Continue.")])) == long


def test_the_parts_of_a_message_are_one_request() -> None:
    goal = goal_of([user(FIRST), user(REMINDER), user(LATER), reply(), user("go on")])
    assert (goal.first, goal.latest) == (f"{FIRST}\n{LATER}", f"{FIRST}\n{LATER}")


def test_a_request_that_is_made_again_is_still_the_first() -> None:
    goal = goal_of([user(FIRST), reply(), user(FIRST), user(LATER)])
    assert (goal.first, goal.latest) == (FIRST, f"{FIRST}\n{LATER}")


@pytest.mark.parametrize("behind", [True, False])
def test_a_question_beside_a_long_file_keeps_its_place(*, behind: bool) -> None:
    file = user("row of a log\n" * 4000)
    goal = str(goal_of([file, user(FIRST)] if behind else [user(FIRST), file]))
    assert FIRST in goal
    assert len(goal) <= GOAL_CHARACTERS + 1


def test_where_nobody_asks_the_users_word_stands_in_and_else_what_a_harness_wrote() -> None:
    assert str(goal_of([user("Continue."), reply(), user(REMINDER)])) == "Continue."
    assert str(goal_of([user(REMINDER), reply()])) == REMINDER
    assert str(goal_of([reply(), result()])) == ""


def test_only_users_are_heard() -> None:
    assert str(goal_of([user(FIRST), reply(LATER), result(LATER), Segment(Kind.DOCUMENT, LATER, ("d",))])) == FIRST


def test_both_ends_of_a_long_text_stay() -> None:
    assert ends("short", 90) == "short"
    assert ends("a" * 200 + "b" * 200, 90) == "a" * 59 + "\n" + "b" * 30


def test_many_texts_in_a_row_take_linear_time() -> None:
    def read(segments: list[Segment]) -> Goal:
        return goal_of(segments)

    goal = assert_linear(read, lambda size: [user(f"{FIRST} {n}") for n in range(size)], 2000)
    assert goal.latest.startswith(f"{FIRST} 0\n")
    assert goal.latest.endswith(f"{FIRST} 7999")
