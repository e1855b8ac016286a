from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contextprune.context import Context, Kind, Segment, Syntax, Unit
from contextprune.splitting import cut, split
from tests.splitting.tiling import assert_linear_cuts, assert_tiles, nasty

_BLOCKS = (
    "$ git diff\n",
    "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n",
    '{"a": [1, 2],\n "b": null}\n',
    "1:a\n2:b\n3:c\n",
    "Traceback (most recent call last):\n  f()\nKeyError: 1\n",
    "| a | b |\n|---|---|\n| 1 | 2 |\n",
    "src/a.py:1:x\n" * 3,
    "```sh\nls\n```\n",
    "<html>\n<p>Hi.</p>\n</html>\n",
    "This is a sentence of many words. It goes on.\n",
    "def f():\n    return 1\n" * 3,
    "[3 lines cut, recall=abcdefghijkl]\n",
)
MIXED = st.lists(st.sampled_from(_BLOCKS) | nasty(), max_size=8).map("".join)


@given(MIXED, st.sampled_from([None, "a.py", "a.md", "a.json", "bash", "a.html", "a.csv", "a.diff"]))
def test_cuts_tile_the_text_and_tear_no_line_end(text: str, name: str | None) -> None:
    cuts = cut(text, name)
    assert_tiles(text, cuts)
    assert not any(text[c.end - 1 : c.end + 1] == "\r\n" for c in cuts[:-1])


@given(st.lists(MIXED, max_size=4), st.integers(0, 4))
def test_spans_tile_their_segments_and_anchors_stay_inside_them(texts: list[str], start: int) -> None:
    context = Context(tuple(Segment(Kind.TOOL_RESULT, text, (i,)) for i, text in enumerate(texts)))
    spans = split(context, start)
    for index, text in enumerate(texts):
        own = [span for span in spans if span.segment == index]
        assert "".join(span.text for span in own) == (text if index >= start else "")
        assert all(spans[anchor].segment == index for span in own for anchor in span.anchors)


@given(MIXED)
def test_the_same_text_is_cut_the_same_way(text: str) -> None:
    assert cut(text) == cut(text)


@pytest.mark.parametrize(
    "segment",
    [
        pytest.param(Segment(Kind.TOOL_RESULT, "a\nb\nc\n" * 40, (), editable=False), id="not editable"),
        pytest.param(Segment(Kind.TOOL_RESULT, "One. Two. Three.\n", ()), id="short"),
        pytest.param(Segment(Kind.EXAMPLE, "Q: 1 + 1?\nA: 2\n" * 40, ()), id="an example"),
    ],
)
def test_what_is_not_worth_cutting_is_one_span(segment: Segment) -> None:
    (span,) = split(Context((segment,)))
    assert span.unit is Unit.WHOLE
    assert span.text == segment.text


def test_an_empty_segment_has_no_spans() -> None:
    assert split(Context((Segment(Kind.USER, "", ()),))) == []


def test_parts_of_a_mixed_block_keep_their_own_syntax_and_anchors() -> None:
    text = "".join(_BLOCKS[:3])
    cuts = cut(text)
    assert [c.syntax for c in cuts[:3]] == [Syntax.LINES, Syntax.LINES, Syntax.DIFF]
    assert cuts[2].anchors == (1,)
    assert cuts[3].syntax in (Syntax.JSON_ITEM, Syntax.JSON_PAIR, Syntax.LINES, Syntax.PROSE)


@pytest.mark.parametrize("unit", ["a", "[", "<", " ", '{"a":', "\n", "at ", "@@", "\x1b[", "----", "$ a\nb\n", "{\n"])
def test_a_long_run_of_anything_takes_linear_time(unit: str) -> None:
    assert_linear_cuts(cut, unit)
