from __future__ import annotations

import pytest

from contextprune.text.templates import dominant, templates
from tests.growth import assert_linear


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("GET /v1/items 200 in 12 ms", "GET /v1/orders/8841 200 in 3041 ms"),
        ("tests/test_a.py::test_one PASSED  [  5%]", "tests/sub/test_b.py::test_two[x-1] PASSED [100%]"),
        ("--- PASS: TestOne (0.00s)", "--- PASS: TestLargeSplit (12.31s)"),
        ("2026-11-30T10:00:01Z INFO job 7f3a9c2e done", "2026-12-01T23:59:59Z INFO job 00aa31ff done"),
        ("level=info user='ada' took=12ms", "level=info user='grace' took=9000ms"),
        ("web-5d4f-x2x 1/1 Running 0 5d", "api-77aa-9zz 1/1 Running 12 31h"),
    ],
)
def test_lines_that_differ_in_details_have_the_same_template(first: str, second: str) -> None:
    assert len(set(templates([first, second]))) == 1


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("tests/test_a.py::test_one PASSED", "tests/test_a.py::test_one FAILED"),
        ("web-5d4f 1/1 Running 0 5d", "web-5d4f 0/1 CrashLoopBackOff 0 5d"),
        ("level=info msg='started'", "level=error msg='started'"),
        ("1 2 null", "1 2 3"),
    ],
)
def test_lines_that_differ_in_a_word_have_two_templates(first: str, second: str) -> None:
    assert len(set(templates([first, second]))) == 2


def test_there_is_one_template_for_each_row() -> None:
    assert len(templates(["a 1", "", "  ", "a 2"])) == 4


def test_no_rows_have_no_templates() -> None:
    assert templates([]) == []


def test_the_dominant_template_comes_with_its_first_line_and_its_share() -> None:
    lines = ["starting\n", *[f"  GET /v1/items/{i} 200 in {i} ms\n" for i in range(8)], "\n", "stopped\n"]
    assert dominant(lines) == ("GET /v1/items/0 200 in 0 ms", 8, 0.8)


def test_lines_that_have_nothing_in_common_have_no_dominant_template() -> None:
    assert dominant(["one", "two words", "three of them"]) is None


def test_blank_lines_have_no_dominant_template() -> None:
    assert dominant(["\n", " \n"]) is None


@pytest.mark.parametrize("unit", ["a", "a-", '"a ', "' ", "\"'", "::", "aA", ".", "a. ", "0", "\n", "[0.", "[ "])
def test_masking_is_linear(unit: str) -> None:
    assert_linear(lambda text: templates(text.split("\n")), lambda size: unit * size, 50_000)
