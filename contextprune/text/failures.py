"""Failure lines of tool results. Law 14 (errors are never lost) and the safety figures of the benchmark share them.

Precise rather than broad: source code that merely mentions errors must not count, or a file view would eat the budget.
Every expression is a plain alternation without nested repetition, so it is linear in the line's length.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence

from contextprune.context import Context, Kind, Span
from contextprune.text.views import is_code

FAILURE = re.compile(
    r"Traceback \(most recent call last\)"
    r"|\b(?:ERROR|FATAL|CRITICAL|PANIC|FAILED|FAILURES?|SEVERE)\b"
    r"|\b[A-Z]\w{0,60}(?:Error|Exception)\b(?=:|$)"
    r"|\b(?:[Ff]atal )?[Ee]rror(?:\[\w{1,16}\])?:"
    r"|\bpanic:|\bAborted\b|\bSegmentation fault\b|\bcore dumped\b|\bUnhandled\b|\bFAIL:"
    r"|\b[1-9]\d{0,6} (?:failed|errors?)\b"
    r"|: command not found|No such file or directory|\bPermission denied\b|\bcannot access\b"
    r"|\b[Ee]xit(?:ed)?(?: with)?(?: code| status|code|_code)?[\"']?[ :=]{1,3}[1-9]\d{0,3}\b"
    r"|\bnon-zero exit\b|\breturned? (?:a )?non-zero\b|\bnpm ERR!|\bBUILD FAILED\b|\bTest(?:s)? failed\b",
    re.MULTILINE,
)
"""Text that marks a failure in a log, a test run, a shell transcript or a tool's answer."""


_HINTS = (
    "Traceback (most", "ERROR", "FATAL", "CRITICAL", "PANIC", "FAIL", "SEVERE", "rror", "Exception", "panic:",
    "Aborted", "Segmentation fault", "core dumped", "Unhandled", "failed", ": command not found", "No such file",
    "Permission denied", "cannot access", "exit", "Exit", "non-zero", "npm ERR!",
)  # fmt: skip
"""One of these stands in every match of FAILURE; finding them first is a hundred times quicker. None is a part of
common words, such as "ail" of "available", or large results of one line would be searched in full."""


def failing(context: Context, spans: Sequence[Span]) -> set[int]:
    """Indices of the spans that are failure lines of a tool's result; source code that mentions errors is none."""
    firsts: dict[int, int] = {}
    ends: dict[int, int] = {}
    for i, span in enumerate(spans):
        firsts.setdefault(span.segment, i)
        ends[span.segment] = i + 1
    suspects: set[int] = set()
    for segment, first in firsts.items():
        if context.segments[segment].kind is Kind.TOOL_RESULT:
            starts = [spans[i].start for i in range(first, ends[segment])]
            hits = _hints(context.segments[segment].text)
            suspects.update(first + bisect_right(starts, offset) - 1 for offset in hits)
    return {i for i in suspects if not is_code(spans[i]) and FAILURE.search(spans[i].text)}


def fails(text: str) -> bool:
    """Whether anything in `text` looks like a failure, source code that mentions one included."""
    searched: set[int] = set()  # starts of lines
    for at in _hints(text):
        start = text.rfind("\n", 0, at) + 1
        if start not in searched:  # no failure goes beyond its line, and few lines hold a hint
            searched.add(start)
            end = text.find("\n", at)
            if FAILURE.search(text[start : len(text) if end < 0 else end]):
                return True
    return False


def _hints(text: str) -> Iterator[int]:
    """Offsets of all hints in `text`."""
    for hint in _HINTS:
        at = text.find(hint)
        while at >= 0:
            yield at
            at = text.find(hint, at + 1)
