"""What an agent copies from results into its next actions."""

from __future__ import annotations

from contextprune.text.later_use import LINE, leaves, needed

RESULT = "src/app.py:88: total = price * quantity\nexit 0"


def test_values_and_lines_of_an_action_that_a_result_shows_are_needed() -> None:
    assert needed(RESULT, "", ["sed -n 88p src/app.py\ntotal = price * quantity"]) == (
        ("src/app.py",), ("total = price * quantity",),
    )  # fmt: skip


def test_what_stands_elsewhere_is_not_needed_from_results() -> None:
    assert needed(RESULT, "look at src/app.py", ["cat src/app.py"]) == ((), ())


def test_what_no_result_shows_is_not_needed() -> None:
    assert needed(RESULT, "", ["cat src/other.py"]) == ((), ())


def test_a_thing_counts_once_however_often_it_is_used() -> None:
    assert needed(RESULT, "", ["src/app.py", "src/app.py src/app.py"])[0] == ("src/app.py",)


def test_a_short_line_is_everywhere_and_does_not_count() -> None:
    assert len("exit 0") < LINE
    assert needed(RESULT, "", ["exit 0"])[1] == ()


def test_the_strings_and_numbers_in_arguments_are_their_leaves() -> None:
    assert list(leaves('{"path": "a.py", "lines": [1, 2.5, null], "inner": "[\\"b\\"]"}')) == ["a.py", "1", "2.5", "b"]


def test_what_is_not_json_is_a_leaf_as_it_is_however_deep_it_pretends_to_be() -> None:
    assert list(leaves("{not json")) == ["{not json"]
    assert list(leaves("[" * 100_000)) == ["[" * 100_000]
