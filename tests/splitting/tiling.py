"""What every cutter promises, texts that are hard to keep the promise for, and sizes that must not take long."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from hypothesis import strategies as st

from contextprune.context import Cut

_PIECES = (
    "\n", "\r\n", "\r", " ", "\t", "  ", ".", ". ", "? ", "。", "؟ ", "।", '"', "'", '"""', "\\", "\\n", "\\u",
    "\\ud83d", "{", "}", "[", "]", "(", ")", ",", ":", ";", "|", "| a | b |\n", "|---|\n", "```", "```python\n",
    "~~~\n", " 7\t", "#", "# A\n", "- ", "1. ", "Name: ", "[12:00] <x> ", "def f(\n", "class A:\n", "    ", "@d\n",
    "import a\n", "else:\n", "a", "Dr.", "U.S.", "He ", "null", "1e5", '{"a": [1, 2]}', "[… 3 lines removed …]", "\0",
    "\ud800", "\u2028", "\x85", "\u200d", "e\u0301", "👩\u200d👧", "שלום", "你好", "word " * 200, "x" * 700, "12:",
)  # fmt: skip


def nasty() -> st.SearchStrategy[str]:
    """Texts made of everything that some cutter reacts to."""
    return st.lists(st.sampled_from(_PIECES) | st.text(max_size=5), max_size=30).map("".join)


def assert_tiles(text: str, cuts: Sequence[Cut]) -> None:
    """The cuts follow one another from end to end of the text, and their anchors exist."""
    position = 0
    for cut in cuts:
        assert cut.start == position
        assert cut.end > cut.start
        assert all(0 <= anchor < len(cuts) for anchor in cut.anchors)
        position = cut.end
    assert position == len(text)


def pieces(text: str, cuts: Sequence[Cut]) -> list[str]:
    return [text[cut.start : cut.end] for cut in cuts]


SILLY = tuple(
    unit * (200_000 // len(unit))
    for unit in (
        "a", "[", '{"a":', '"', "\\", " ", ".", "a. ", "|", "```\n", "#", "(", "\n", "\r\n", "}\n", "a ", '""",', "'",
        "- a\n", '"a""b,', "\\n", "[1],", "`", "~~~~\n```\n", "A: b\n", "\t\n", "。", "\n \n",
    )
)  # fmt: skip


def assert_fast(cutter: Callable[[str], list[Cut]]) -> None:
    """Each long run of something silly is cut, in order, within seconds: linear time takes tenths of them."""
    for text in SILLY:
        began = time.process_time()
        cuts = cutter(text)
        assert time.process_time() - began < 2, text[:10]
        assert_tiles(text, cuts)
