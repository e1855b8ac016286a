"""How much of a result goes with a value that was needed: the record or the pair around it, or its line.

A value alone is no use: what it belongs to must stay with it.
"""

from __future__ import annotations

import re

LONGEST = 200  # characters of a record or of a piece of a long line

_PAIR = re.compile(r'"(?:[^"\\\n]|\\.)*"\s*:\s*(?:"(?:[^"\\]|\\.)*"|[^,{}\[\]\n"]+)')
_KEY = re.compile(r'"(?:[^"\\\n]|\\.)*"\s*:\s*\Z')
_OPENING, _CLOSING = frozenset("{[("), frozenset("}])")


def around(text: str, start: int, end: int) -> tuple[int, int]:
    """The range that goes with text[start:end]."""
    if text.lstrip()[:1] in ("{", "["):
        found = _record(text, start, end) or _pair(text, start, end)
        if found is not None:
            return found
    return line(text, start, end)


def line(text: str, start: int, end: int) -> tuple[int, int]:
    """The lines that text[start:end] touches; of long ones, only the words near it."""
    left = text.rfind("\n", 0, start) + 1
    right = text.find("\n", end)
    right = len(text) if right < 0 else right
    if right - left <= max(LONGEST, end - start):
        return left, right
    spare = max(0, LONGEST - (end - start)) // 2
    left, right = max(left, start - spare), min(right, end + spare)
    while left < start and left and text[left - 1].isalnum():  # no half words
        left += 1
    while right > end and right < len(text) and text[right].isalnum():
        right -= 1
    return left, right


def _record(text: str, start: int, end: int) -> tuple[int, int] | None:
    """The smallest object, tuple or list around the range where it is short. Brackets in strings, being rare, count."""
    depth = 0
    for left in range(start - 1, max(-1, start - LONGEST), -1):
        depth += (text[left] in _CLOSING) - (text[left] in _OPENING)
        if depth < 0:
            right = _end_of(text, left)
            if right < end or right - left > LONGEST:
                return None
            key = _KEY.search(text, max(0, left - LONGEST), left) if text[left] == "[" else None
            return (key.start() if key else left), right
    return None


def _end_of(text: str, left: int) -> int:
    """Where the bracket at `left` closes; -1 where it does not soon."""
    depth = 0
    for right in range(left, min(len(text), left + LONGEST)):
        depth += (text[right] in _OPENING) - (text[right] in _CLOSING)
        if not depth:
            return right + 1
    return -1


def _pair(text: str, start: int, end: int) -> tuple[int, int] | None:
    """The `"key": value` around the range where it is short."""
    at = max(0, start - 10 * LONGEST)
    for match in _PAIR.finditer(text, at, min(len(text), end + LONGEST)):
        if match.start() > start:
            return None
        if match.end() >= end:
            return match.span() if match.end() - match.start() <= LONGEST else None
    return None
