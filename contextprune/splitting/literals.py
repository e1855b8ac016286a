"""Cut the inside of a JSON string literal, never within an escape sequence or a pair of surrogate escapes."""

from __future__ import annotations

import re

_LIMIT = 400  # characters of one piece

# Escaped line ends and sentence ends; the last two alternatives only consume escapes, which must not be misread.
_PIECE_END = re.compile(
    r"(?P<line>\\n(?:\\[nr])*+)"
    r"""|(?P<stop>[.!?](?:\\"|['”’)])?[ ]|[。！？]|\\u(?:3002|[fF][fF]01|[fF][fF]1[fF]))"""  # noqa: RUF001
    r"|\\u[0-9a-fA-F]{4}|\\[\s\S]"
)
_ATOM = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\[\s\S]"
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


def _append_ends(ends: list[int], text: str, start: int, end: int) -> None:
    if end - start > _LIMIT:
        last = start
        for atom in _ATOM.finditer(text, start, end):
            if atom.end() - start > _LIMIT and last > start:
                ends.append(last)
                start = last
            last = atom.end()
    ends.append(end)
