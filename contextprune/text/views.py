"""Views of files and diffs: text that the next edit may have to quote to the letter, so that it is shortened last.

A view is known by the call that asked for it, or by its look: source code, a diff, or lines with their numbers. A log
or a file of data is none, whatever printed it. Every expression is linear in its text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from contextprune.context import Span, Syntax
from contextprune.text.calls import shown_by
from contextprune.text.file_kinds import holds_logs_or_data, is_log
from contextprune.text.numbered import numbered_share

NUMBERED = re.compile(r"\s{0,8}\d{1,7}(?:[|\t]|:(?!\d\d\b))")
"""A line with its number before it, as views of files print it; a time of day is none."""

_FINDING = re.compile(r"\s{0,8}\d{1,7}:\d{1,5}[ \t]{2,}\S")
"""A line of a linter: the place in a file that its report names above, and what is wrong there."""

_CODE = frozenset({Syntax.HASH_CODE, Syntax.SLASH_CODE, Syntax.DASH_CODE, Syntax.DIFF})


def is_view(call: str, tool: str | None, text: str | None = None) -> bool:
    """Whether a call of `tool` with the arguments `call` shows a file or a diff.

    text   what it printed: logs and data are none, though a file held them; None: the call alone tells
    """
    shown = shown_by(tool, call)
    if shown is None or text is None:
        return shown is not None
    return not holds_logs_or_data(shown.paths, text, only_files=shown.only_files)


def is_code(span: Span) -> bool:
    """Whether `span` is source code, a diff, or a numbered line of a file view."""
    return span.syntax in _CODE or NUMBERED.match(span.text) is not None


def looks_like_view(text: str, spans: Sequence[Span]) -> bool:
    """Whether at least half of the characters of `text`, cut into `spans`, are code or stand in numbered lines."""
    lines = (span for span in spans if is_code(span) and not _FINDING.match(span.text))
    code = 2 * sum(len(span.text) for span in lines) >= len(text)
    return (code or numbered_share(text) >= 0.5) and not is_log(text)


def without_number(text: str) -> str:
    """The text of a line without the number before it and the blanks around it: what two views of a file share."""
    numbered = NUMBERED.match(text)
    return (text[numbered.end() :] if numbered else text).strip()
