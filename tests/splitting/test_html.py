from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contextprune.context import Syntax, Unit
from contextprune.splitting.html import cut_html
from tests.splitting.tiling import assert_linear_cuts, assert_tiles, nasty, pieces

_PIECES = (
    "<p>",
    "</p>",
    "<div class='a>b'>",
    "</div>",
    '<a href="x',
    '">',
    "<table>",
    "<tr>",
    "<th>",
    "<td>",
    "</tr>",
    "</table>",
    "<li>",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "<script>",
    "</script>",
    "<style>",
    "&amp;",
    "&",
    "<",
    ">",
    "</",
    "<br/>",
    "text. More! ",
)

PAGE = """\
<!DOCTYPE html>
<html>
<head>
  <title>Prices</title>
  <script>
    if (a < b) { alert("<p>"); }
  </script>
</head>
<body>
  <h1>Prices</h1>
  <p title="a > b">The list <b>below</b> is current.</p>
  <ul>
    <li>One</li>
    <li>Two</li>
  </ul>
  <table>
    <tr><th>Name</th><th>Price</th></tr>
    <tr><td>Pear</td><td>3</td></tr>
    <tr><td>Plum</td><td>4</td></tr>
  </table>
</body>
</html>
"""


@given(st.lists(st.sampled_from(_PIECES) | nasty(), max_size=14).map("".join))
def test_cuts_tile_the_text_and_tear_no_line_end(text: str) -> None:
    cuts = cut_html(text)
    assert_tiles(text, cuts)
    assert not any(text[cut.end - 1 : cut.end + 1] == "\r\n" for cut in cuts[:-1])


def test_blocks_are_spans_that_begin_at_their_lines() -> None:
    found = [piece.strip() for piece in pieces(PAGE, cut_html(PAGE))]
    assert found[2].startswith("</head>") or found[1].startswith("<script>")
    assert '<p title="a > b">The list <b>below</b> is current.</p>' in found
    assert "<li>Two</li>\n  </ul>" in found
    assert all(cut.syntax is Syntax.HTML for cut in cut_html(PAGE))


def test_a_script_is_one_span_whatever_is_in_it() -> None:
    cuts = cut_html(PAGE)
    script = next(cut for cut in cuts if cut.unit is Unit.BLOCK)
    assert 'alert("<p>")' in PAGE[script.start : script.end]


def test_rows_are_anchored_to_their_header_row() -> None:
    cuts = cut_html(PAGE)
    rows = [i for i, cut in enumerate(cuts) if cut.unit is Unit.ROW]
    assert len(rows) == 3
    assert [cuts[i].anchors for i in rows] == [(), (rows[0],), (rows[0],)]


def test_a_table_at_the_very_start_of_a_page_has_its_header_too() -> None:
    cuts = cut_html("<table><tr><th>A</th></tr>\n<tr><td>1</td></tr>\n<tr><td>2</td></tr></table>")
    assert [cut.anchors for cut in cuts] == [(), (0,), (0,)]


def test_a_table_whose_first_row_holds_data_has_no_header_row() -> None:
    cuts = cut_html("<table><tr><th>A</th><td>1</td></tr>\n<tr><th>B</th><td>2</td></tr></table>")
    assert [cut.anchors for cut in cuts] == [(), ()]


def test_a_long_paragraph_falls_into_pieces_outside_tags_and_entities() -> None:
    tag = '<a title="one. two, three > four" href="http://example.org/a/b/c">'
    text = "<p>" + f"Some words here. {tag}A link</a> &amp; more of it " * 60 + "</p>"
    cuts = cut_html(text)
    assert max(cut.end - cut.start for cut in cuts) <= 700
    ends = {cut.end for cut in cuts}
    whole = [m.span() for m in re.finditer(re.escape(tag) + "|&amp;", text)]
    assert not any(end in ends for start, stop in whole for end in range(start + 1, stop))


@pytest.mark.parametrize(
    "unit",
    [
        "<",
        "<a '\"",
        "<!--",
        "<script>",
        "<p>x",
        "<tr>",
        "<table>",
        "&",
        "</",
        " ",
        "<p>&amp;",
        "<style>\n",
        "<p ",
        "\"'",
    ],
)
def test_a_long_run_of_anything_takes_linear_time(unit: str) -> None:
    assert_linear_cuts(cut_html, unit)
