"""Logical lines of Python, whole files and excerpts alike."""

from __future__ import annotations

from hypothesis import given

from contextprune.context import Syntax
from contextprune.splitting.python import cut_python
from tests.splitting.tiling import SILLY, assert_linear_cuts, assert_tiles, nasty, pieces

CLASS = '''import os
import sys

# about A
@decorated
class A(
    B,
):
    """What A is.

    And more.
    """

    x = [
        1,
    ]

    async def f(self):
        if self:
            return """
# no comment
"""
        else:
            pass
'''


@given(nasty())
def test_the_cuts_tile_the_text(text: str) -> None:
    assert_tiles(text, cut_python(text))


def test_silly_texts_take_linear_time() -> None:
    assert_linear_cuts(cut_python, *SILLY)


def test_a_file_falls_into_logical_lines() -> None:
    assert [piece.strip() for piece in pieces(CLASS, cut_python(CLASS))] == [
        "import os\nimport sys",
        "# about A\n@decorated\nclass A(\n    B,\n):",
        '"""What A is.\n\n    And more.\n    """',
        "x = [\n        1,\n    ]",
        "async def f(self):",
        "if self:",
        'return """\n# no comment\n"""',
        "else:",
        "pass",
    ]


def test_each_line_needs_the_header_that_it_stands_under() -> None:
    assert [cut.anchors for cut in cut_python(CLASS)] == [(), (), (1,), (1,), (1,), (4,), (5,), (5,), (7,)]


def test_an_excerpt_that_does_not_parse_is_cut_all_the_same() -> None:
    text = "        return x\n\n    def g(self, y):\n        print 'no', (y\n\ndef h():\n    pass\n"
    assert pieces(text, cut_python(text))[-2:] == ["def h():\n", "    pass\n"]


def test_a_long_docstring_is_cut_and_its_pieces_need_both_its_ends() -> None:
    text = 'def f():\n    """Doc.\n' + "    A line of it that goes on.\n" * 60 + '    """\n    return 1\n'
    cuts = cut_python(text)
    last = len(cuts) - 2
    assert all(cut.end - cut.start <= 600 for cut in cuts)
    assert cuts[1].anchors == (0, last)
    assert all(cut.anchors == (1,) for cut in cuts[2 : last + 1])
    assert cuts[-1].anchors == (0,)


def test_brackets_and_hashes_in_strings_do_not_count() -> None:
    text = "a = '(['\nb = \"# no comment\"\nc = 'it\\'s (' # ((\nd = 1\n"
    assert pieces(text, cut_python(text)) == text.splitlines(keepends=True)


def test_a_marker_among_them_is_a_comment() -> None:
    assert {cut.syntax for cut in cut_python(CLASS)} == {Syntax.HASH_CODE}
