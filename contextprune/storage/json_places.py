"""Where the values of a JSON text stand: a path to its place, the rows of a list, the elements that hold words.

Every value is decoded where it stands, so a place is a range of the text itself, and nothing is written anew.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from contextprune.errors import SettingsError

Range = tuple[int, int]

_DECODER = json.JSONDecoder(strict=False, parse_float=str, parse_int=str)  # a number of a million digits is only text
_BLANK = re.compile(r"[ \t\r\n]*")
_BLANK_AND_COLON = re.compile(r"[ \t\r\n]*:[ \t\r\n]*")
_STEP = re.compile(r"""\.?(?:\[(-?\d{1,9})\]|\["((?:[^"\\]|\\.)*)"\]|\['((?:[^'\\]|\\.)*)'\]|([^.\[\]]+))""")
_MOST_LEVELS = 12  # each decodes what it looks through once more
_OPENINGS = 4  # lines at which the value may begin that are tried
_MOST_NAMES = 12


class Member(NamedTuple):
    """A value inside of another; `start` is that of its key where it has one, and `name` the key or the index."""

    name: str | int
    start: int
    value: int
    end: int


def values(text: str, start: int, end: int) -> list[Range]:
    """The objects and lists one after the other that a text is, or begins with after some lines; [] where it is none.

    Several are returned only where they are all of the text.
    """
    for at in _openings(text, start, end):
        ranges = list(_consecutive(text, at, end))
        if ranges:
            rest = _skipped(text, ranges[-1][1])
            return ranges if len(ranges) == 1 or rest >= end else []
    return []


def at_path(text: str, path: str, start: int, end: int) -> Range:
    """The range of the value at a path such as `items[17].status`, in the JSON between `start` and `end`.

    Raises SettingsError where there is no such value; it says what there is instead.
    """
    ranges = values(text, start, end)
    if not ranges:
        raise SettingsError("the original is no JSON, so it has no path: ask with lines, chars or query")
    steps = list(_steps(path))
    at = ranges[0]
    if len(ranges) > 1 and steps and isinstance(steps[0], int):
        at = _chosen([Member(i, s, s, e) for i, (s, e) in enumerate(ranges)], steps.pop(0), "the values")

    reached = "$"
    for step in steps:
        at = _chosen(list(members(text, at[0])), step, reached)
        reached += f"[{step}]" if isinstance(step, int) else f".{step}"
    return at


def rows(text: str, start: int, end: int) -> list[Range]:
    """The elements of the list between `start` and `end`; of an object, those of the longest list in it.

    Values one after the other are a list, too. [] where the text is no JSON or holds no list.
    """
    ranges = values(text, start, end)
    if len(ranges) > 1:
        return ranges
    at = ranges[0] if ranges else None
    while at is not None:
        inner = list(members(text, at[0]))
        if text[at[0]] == "[":
            return [(member.start, member.end) for member in inner]
        inner = [member for member in inner if text[member.value] in "{["]
        longest = max(inner, key=lambda member: member.end - member.value, default=None)
        at = None if longest is None else (longest.value, longest.end)
    return []


def members(text: str, at: int) -> Iterator[Member]:
    """The members of the object or list that begins at `at`, in order; none of anything else.

    Ends early where the text is no JSON from some point on.
    """
    close = {"{": "}", "[": "]"}.get(text[at : at + 1])
    if close is None:
        return
    at, index = _skipped(text, at + 1), 0
    while text[at : at + 1] != close:
        start, name = at, index
        try:
            if close == "}":
                name, at = _DECODER.raw_decode(text, at)
                colon = _BLANK_AND_COLON.match(text, at)
                if colon is None:
                    return
                at = colon.end()
            end = _DECODER.raw_decode(text, at)[1]
        except (ValueError, RecursionError):
            return
        yield Member(name, start, at, end)

        comma = _skipped(text, end)
        if text[comma : comma + 1] != ",":
            return
        at, index = _skipped(text, comma + 1), index + 1


def elements_holding(text: str, start: int, end: int, words: Sequence[str], small: int) -> list[Range]:
    """The smallest elements of a JSON text that hold all words, none looked into that has at most `small` characters.

    `words` are casefolded. The whole range where the text is no JSON, or no element of it alone holds all of them.
    """
    ranges = values(text, start, end)
    if not ranges or _skipped(text, ranges[-1][1]) < end or text[start : ranges[0][0]].strip():
        return [(start, end)]
    todo = [(s, s, e, 0) for s, e in reversed(ranges)]
    holding = []
    while todo:
        first, value, last, level = todo.pop()
        inner = []
        if last - value > small and level < _MOST_LEVELS:
            inner = [member for member in members(text, value) if holds(text[member.start : member.end], words)]
        if inner or (level == 0 and not holds(text[first:last], words)):
            todo += [(member.start, member.value, member.end, level + 1) for member in reversed(inner)]
        else:
            holding.append((first, last))
    return holding or [(start, end)]


def holds(text: str, words: Sequence[str]) -> bool:
    """Whether a text holds every word, in any letter case; `words` are casefolded."""
    folded = text.casefold()
    return all(word in folded for word in words)


def _openings(text: str, start: int, end: int) -> Iterator[int]:
    """Where a value may begin: at the first character that is no blank, or that of one of the first lines."""
    at = _skipped(text, start)
    for _ in range(_OPENINGS):
        if at >= end:
            return
        if text[at] in "{[":
            yield at
        at = text.find("\n", at, end)
        if at < 0:
            return
        at = _skipped(text, at)


def _consecutive(text: str, at: int, end: int) -> Iterator[Range]:
    while at < end and text[at] in "{[":
        try:
            after = _DECODER.raw_decode(text, at)[1]
        except (ValueError, RecursionError):
            return
        if after > end:
            return
        yield at, after
        at = _skipped(text, after)


def _steps(path: str) -> Iterator[str | int]:
    """Names and indices of a path. Raises SettingsError for what is none."""
    path = path.strip()
    at = 1 if path.startswith("$") else 0
    while at < len(path):
        match = _STEP.match(path, at)
        if match is None:
            raise SettingsError(f"a path is written like 'items[17].status', not {path[:80]!r}")
        index, double, single, name = match.groups()
        quoted = double if double is not None else single
        yield int(index) if index is not None else name if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
        at = match.end()


def _chosen(inner: list[Member], step: str | int, reached: str) -> Range:
    """The member that a step leads to; of equal names the last one, as readers of JSON have it."""
    if isinstance(step, int) and step < 0:
        step += len(inner)
    for member in reversed(inner):
        if member.name == step:
            return member.value, member.end
    if not inner:
        raise SettingsError(f"there is no {step!r} in {reached}, which has no members")
    if isinstance(inner[0].name, int):
        raise SettingsError(f"there is no {step!r} in {reached}: it has the items 0 to {len(inner) - 1}")
    names = ", ".join(str(member.name)[:40] for member in inner[:_MOST_NAMES])
    more = f" and {len(inner) - _MOST_NAMES} more" if len(inner) > _MOST_NAMES else ""
    raise SettingsError(f"there is no {step!r} in {reached}: it has {names}{more}")


def _skipped(text: str, at: int) -> int:
    match = _BLANK.match(text, at)
    return match.end() if match else at
