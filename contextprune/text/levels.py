"""Records of a log whose level is above the usual one: the warning among hundreds of notes, whatever it says."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from math import log2

from contextprune.text.columns import LEAST_ROWS, RARE

LEVELLED = 0.8  # of the lines must have a level, or the text is no log that has them
READ = 120  # characters of a line in which its level stands

_LEVEL = re.compile(
    r"(?i)(?<![\w./-])(trace|debug|dbg|verbose|info(?:rmation)?|notice|warn(?:ing)?|wrn|err(?:or)?|severe|crit(?:ical)?|fatal"
    r"|panic)(?![\w/-]|\.\w)"
)
_LETTER = re.compile(r"([TVDIWEF])\d{4} \d\d:|[\d-]{5,10} [\d:.]{8,15}\s{1,6}\d{1,7}\s{1,6}\d{1,7} ([VDIWEF]) ")
"""The letter of klog and of Android's log."""
_RANKS = {"t": 0, "v": 0, "d": 1, "i": 2, "n": 3, "w": 4, "e": 5, "s": 5, "c": 6, "f": 6, "p": 6}


def odd_levels(lines: Sequence[str]) -> dict[int, float]:
    """Line -> bits of surprise, for the few whose level is above the one that most lines have."""
    levels = {k: level for k, line in enumerate(lines) if (level := _level(line)) is not None}
    if len(levels) < max(LEAST_ROWS, LEVELLED * len(lines)):
        return {}
    counts = Counter(levels.values())
    usual = counts.most_common(1)[0][0]
    above = {level: count for level, count in counts.items() if level > usual}
    if not above or sum(above.values()) > max(1, RARE * len(levels)):
        return {}
    return {k: log2(len(levels)) + log2(len(levels) / above[level]) for k, level in levels.items() if level in above}


def _level(line: str) -> int | None:
    """How grave the level at the start of a line is; None where it has none."""
    letter = _LETTER.match(line)
    word = None if letter else _LEVEL.search(line, 0, READ)
    if letter:
        return _RANKS[(letter[1] or letter[2]).lower()]
    return _RANKS[word[1][0].lower()] if word else None
