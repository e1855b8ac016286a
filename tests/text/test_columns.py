from __future__ import annotations

from contextprune.text.columns import odd_rows
from contextprune.text.templates import templates

NAMES = ["amber", "basil", "cedar", "dahlia", "ember", "fennel", "garnet", "hazel", "indigo", "juniper", "kelp"]


def odd(rows: list[str]) -> set[int]:
    return set(odd_rows(rows, templates(rows)))


def test_a_rare_word_in_a_column_that_repeats_one_stands_out() -> None:
    rows = [f"tests/test_a.py::test_{i} PASSED" for i in range(30)]
    rows[17] = "tests/test_a.py::test_17 SKIPPED"
    assert odd(rows) == {17}


def test_a_rare_number_in_a_column_that_repeats_one_stands_out() -> None:
    rows = [f"GET /v1/items/{i} 200" for i in range(30)]
    rows[4] = "GET /v1/items/4 404"
    assert odd(rows) == {4}


def test_a_word_among_numbers_stands_out() -> None:
    rows = [f"sensor | {i * 7} | ok" for i in range(20)]
    rows[9] = "sensor | null | ok"
    assert odd(rows) == {9}


def test_a_number_of_another_size_stands_out() -> None:
    rows = [f"request {i} took {20 + i % 7 * 3}.{i}ms here" for i in range(40)]
    rows[30] = "request 30 took 30.412s here"
    assert odd(rows) == {30}


def test_nought_among_other_numbers_stands_out() -> None:
    rows = [f"{i * 917 + 4} bytes part-{i}" for i in range(40)]
    rows[30] = "0 bytes part-30"
    assert odd(rows) == {30}


def test_an_empty_cell_stands_out() -> None:
    rows = [f"{i},name{i},name{i}@example.org,NL" for i in range(20)]
    rows[6] = "6,name6,,NL"
    assert odd(rows) == {6}


def test_a_row_with_a_cell_less_stands_out() -> None:
    rows = [f"web-{i}    nginx:2    Up 3 days    80{i}/tcp" for i in range(20)]
    rows[6] = "web-6    nginx:2    Created"
    assert odd(rows) == {6}


def test_a_line_that_comes_once_among_lines_that_repeat_stands_out() -> None:
    rows = [f"Setting up package-{i} (1.{i}) ..." for i in range(40)]
    rows[20] = "A new kernel was installed and the old one was removed from the list."
    assert odd(rows) == {20}


def test_nothing_stands_out_of_lines_that_have_nothing_in_common() -> None:
    assert odd([" ".join(NAMES[k:] + NAMES[: k % 5]) for k in range(len(NAMES))]) == set()


def test_nothing_stands_out_of_rows_that_are_all_alike() -> None:
    assert odd([f"{i} done" for i in range(50)]) == set()


def test_nothing_stands_out_where_a_column_holds_names() -> None:
    assert odd([f"{name} | 1/1 | Running" for name in NAMES]) == set()


def test_a_name_of_another_form_stands_out() -> None:
    rows = [f"-rw-r--r-- 1 app app {i * 37 % 4000 + 1000} Nov 7 order_{i}.json" for i in range(60)]
    rows[31] = "-rw-r--r-- 1 app app 1912 Nov 7 settings.prod.toml"
    assert odd(rows) == {31}


def test_half_of_one_sort_and_half_of_another_are_no_outliers() -> None:
    assert odd([f"{i} | {'open' if i % 2 else 'closed'}" for i in range(40)]) == set()


def test_one_that_differs_in_two_columns_stands_out_more() -> None:
    rows = [f"pod-{i} | 1/1 | Running | 0" for i in range(20)]
    rows[3], rows[8] = "pod-3 | 1/1 | Running | 7", "pod-8 | 0/1 | Pending | 0"
    bits = odd_rows(rows, templates(rows))
    assert bits[8] > bits[3] > 0


def test_a_zero_among_large_numbers_stands_out() -> None:
    rows = [f"-rw-r--r-- 1 app app {90_000 + i * 7_919 % 800_000} tile_{i}.pbf" for i in range(40)]
    rows[21] = "-rw-r--r-- 1 app app 0 tile_21.pbf"
    assert 21 in odd(rows)


def test_a_zero_among_small_numbers_does_not() -> None:
    rows = [f"berth {i} taken {i * 7 % 10} times" for i in range(1, 40)]
    assert odd(rows) == set()
