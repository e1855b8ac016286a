r"""Letters with the marks that belong to them, by Unicode category.

In Hindi, Bengali, Tamil, Thai and many other scripts most words hold marks: vowels and the like that are characters of
their own. Python counts them among neither letters nor digits, nor does `\w` match them; Unicode's word borders (UAX
29, rule WB4) never fall before one.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

_JOINERS = "\u200c\u200d"
_BLOCKS = (0x300, 0x1E00), (0x20D0, 0x2100), (0x302A, 0x309B), (0xA66F, 0xAC00)
"""Where marks stand, but for a few historical scripts."""


def _ranges() -> Iterator[str]:
    """Runs of marks as a character class writes them."""
    for start, end in _BLOCKS:
        first = None
        for code in range(start, end + 1):
            if code < end and unicodedata.category(chr(code))[0] == "M":
                first = code if first is None else first
            elif first is not None:
                yield f"{chr(first)}-{chr(code - 1)}"
                first = None


MARKS = "".join(_ranges()) + _JOINERS
"""The inside of a character class of regular expressions that matches marks, and what joins or parts letters."""


def is_word(text: str) -> bool:
    """Tell whether a text is letters, with their marks, and nothing else."""
    if text.isalpha() or text.isascii():
        return text.isalpha()
    return text[:1].isalpha() and all(
        letter.isalpha() or letter in _JOINERS or unicodedata.category(letter)[0] == "M" for letter in text
    )
