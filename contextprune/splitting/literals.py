"""Cut the inside of a JSON string literal, never within an escape sequence or a pair of surrogate escapes.

Tools wrap what a command printed into an object: such a string is cut as the text that it spells.
"""

from __future__ import annotations

import json
import re
from ast import literal_eval
from collections.abc import Callable, Sequence

from contextprune.context import Cut, Syntax

_LIMIT = 400  # characters of one piece
_LINES = 3  # line ends of a string that is cut as the text that it spells
_ESCAPE = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}"
    r"|\\x[0-9a-fA-F]{2}|\\U[0-9a-fA-F]{8}|\\[\s\S]"  # two of Python
)  # each spells one character

# Escaped line ends and sentence ends; the last two alternatives only consume escapes, which must not be misread.
_PIECE_END = re.compile(
    r"(?P<line>\\n(?:\\[nr])*+)"
    r"""|(?P<stop>[.!?](?:\\"|['”’)])?[ ]|[。！？]|\\u(?:3002|[fF][fF]01|[fF][fF]1[fF]))"""  # noqa: RUF001
    r"|\\u[0-9a-fA-F]{4}|\\[\s\S]"
)
_ATOM = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}"
    r"|\\x[0-9a-fA-F]{2}|\\U[0-9a-fA-F]{8}|\\[\s\S]"
    r"|[!-\[\]-~]++\s?|[^\\\s!-~]{1,20}\s?|\s{1,100}"  # no word, address or base64 is torn
)


def literal_pieces(text: str, start: int, end: int) -> list[int]:
    """Ends of the pieces of the content `text[start:end]` (without its quotes) of a JSON string; the last is `end`."""
    ends: list[int] = []
    for match in _PIECE_END.finditer(text, start, end):
        if match.lastgroup:
            _append_ends(ends, text, start, match.end())
            start = match.end()
    if start < end:
        _append_ends(ends, text, start, end)
    return ends


def cut_spelled(text: str, start: int, end: int, cut: Callable[[str], Sequence[Cut]]) -> list[Cut] | None:
    """The cuts of the content `text[start:end]` of a JSON string, made by `cut` in the text that it spells.

    None where it spells fewer than three lines, or nothing that JSON allows, or Python where it has single quotes.
    """
    if text.count("\\n", start, end) < _LINES:
        return None
    literal = text[start - 1 : end + 1]
    try:
        spelled = literal_eval(literal) if literal[0] == "'" else json.loads(literal, strict=False)
    except (ValueError, SyntaxError):
        return None

    cuts: list[Cut] = []
    escapes = _ESCAPE.finditer(text, start, end)
    escape = next(escapes, None)
    raw, plain = start, 0  # the same place in the literal and in what it spells
    for each in cut(spelled):
        begin = cuts[-1].end if cuts else start
        while escape is not None and plain + escape.start() - raw < each.end:
            plain, raw = plain + escape.start() - raw + 1, escape.end()
            escape = next(escapes, None)
        cuts.append(each._replace(start=begin, end=raw + each.end - plain, syntax=Syntax.JSON_STRING))
    return cuts


def _append_ends(ends: list[int], text: str, start: int, end: int) -> None:
    if end - start > _LIMIT:
        last = start
        for atom in _ATOM.finditer(text, start, end):
            if atom.end() - start > _LIMIT and last > start:
                ends.append(last)
                start = last
            last = atom.end()
    ends.append(end)
