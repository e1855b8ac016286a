"""What every cutter promises, texts that are hard to keep the promise for, and runs that must take linear time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from hypothesis import strategies as st

from contextprune.context import Cut
from tests.growth import TIMES, assert_linear
from tests.nightly import NIGHTLY

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


SILLY = (
    "a", "[", '{"a":', '"', "\\", " ", ".", "a. ", "|", "```\n", "#", "(", "\n", "\r\n", "}\n", "a ", '""",', "'",
    "- a\n", '"a""b,', "\\n", "[1],", "`", "~~~~\n```\n", "A: b\n", "\t\n", "。", "\n \n",
)  # fmt: skip
SIZE = 250_000 if NIGHTLY else 25_000  # characters of the smaller text; the larger one is a megabyte by night


def assert_linear_cuts(cutter: Callable[[str], Sequence[Cut]], *units: str) -> None:
    """Each long run of a unit is cut from end to end, in time that grows with its length."""
    for unit in units:
        text = partial(_repeated, unit)
        cuts = assert_linear(cutter, text, SIZE)
        assert_tiles(text(TIMES * SIZE), cuts)


def _repeated(unit: str, size: int) -> str:
    return unit * (size // len(unit))
