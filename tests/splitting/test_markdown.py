"""Blocks of Markdown, each cut as what it is."""

from __future__ import annotations

from hypothesis import given

from contextprune.context import Syntax
from contextprune.splitting.markdown import cut_markdown
from tests.splitting.tiling import SILLY, assert_linear_cuts, assert_tiles, nasty, pieces


@given(nasty())
def test_the_cuts_tile_the_text(text: str) -> None:
    assert_tiles(text, cut_markdown(text))


def test_silly_texts_take_linear_time() -> None:
    assert_linear_cuts(cut_markdown, *SILLY)


def test_a_document_falls_into_its_blocks() -> None:
    blocks = [
        "# Title\n\n",
        "Some text. ",
        "More of it.\n\n",
        "- one\n  goes on\n",
        "- two\n\n",
        "A paragraph.\n\n",
        "| a | b |\n|---|---|\n",
        "| 1 | 2 |\n\n",
        "## Next\n",
        "The end.\n",
    ]
    text = "".join(blocks)
    assert pieces(text, cut_markdown(text)) == blocks


def test_fences_need_one_another_and_code_needs_its_fence() -> None:
    text = "See:\n\n```python\ndef f():\n    return 1\n```\n\nDone.\n"
    cuts = cut_markdown(text)
    assert pieces(text, cuts) == ["See:\n\n", "```python\n", "def f():\n", "    return 1\n", "```\n\n", "Done.\n"]
    assert [cut.anchors for cut in cuts] == [(), (4,), (1,), (2, 1), (1,), ()]
    assert [cut.syntax for cut in cuts[1:4]] == [Syntax.LINES, Syntax.HASH_CODE, Syntax.HASH_CODE]


def test_a_longer_fence_holds_a_shorter_one() -> None:
    text = "````\n```\nx\n```\n````\n"
    cuts = cut_markdown(text)
    assert pieces(text, cuts)[0] == "````\n"
    assert pieces(text, cuts)[-1] == "````\n"
    assert cuts[0].anchors == (len(cuts) - 1,)


def test_fenced_json_is_cut_as_json() -> None:
    text = "```json\n{" + ",".join(f'"key{n}": "value {n}"' for n in range(20)) + "}\n```\n"
    assert sum(cut.syntax == Syntax.JSON_PAIR for cut in cut_markdown(text)) == 20


def test_a_fence_that_never_closes_runs_to_the_end() -> None:
    text = "~~~\ncode\n"
    assert [cut.anchors for cut in cut_markdown(text)] == [(), (0,)]


def test_the_paragraphs_of_a_list_item_need_it() -> None:
    text = "- one. Still one.\n\n  More of one.\n- two\n"
    assert [cut.anchors for cut in cut_markdown(text)] == [(), (0,), (0,), ()]
