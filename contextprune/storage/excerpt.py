"""The part of an original that a recall asks for: verbatim, bounded, with the way to what was left off.

Every door gives its answers out of here. Whoever follows the last lines of answers reaches each character of an
original, however it is written: one line of two megabytes, or no line at all.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from contextprune.storage.scope import MOST_WORDS, Scope, ranges_of, words_of

MOST_TOKENS = 8000
"""Tokens of one answer to a model, its last line included."""
SKIPPED = "…\n"
"""Stands where text between two parts of an answer is left out."""

_BYTES_A_TOKEN = 3  # of logs and code, low; a vocabulary takes a second to load, which not every process has
_FOR_THE_NOTE = 64  # tokens
_CHARS_A_TOKEN = 8  # at most: an answer of blanks has an end, too
_LONGEST_ARGUMENT = 100  # characters that are quoted


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A part of an original.

    text       verbatim runs of it, with a line `SKIPPED` between two that do not touch
    ranges     where these runs stand in it, in characters
    note       "", or lines for the model: what was left off, and how to ask for it; or that nothing matches
    remainder  the arguments that ask for what was left off, for a note of another form; None where all is told
    """

    text: str
    ranges: tuple[tuple[int, int], ...]
    note: str = ""
    remainder: Scope | None = None

    def __str__(self) -> str:
        """The text with its note as the last line."""
        return f"{self.text}{_line_end(self.text) if self.note else ''}{self.note}"


def excerpt(
    original: str, scope: Scope, max_tokens: int | None = MOST_TOKENS, count: Callable[[str], int] | None = None
) -> Excerpt:
    """What `scope` names of an original, at most `max_tokens` with the note; None sets no bound.

    count   tokens of a text; without it they are estimated by bytes, which suits logs and code

    Raises SettingsError for places that are none; its message says what there is.
    """
    ranges = ranges_of(original, scope)
    if not ranges:
        return Excerpt("", (), _nothing(original))
    text = _joined(original, ranges)
    unsought = _unsought_note(scope)
    count = count or estimated
    if max_tokens is None or _fits(text + unsought, max_tokens, count):
        return Excerpt(text, tuple(ranges), unsought)

    room = max(1, max_tokens - _FOR_THE_NOTE, max_tokens // 2)
    shown = _beginning(original, ranges, room, count)
    at = shown[-1][1]
    left = [(max(start, at), end) for start, end in ranges if end > at]
    if not left:  # the note alone was too much
        return Excerpt(text, tuple(ranges))
    remainder = _remainder(original, scope, left)
    note = "\n".join(filter(None, (unsought, _left_note(left, remainder))))
    return Excerpt(_joined(original, shown), tuple(shown), note, remainder)


def estimated(text: str) -> int:
    """About so many tokens, where no vocabulary is at hand."""
    return -(-len(text.encode("utf-8", "surrogatepass")) // _BYTES_A_TOKEN)


def _fits(text: str, room: int, count: Callable[[str], int]) -> bool:
    return len(text) <= _CHARS_A_TOKEN * room and count(text) <= room


def _beginning(
    original: str, ranges: Sequence[tuple[int, int]], room: int, count: Callable[[str], int]
) -> list[tuple[int, int]]:
    """As many characters of the ranges, from the first on, as have at most `room` tokens; at least one character."""
    length = min(_CHARS_A_TOKEN * room, sum(end - start for start, end in ranges))
    while True:
        shown = _first(ranges, length)
        tokens = count(_joined(original, shown))
        if tokens <= room or length == 1:
            break
        length = max(1, min(length - 1, length * room * 98 // (tokens * 100)))

    start, end = shown[-1]
    shown[-1] = start, _break(original, start, end)
    return shown


def _first(ranges: Sequence[tuple[int, int]], length: int) -> list[tuple[int, int]]:
    """The first `length` characters of ranges."""
    shown = []
    for start, end in ranges:
        shown.append((start, min(end, start + length)))
        length -= end - start
        if length <= 0:
            break
    return shown


def _break(text: str, start: int, end: int) -> int:
    """The best place to stop in the last quarter of text[start:end]: a line's end, that of a field, of a word."""
    if end == len(text):
        return end
    least = end - (end - start) // 4
    for mark in ("\n", "},", ", ", ",", " "):
        at = text.rfind(mark, least, end)
        if at >= 0:
            return at + len(mark)
    split_pair = "\ud800" <= text[end - 1] < "\udc00" and end - start > 1
    return end - 1 if split_pair else end


def _remainder(original: str, scope: Scope, left: Sequence[tuple[int, int]]) -> Scope:
    """The places that name what was left off: lines where it is whole lines, else characters of the same."""
    start, end = left[0][0], left[-1][1]
    if len(left) > 1:
        chars = f"{start + 1}-{end}" if scope.chars is None else ",".join(f"{s + 1}-{e}" for s, e in left)
        return replace(scope, chars=chars)
    opens_line = start == 0 or original[start - 1] == "\n"
    if opens_line and (end == len(original) or original[end - 1] == "\n"):
        first = original.count("\n", 0, start) + 1
        last = first + original.count("\n", start, end - 1)
        return Scope(lines=f"{first}-{last}" if last > first else f"{first}")
    return Scope(chars=f"{start + 1}-{end}")


def _left_note(left: Sequence[tuple[int, int]], remainder: Scope) -> str:
    size = sum(end - start for start, end in left)
    arguments = ", ".join(
        f"{name}={json.dumps(value, ensure_ascii=False)}" if len(value) <= _LONGEST_ARGUMENT else f"the same {name}"
        for name, value in remainder.arguments().items()
    )
    return f"[{size:,} more characters: ask with {arguments}]"


def _unsought_note(scope: Scope) -> str:
    words = len(words_of(scope.query))
    return f"[only the first {MOST_WORDS} of {words:,} words were looked for]" if words > MOST_WORDS else ""


def _nothing(original: str) -> str:
    if not original:
        return "The original is empty."
    lines = original.count("\n") + 1
    return f"No part of the original matches. It has {lines:,} line{'s'[: lines > 1]} and {len(original):,} characters."


def _joined(original: str, ranges: Sequence[tuple[int, int]]) -> str:
    pieces: list[str] = []
    for start, end in ranges:
        if pieces:
            pieces.append(_line_end(pieces[-1]) + SKIPPED)
        pieces.append(original[start:end])
    return "".join(pieces)


def _line_end(text: str) -> str:
    return "" if not text or text.endswith("\n") else "\n"
