"""Speed on texts that are made to be slow: each cutter must take time that grows with its text, whatever it holds.

Every text is measured at one and at four megabytes. Where time is linear it grows fourfold; a loop that looks at the
same characters again and again grows sixteenfold.
"""

from __future__ import annotations

import gc
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from time import process_time

from contextprune.splitting import cut

SIZES = (1_000_000, 4_000_000)
"""Characters of the small and of the large text."""
RUNS = 2
"""Runs of each, of which the quickest counts."""
CHARACTERS = 4
"""Characters that a token has, about: what speed in tokens is reckoned with."""


@dataclass(frozen=True, slots=True)
class Growth:
    """A text's name, CPU seconds for the small and the large one, and spans of the large one."""

    name: str
    small: float
    large: float
    spans: int

    @property
    def factor(self) -> float:
        """How many times as long the large text takes."""
        return self.large / self.small if self.small else 0.0

    @property
    def rate(self) -> float:
        """Tokens of the large text a second."""
        return SIZES[1] / CHARACTERS / self.large if self.large else 0.0


def repeated(unit: str, size: int) -> str:
    """`unit`, over and over, about `size` characters."""
    return unit * (size // len(unit))


def _deep_json(size: int) -> str:
    depth = min(size // 12, 20_000)
    return '{"a":[' * depth + "1" + "]}" * depth + "\n" + repeated('[{"a":[1]}]\n', size - 8 * depth)


def _stairs(size: int) -> str:
    """Keys that are each indented further than the one before, over and over."""
    stairs = "".join(f"{' ' * column}key{column}:\n" for column in range(100))
    return repeated(stairs, size)


def _spelled(size: int) -> str:
    return json.dumps({"output": repeated('{"a": "b\\n\\u00e9"}\n"x,\ty"\n', size)})


def _records(size: int) -> str:
    """A header row, and below it nothing but quotes."""
    return "a,b,c\n" + repeated('"",""","\n', size)


def _unclosed_fences(size: int) -> str:
    return "".join(f"{'`' * (3 + number % 40)}\n# {number}\n" for number in range(size // 32))


def _sentence(size: int) -> str:
    return "It was said that " + repeated("and then he went on ", size)


TEXTS: Mapping[str, Callable[[int], str]] = {
    "open brackets": partial(repeated, "["),
    "brackets, deep and shallow": _deep_json,
    "objects that never close": partial(repeated, '{"a":\n'),
    "quotes that never close": partial(repeated, '"a\'b""" '),
    "one line of words": _sentence,
    "one line of one character": partial(repeated, "x"),
    "one line of base64": partial(repeated, "iVBORw0KGgoAAAANSUhEUgAA+/"),
    "indentation that alternates": partial(repeated, "a:\n        b\n  c:\n"),
    "indentation in stairs": _stairs,
    "fences that never close": _unclosed_fences,
    "colour codes": partial(repeated, "\x1b[31m\x1b[0;1mred\x1b]0;t"),
    "combining characters": partial(repeated, "e\u0301\u0302\u0303"),
    "a script without blanks": partial(repeated, "ที่สะพานเก่า"),
    "records of nothing but quotes": _records,
    "colons": partial(repeated, "- a: b: - c:\n- :\n"),
    "elements that never close": partial(repeated, "<a b='c><d>\n"),
    "numbers": partial(repeated, "1,234.5e6:7-8_"),
    "numbered lines and paths": partial(repeated, "1:\na/b.py:1:\n1|\n"),
    "hunks without lines": partial(repeated, "--- a\n+++ b\n@@ -1,99999 +1,99999 @@\n"),
    "traces without frames": partial(repeated, "Traceback (most recent call last):\ngoroutine 1 [running]:\n"),
    "tables without rows": partial(repeated, "A  B  C\n-- | -- | --\n| a |\n|-|\n"),
    "lines that redraw": partial(repeated, "1%\r\r\n"),
    "strings in strings": _spelled,
    "sentences without letters": partial(repeated, ". ? ! … "),
}
"""Texts by what is in them, made at the size that is asked for, in characters."""


def measure_adversarial(texts: Mapping[str, Callable[[int], str]] = TEXTS) -> Iterator[Growth]:
    """Cut each text at both sizes; yields each figure as soon as it is there."""
    for name, make in texts.items():
        small, large = (_seconds(make(size)) for size in SIZES)
        yield Growth(name, small[0], large[0], large[1])


def _seconds(text: str) -> tuple[float, int]:
    """CPU seconds of the quickest run, and how many spans there are."""
    quickest, spans = float("inf"), 0
    for _ in range(RUNS):
        gc.collect()
        began = process_time()
        spans = len(cut(text))
        quickest = min(quickest, process_time() - began)
    return quickest, spans
