"""What counts as a failure line. Law 14 (errors are never lost) and the safety figures of the benchmark share it.

Precise rather than broad: source code that merely mentions errors must not count, or a file view would eat the budget.
Every expression is a plain alternation without nested repetition, so it is linear in the line's length.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from contextprune.context import Context, Kind, Span, Syntax

FAILURE = re.compile(
    r"Traceback \(most recent call last\)"
    r"|\b(?:ERROR|FATAL|CRITICAL|PANIC|FAILED|FAILURES?|SEVERE)\b"
    r"|\b[A-Z]\w{0,60}(?:Error|Exception)\b(?=:|$)"
    r"|\b(?:[Ff]atal )?[Ee]rror(?:\[\w{1,16}\])?:"
    r"|\bpanic:|\bAborted\b|\bSegmentation fault\b|\bcore dumped\b|\bUnhandled\b|\bFAIL:|\b[1-9]\d{0,6} (?:failed|errors?)\b"
    r"|: command not found|No such file or directory|\bPermission denied\b|\bcannot access\b"
    r"|\b[Ee]xit(?:ed)?(?: with)?(?: code| status|code|_code)?[\"']?[ :=]{1,3}[1-9]\d{0,3}\b"
    r"|\bnon-zero exit\b|\breturned? (?:a )?non-zero\b|\bnpm ERR!|\bBUILD FAILED\b|\bTest(?:s)? failed\b",
    re.MULTILINE,
)
"""Text that marks a failure in a log, a test run, a shell transcript or a tool's answer."""


NUMBERED = re.compile(r"\s{0,8}\d{1,7}[:|\t]")
"""A line with its number before it, as views of files print it."""

_CODE = frozenset({Syntax.HASH_CODE, Syntax.SLASH_CODE, Syntax.DASH_CODE, Syntax.DIFF})


def is_code(span: Span) -> bool:
    """Whether `span` is source code, a diff, or a numbered line of a file view."""
    return span.syntax in _CODE or NUMBERED.match(span.text) is not None


def failing(context: Context, spans: Sequence[Span]) -> set[int]:
    """Indices of the spans that are failure lines of a tool's result; source code that mentions errors is none.

    Each text is scanned once, whatever the number of its spans.
    """
    found = set()
    firsts: dict[int, int] = {}
    for i, span in enumerate(spans):
        firsts.setdefault(span.segment, i)
    for segment, first in firsts.items():
        if context.segments[segment].kind is not Kind.TOOL_RESULT:
            continue
        i = first
        for failure in FAILURE.finditer(context.segments[segment].text):
            while spans[i].end <= failure.start():
                i += 1
            if not is_code(spans[i]):
                found.add(i)
    return found
