"""Where tables of records begin and end in a text."""

from __future__ import annotations

import csv
import io
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contextprune.splitting import cut
from contextprune.splitting.delimited import delimited_end
from contextprune.splitting.sniff import Shape, parts
from tests.growth import assert_linear
from tests.splitting.tiling import SIZE, nasty, pieces

STRIPE_EXPORT = (
    "charge,amount,description,status\n"
    'ch_1,12.50,"Two mugs,\nblue",paid\n'
    'ch_2,8.00,"One ""tall"" mug",paid\n'
    "ch_3,9.90,Postcards,refunded\n"
    'ch_4,3.10,"Stickers\n\nround\n",paid\n'
)
BIGQUERY = "\n".join(["day\tviews\tcomment", *(f"2026-10-{n:02}\t{n * 31}\tmeasured" for n in range(1, 9))]) + "\n"
SQLITE_CSV = "id;title;year\r\n1;Dune;1965\r\n2;Emma;1815\r\n3;Ubik;1969\r\n4;Kim;1901\r\n"
MYSQL_BATCH = "id\tname\tstate\n1\tann\topen\n2\tbob\tshut\n3\tcid\topen\n4\tdan\topen\n"
PSQL_UNALIGNED = "id|name|state\n1|ann|open\n2|bob|shut\n3|cid|open\n4|dan|shut\n"


def read(text: str, separator: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))


@pytest.mark.parametrize("table", [STRIPE_EXPORT, BIGQUERY, SQLITE_CSV, MYSQL_BATCH, PSQL_UNALIGNED])
def test_a_table_of_any_tool_is_one_part_of_rows_that_need_the_header(table: str) -> None:
    assert [part.shape for part in parts(table)] == [Shape.CSV]
    assert {each.anchors for each in cut(table)[1:]} == {(0,)}


@pytest.mark.parametrize("table", [STRIPE_EXPORT, BIGQUERY, SQLITE_CSV])
def test_no_record_is_torn_behind_other_output(table: str) -> None:
    separator = max(",\t;", key=table.partition("\n")[0].count)
    text = f"Connected.\n{table}\nDone in 12 ms.\n"
    spans = pieces(text, cut(text))
    records = read(table, separator)
    assert [row for span in spans for row in read(span, separator) if len(row) == len(records[0])] == records


@pytest.mark.parametrize(
    "text",
    [
        "We went, saw, and won, and left.\nThey came, ate, slept, and left.\nThen, later, we all, too, left.\n" * 2,
        "const a = [1,2,3];\nconst b = [1,2,3];\nconst c = [1,2,3];\nconst d = [1,2,3];\n",
        "foo(a,b,c)\nfoo(a,b,d)\nfoo(a,b,e)\nfoo(b,b,e)\n",
        "10:00:00,123 INFO a,b\n10:00:01,123 INFO a,c\n10:00:01,123 INFO a,c\n10:00:01,123 INFO a,c\n",
        "     1\timport os\n     2\timport re\n     3\timport sys\n     4\timport ast\n",
        "name,age,town\nAnn,31\nBob\n",
    ],
)
def test_lines_with_separators_are_no_table(text: str) -> None:
    assert delimited_end(text, 0) == 0


@given(nasty(), st.integers(0, 5))
def test_a_table_ends_behind_where_it_starts_and_at_a_line_end(text: str, start: int) -> None:
    start = min(start, len(text))
    end = delimited_end(text, start)
    assert end == start or (start < end <= len(text) and (end == len(text) or text[end - 1] == "\n"))


def test_every_row_of_a_ragged_table_starts_where_the_one_before_ends() -> None:
    text = STRIPE_EXPORT + "ch_5,1.00\n" + STRIPE_EXPORT.partition("\n")[2]
    assert all(a.end == b.start for a, b in pairwise(cut(text)))
    assert [part.shape for part in parts(text)] == [Shape.CSV]


@pytest.mark.parametrize("unit", ['a,b,c\n"', '"', ',"', '"",', "a,b,c\n", 'a,"b\n', "\t", ',"""'])
def test_silly_tables_are_looked_for_in_linear_time(unit: str) -> None:
    assert_linear(parts, lambda size: "x,y,z\n" + unit * (size // len(unit)), SIZE)


def test_lines_indented_by_a_tab_are_no_table() -> None:
    text = "".join(f"\tat com.acme.App.step{i}(App.java:{i})\n" for i in range(9))
    assert delimited_end(text, 0) == 0
