"""Samples for a training in small: their needed line is told by its words."""

from __future__ import annotations

from collections.abc import Iterator

from contextprune.context import Context, Kind, Segment
from contextprune.training.samples import Need, Sample
from tests.scoring.folders import WORDS

_PLAIN = [word for word in WORDS[5:] if word.isalpha() and len(word) > 2]


def samples(count: int, start: int = 0) -> Iterator[Sample]:
    """Lines of which the one that holds the two words of the query is needed."""
    for number in range(start, start + count):
        lines = [" ".join(_PLAIN[(number + 5 * i + j) % len(_PLAIN)] for j in range(4)) for i in range(40)]
        at = number * 7 % 40
        lines[at] = "checkout fail"
        text = "\n".join(lines) + "\n"
        begin = sum(len(line) + 1 for line in lines[:at])
        context = Context((Segment(Kind.DOCUMENT, text, (0,)),), "why does checkout fail", asked=True)
        need = Need(0, begin, begin + len(lines[at]))
        yield Sample(f"s{number}", "small", "prose", (f"d{number}",), context, (0,), (need,))
