from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contextprune.context import Unit
from contextprune.splitting.listing import cut_listing
from tests.splitting.tiling import assert_linear_cuts, assert_tiles, nasty, pieces

_PIECES = (
    "src/a.py:12:def f():\n",
    "src/a.py\n",
    "12:x\n",
    "./b:\n",
    "total 8\n",
    "-rw-r--r-- 1 root root 3 Jan 1 a\n",
    "├── a\n",
    "│   └── b\n",
    ".\n",
    "\n",
    "z" * 700 + "\n",
)


@given(st.lists(st.sampled_from(_PIECES) | nasty(), max_size=12).map("".join))
def test_cuts_tile_the_text_and_tear_no_line_end(text: str) -> None:
    cuts = cut_listing(text)
    assert_tiles(text, cuts)
    assert not any(text[cut.end - 1 : cut.end + 1] == "\r\n" for cut in cuts[:-1])


def test_each_match_of_grep_is_a_span_that_stands_alone() -> None:
    text = "src/a.py:12:def f():\nsrc/a.py:40:    f()\nsrc/b.py:3:from a import f\n"
    cuts = cut_listing(text)
    assert pieces(text, cuts) == text.splitlines(keepends=True)
    assert all(cut.unit is Unit.LINE and cut.anchors == () for cut in cuts)


@pytest.mark.parametrize(
    ("text", "anchors"),
    [
        pytest.param("src/a.py\n3:import f\n9:f()\n\nsrc/b.py\n1:x\n", [(), (0,), (0,), (), (3,)], id="ripgrep"),
        pytest.param("total 8\n-rw-r--r-- 1 r r 1 a\n-rw-r--r-- 1 r r 1 b\n", [(), (0,), (0,)], id="ls -l"),
        pytest.param("./a:\ntotal 4\n-rw-r--r-- 1 r r 1 x\n\n./b:\ntotal 0\n", [(), (0,), (0,), (), (3,)], id="ls -lR"),
        pytest.param("./a\n./a/b.py\n./c\n", [(), (), ()], id="find"),
        pytest.param(".\n├── a\n│   ├── b\n│   └── c\n└── d\n", [(), (0,), (1,), (1,), (0,)], id="tree"),
    ],
)
def test_entries_are_anchored_to_their_headings(text: str, anchors: list[tuple[int, ...]]) -> None:
    assert [cut.anchors for cut in cut_listing(text)] == anchors


@pytest.mark.parametrize("unit", ["a", "\n", " ", "total 1\n", "├── \n", "a:\n", "/a\n1:", "── "])
def test_a_long_run_of_anything_takes_linear_time(unit: str) -> None:
    assert_linear_cuts(cut_listing, unit)
