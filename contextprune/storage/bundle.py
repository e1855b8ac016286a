"""Several originals under one key: a text that says of each part which block it is, how long, and its own key.

Where a budget has no room for a key in each block, one place of the request names the key of such a text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_HEADER = re.compile(r"=== block (\d{1,9}) of \d{1,9}: [^\n]*; (\d{1,12}) characters, recall=[a-z2-7]{12} ===\n")


@dataclass(frozen=True, slots=True)
class Part:
    """One original of a bundle.

    block   index of its block among those of the request, from 0
    what    what the block is, in words
    key     its own recall key
    """

    block: int
    what: str
    key: str
    text: str


def bundle(parts: Iterable[Part], blocks: int) -> str:
    """One text of all parts, of a request of so many blocks."""
    return "".join(
        f"=== block {part.block + 1} of {blocks}: {' '.join(part.what.split())}; "
        f"{len(part.text)} characters, recall={part.key} ===\n{part.text}\n"
        for part in parts
    )


def bundled(text: str) -> dict[int, str]:
    """The originals in a bundle by the index of their block; none where `text` is no bundle from end to end."""
    originals: dict[int, str] = {}
    at = 0
    while at < len(text):
        header = _HEADER.match(text, at)
        if header is None:
            return {}
        at = header.end() + int(header[2])
        if text[at : at + 1] != "\n":
            return {}
        originals[int(header[1]) - 1] = text[header.end() : at]
        at += 1
    return originals
