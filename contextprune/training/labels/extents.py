"""Extent of a result that goes with a value that was needed: the record or the pair around it, or its line.

A value alone is no use: what it belongs to must stay with it.
"""

from __future__ import annotations

import re

MAX_CHARS = 200  # characters of a record or of a piece of a long line

_PAIR = re.compile(r'"(?:[^"\\\n]|\\.)*"\s*:\s*(?:"(?:[^"\\]|\\.)*"|[^,{}\[\]\n"]+)')
_KEY = re.compile(r'"(?:[^"\\\n]|\\.)*"\s*:\s*\Z')
_OPENING, _CLOSING = frozenset("{[("), frozenset("}])")


def around(text: str, start: int, end: int) -> tuple[int, int]:
    """Find the range that goes with text[start:end]."""
    if text.lstrip()[:1] in ("{", "["):
        bounds = _record(text, start, end) or _pair(text, start, end)
        if bounds is not None:
            return bounds
    return line(text, start, end)


def line(text: str, start: int, end: int) -> tuple[int, int]:
    """Find the lines that text[start:end] touches; of long ones, only the words near it."""
    left = text.rfind("\n", 0, start) + 1
    right = text.find("\n", end)
    right = len(text) if right < 0 else right
    if right - left <= max(MAX_CHARS, end - start):
        return left, right

    margin = max(0, MAX_CHARS - (end - start)) // 2
    left, right = max(left, start - margin), min(right, end + margin)
    while left < start and left and text[left - 1].isalnum():  # no half words
        left += 1
    while right > end and right < len(text) and text[right].isalnum():
        right -= 1
    return left, right


def _record(text: str, start: int, end: int) -> tuple[int, int] | None:
    """Find the least object, tuple or list around the range, if short. Brackets in strings count: they are rare."""
    depth = 0
    for left in range(start - 1, max(-1, start - MAX_CHARS), -1):
        depth += (text[left] in _CLOSING) - (text[left] in _OPENING)
        if depth < 0:
            right = _end_of(text, left)
            if right < end or right - left > MAX_CHARS:
                return None
            key = _KEY.search(text, max(0, left - MAX_CHARS), left) if text[left] == "[" else None
            return (key.start() if key else left), right
    return None


def _end_of(text: str, left: int) -> int:
    """Find where the bracket at `left` closes; -1 where it does not within MAX_CHARS."""
    depth = 0
    for right in range(left, min(len(text), left + MAX_CHARS)):
        depth += (text[right] in _OPENING) - (text[right] in _CLOSING)
        if not depth:
            return right + 1
    return -1


def _pair(text: str, start: int, end: int) -> tuple[int, int] | None:
    """Find the `"key": value` around the range, if it is short."""
    at = max(0, start - 10 * MAX_CHARS)
    for match in _PAIR.finditer(text, at, min(len(text), end + MAX_CHARS)):
        if match.start() > start:
            return None
        if match.end() >= end:
            return match.span() if match.end() - match.start() <= MAX_CHARS else None
    return None
