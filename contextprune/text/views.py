"""Views of files and diffs: text that the next edit may have to quote to the letter, so that it is shortened last.

A view is known by the call that asked for it, or by its look: source code, a diff, or lines with their numbers.
Every expression is linear in its text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from contextprune.context import Span, Syntax

NUMBERED = re.compile(r"\s{0,8}\d{1,7}(?:[|\t]|:(?!\d\d\b))")
"""A line with its number before it, as views of files print it; a time of day is none."""

_CODE = frozenset({Syntax.HASH_CODE, Syntax.SLASH_CODE, Syntax.DASH_CODE, Syntax.DIFF})
_VIEWERS = re.compile(
    r"(?i)(?:[\w.-]*__)?(?:read|view|open|cat|show|get)(?:_?(?:file|text_?file|source|code|lines|diff|notebook))?s?"
    r"|(?:[\w.-]*__)?file_?(?:read|view)(?:er)?|str_replace_(?:based_)?edit(?:or)?(?:_tool)?|goto|scroll_(?:up|down)"
)
_READS = re.compile(r"""(?:^|["';&(]|\\n|\n|&&)\s*(?:sudo )?(?:cat|nl|bat|less|head|tail|sed -n|git (?:diff|show))\s""")


def is_view(call: str, tool: str | None) -> bool:
    """Whether a call of `tool` with the arguments `call` shows a file or a diff."""
    return (tool is not None and _VIEWERS.fullmatch(tool) is not None) or _READS.search(call) is not None


def is_code(span: Span) -> bool:
    """Whether `span` is source code, a diff, or a numbered line of a file view."""
    return span.syntax in _CODE or NUMBERED.match(span.text) is not None


def looks_like_view(text: str, spans: Sequence[Span]) -> bool:
    """Whether at least half of the characters of `text`, cut into `spans`, are code."""
    return 2 * sum(len(span.text) for span in spans if is_code(span)) >= len(text)


def without_number(text: str) -> str:
    """The text of a line without the number before it and the blanks around it: what two views of a file share."""
    numbered = NUMBERED.match(text)
    return (text[numbered.end() :] if numbered else text).strip()
