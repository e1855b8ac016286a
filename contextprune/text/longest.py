"""The longest times in a result, where the goal asks why something is slow.

No word of "why is it slow?" stands in the line that says so: one stage of a plan with 48211 ms among hundreds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise

MOST = 4  # lines that stay
SHARE = 0.5  # of the longest time: from here on one is among the longest
LEAST = 4  # lines with times, or there is nothing to compare
TICKS, LEAP = 8, 1.5  # times of a clock, and how many times the one before it one of them is at most

_SLOW = re.compile(
    r"(?i)\b(?:slow(?:ly|er|est|ness)?|takes? (?:so |that |too )?(?:long|much time|the time)|how long|longest|latency"
    r"|(?:takes?|took|lasts?|needs?) (?:\w{1,12} ){1,2}(?:seconds?|minutes?|hours?)"
    r"|the time (?:go(?:es)?|spent|is spent)|throughput|duration|h[au]ngs?|crawls?|wait(?:s|ing|ed)?)\b"
)
_HINT = re.compile(r"\d ?(?:[nuµm]?s|min|m|h|seconds?)\b|(?i:time|millis|durat|elaps|latenc|took|wait)")
_TIME = re.compile(
    r"(?i)(?<![\w.])(\d{1,12}(?:\.\d{1,9})?)\s?(ns|µs|us|ms|s|secs?|seconds?|m|min|minutes?|h|hours?)(?![\w/-])"
    r"|(?<![\w.])([\w.-]{0,40}(?:time|millis|duration|elapsed|latency|wait|took)\w{0,12})[\"']?\s{0,12}[:=]\s{0,12}[\"']?"
    r"(?:\d{1,12}(?:\.\d{1,9})?\.\.)?(\d{1,12}(?:\.\d{1,9})?)(?![\w:-])"
)
_SECONDS = {"ns": 1e-9, "µs": 1e-6, "us": 1e-6, "ms": 1e-3, "m": 60.0, "h": 3600.0}


def asks_for_times(goal: str) -> bool:
    """Whether a goal asks what takes long."""
    return _SLOW.search(goal) is not None


def longest_times(lines: Sequence[str]) -> list[int]:
    """Numbers of the lines with the longest times, at most `MOST` of a key; none where most of its times are as long.

    Of many that are about as long, the first and the last ones: a tree of stages ends with what makes them all long.
    """
    by_key: dict[str, dict[int, float]] = {}
    unnamed: dict[int, dict[int, float]] = {}  # by which time of its line it is
    for k, line in enumerate(lines):
        if _HINT.search(line):
            place = 0
            for number, unit, key, keyed in _TIME.findall(line):
                times = by_key.setdefault(key, {}) if keyed else unnamed.setdefault(place, {})
                times[k] = max(times.get(k, 0.0), float(keyed) if keyed else _seconds(number, unit))
                place += not keyed

    for times in unnamed.values():
        if not _is_clock(list(times.values())):
            longest = by_key.setdefault("", {})
            for k, time in times.items():
                longest[k] = max(longest.get(k, 0.0), time)
    if sum(map(len, by_key.values())) < LEAST:
        return []
    return sorted({k for times in by_key.values() for k in _longest(times)})


def _is_clock(times: Sequence[float]) -> bool:
    """Whether times tell when each line was written: they never fall, and never leap."""
    if len(times) < TICKS or times[0] == times[-1]:
        return False
    half = len(times) // 2
    return all(a <= b for a, b in pairwise(times)) and all(b <= LEAP * a for a, b in pairwise(times[half:]))


def _longest(times: Mapping[int, float]) -> list[int]:
    """The lines of one key with its longest times."""
    long = [k for k, time in times.items() if time >= SHARE * max(times.values())]
    if len(times) > 1 and 2 * len(long) > len(times):
        return []
    return long if len(long) <= MOST else [*long[: MOST // 2], *long[-(MOST // 2) :]]


def _seconds(number: str, unit: str) -> float:
    unit = unit.lower()
    return float(number) * _SECONDS.get(unit, _SECONDS.get(unit[:1], 1.0) if unit[:1] in "mh" else 1.0)
