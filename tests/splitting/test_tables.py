"""Rows and the header that they need."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contextprune.context import Cut, Syntax, Unit
from contextprune.splitting.tables import cut_csv, cut_table
from tests.splitting.tiling import SILLY, assert_linear_cuts, assert_tiles, nasty, pieces


@given(nasty())
def test_the_cuts_of_csv_tile_it(text: str) -> None:
    assert_tiles(text, cut_csv(text))


@given(nasty())
def test_the_cuts_of_a_table_tile_it(text: str) -> None:
    assert_tiles(text, cut_table(text))


def test_silly_csv_takes_linear_time() -> None:
    assert_linear_cuts(cut_csv, *SILLY)


def test_silly_tables_take_linear_time() -> None:
    assert_linear_cuts(cut_table, *SILLY)


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@given(rows=st.lists(st.lists(st.text('a,;"\t|\n é', min_size=1, max_size=8), min_size=3, max_size=3), min_size=1))
def test_each_record_is_one_row_whatever_its_fields_hold(separator: str, rows: list[list[str]]) -> None:
    written = io.StringIO()
    csv.writer(written, delimiter=separator, quoting=csv.QUOTE_ALL).writerows([["first", "second", "third"], *rows])
    text = written.getvalue()
    read = [
        next(csv.reader(io.StringIO(piece, newline=""), delimiter=separator)) for piece in pieces(text, cut_csv(text))
    ]
    assert read == [["first", "second", "third"], *rows]


def test_a_quote_within_a_field_does_not_swallow_the_next_row() -> None:
    text = 'size,name\n5" pipe,x\n"open,y\n3,z\n'
    assert pieces(text, cut_csv(text)) == text.splitlines(keepends=True)


def test_rows_need_the_header_row() -> None:
    assert cut_csv("a,b\n1,2\n3,4\n") == [
        Cut(0, 4, Unit.ROW, Syntax.LINES),
        Cut(4, 8, Unit.ROW, Syntax.LINES, (0,)),
        Cut(8, 12, Unit.ROW, Syntax.LINES, (0,)),
    ]


def test_the_rule_of_a_markdown_table_is_one_with_its_header() -> None:
    text = "| a | b |\n|:--|--:|\n| 1 | 2 |\n| 3 | 4 |\n"
    cuts = cut_table(text)
    assert pieces(text, cuts) == ["| a | b |\n|:--|--:|\n", "| 1 | 2 |\n", "| 3 | 4 |\n"]
    assert [cut.anchors for cut in cuts] == [(), (0,), (0,)]
    assert {(cut.unit, cut.syntax) for cut in cuts} == {(Unit.ROW, Syntax.TABLE)}


def test_a_table_without_a_rule_has_its_first_row_as_header() -> None:
    assert [cut.anchors for cut in cut_table("| a | b |\n| 1 | 2 |\n")] == [(), (0,)]
