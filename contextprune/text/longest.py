"""The longest times in a result, where the goal asks why something is slow.

No word of "why is it slow?" stands in the line that says so: one stage of a plan with 48211 ms among hundreds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

MOST = 4  # lines that stay
SHARE = 0.5  # of the longest time: from here on one is among the longest
LEAST = 4  # lines with times, or there is nothing to compare

_SLOW = re.compile(
    r"(?i)\b(?:slow(?:ly|er|est|ness)?|takes? (?:so |that |too )?(?:long|much time|the time)|how long|longest|latency"
    r"|duration|hangs?|wait(?:s|ing|ed)?)\b"
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
    for k, line in enumerate(lines):
        if _HINT.search(line):
            for number, unit, key, keyed in _TIME.findall(line):
                times = by_key.setdefault(key, {})
                times[k] = max(times.get(k, 0.0), _seconds(number, unit) if unit else float(keyed))

    if sum(map(len, by_key.values())) < LEAST:
        return []
    return sorted({k for times in by_key.values() for k in _longest(times)})


def _longest(times: Mapping[int, float]) -> list[int]:
    """The lines of one key with its longest times."""
    long = [k for k, time in times.items() if time >= SHARE * max(times.values())]
    if len(times) > 1 and 2 * len(long) > len(times):
        return []
    return long if len(long) <= MOST else [*long[: MOST // 2], *long[-(MOST // 2) :]]


def _seconds(number: str, unit: str) -> float:
    unit = unit.lower()
    return float(number) * _SECONDS.get(unit, _SECONDS.get(unit[:1], 1.0) if unit[:1] in "mh" else 1.0)
