"""Lines and points to break them at, as all line-based cutters see them.

`str.splitlines` also breaks at U+2028, form feeds and the like, which no terminal and no marker does; here a line ends
at a line feed, or at a lone carriage return, the way progress bars redraw themselves. Everything is linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from contextprune.splitting.opaque import outside_words
from contextprune.splitting.pieces import best_break

LONG = 600
"""Characters that one piece of a line may have, about."""

TRIVIAL = " \t\r\f\v!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
"""A line of nothing else (braces, rulers, carets) means nothing without the line before it."""

_LEAST = 200  # characters of a piece
_SENTENCE_END = re.compile(r"[.!?][\"')\]]?[ \t\n]")

# CSI sequences, OSC sequences (titles, links), and the two-character escapes.
ANSI = re.compile(r"\x1b(?:\[[0-?]*+[ -/]*+[@-~]?|\][^\x07\x1b]{0,2000}+(?:\x07|\x1b\\)?|[ -Z\\^-~])")


def rows(text: str) -> list[str]:
    """Lines without their last character, the line feed or lone carriage return; a CRLF leaves its CR in the row."""
    lines = text.split("\n")
    if text.count("\r") > text.count("\r\n"):
        last = lines.pop()
        lines = [part for line in lines for part in _redraws(line)]
        lines.extend(last.split("\r"))
    if not lines[-1]:
        lines.pop()
    return lines


def pieces(text: str, start: int, end: int, atoms: Sequence[tuple[int, int]] = ()) -> list[int]:
    """Points within `text[start:end]` where it may be cut into pieces of about `LONG` characters at most.

    `atoms` are ranges that must stay whole (escape sequences, tags), in order and apart; words and addresses do, too.
    """
    cuts: list[int] = []
    at, atom = start, 0
    while end - at > LONG:
        point = outside_words(text, at, _break_point(text, at), end)
        while atom < len(atoms) and atoms[atom][1] <= point:
            atom += 1
        if atom < len(atoms) and atoms[atom][0] < point:
            first, last = atoms[atom]
            point = first if first > at else last

        if point >= end:
            break
        cuts.append(point)
        at = point
    return cuts


def escapes(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Starts and ends of the terminal's escape sequences in `text[start:end]`."""
    if text.find("\x1b", start, end) < 0:
        return []
    return [match.span() for match in ANSI.finditer(text, start, end)]


def _redraws(row: str) -> list[str]:
    """Split one row (which a line feed ended) at its lone carriage returns."""
    if not row.endswith("\r"):
        return row.split("\r")
    parts = row[:-1].split("\r")
    parts[-1] += "\r"
    return parts


def _break_point(text: str, at: int) -> int:
    """The best point for a cut in the `LONG` characters after `at`."""
    low, high = at + _LEAST, at + LONG
    sentence = _SENTENCE_END.search(text, low, high)
    return sentence.end() if sentence else best_break(text, low, high)
