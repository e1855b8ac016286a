"""What counts as a failure line. Law 14 (errors are never lost) and the safety figures of the benchmark share it.

Precise rather than broad: source code that merely mentions errors must not count, or a file view would eat the budget.
Every expression is a plain alternation without nested repetition, so it is linear in the line's length.
"""

from __future__ import annotations

import re

FAILURE = re.compile(
    r"Traceback \(most recent call last\)"
    r"|\b(?:ERROR|FATAL|CRITICAL|PANIC|FAILED|FAILURES?|SEVERE)\b"
    r"|\b[A-Z]\w{0,60}(?:Error|Exception)\b(?=:|$)"
    r"|\b(?:[Ff]atal )?[Ee]rror(?:\[\w{1,16}\])?:"
    r"|\bpanic:|\bAborted\b|\bSegmentation fault\b|\bcore dumped\b|\bUnhandled\b|\bFAIL:|\b[1-9]\d{0,6} (?:failed|errors?)\b"
    r"|: command not found|No such file or directory|\bPermission denied\b|\bcannot access\b"
    r"|\b[Ee]xit(?:ed)?(?: with)?(?: code| status|code|_code)?[\"']?[ :=]{1,3}[1-9]\d{0,3}\b"
    r"|\bnon-zero exit\b|\breturned? (?:a )?non-zero\b|\bnpm ERR!|\bBUILD FAILED\b|\bTest(?:s)? failed\b"
)
"""Text that marks a failure in a log, a test run, a shell transcript or a tool's answer."""

_HINTS = ("rror", "RROR", "ail", "AIL", "xcept", "raceback", "atal", "ATAL", "anic", "ANIC", "xit", "bort", "not found",
          "No such", "denied", "CRITICAL", "SEVERE", "egmentation", "dumped", "Unhandled", "ERR!", "non-zero", "cannot")  # fmt: skip


def is_failure(text: str) -> bool:
    """Whether `text` reports a failure."""
    return any(hint in text for hint in _HINTS) and FAILURE.search(text) is not None
