from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contextprune.context import Context, Kind, Segment, Span
from contextprune.splitting import split
from contextprune.text.failures import FAILURE, failing, fails
from tests import tool_outputs as outputs

PIECES = (
    "ERROR", "Error:", "FooError", "Exception:", "[1]", "exit code 1", "Exit status: 3", "exited with code 2",
    "5 failed", "0 failed", "12 errors", "fatal error:", "npm ERR!", "FAIL:", "FAILED", "Tests failed", "panic:",
    "Traceback (most recent call last)", "No such file or directory", "x: command not found", "Permission denied",
    "returned non-zero", "available", "mirror", "a", "_", ":", " ", "\n", "\r",
)  # fmt: skip
"""What failures are made of, and what only looks like it."""


def failed_lines(text: str, kind: Kind = Kind.TOOL_RESULT) -> list[str]:
    context = Context((Segment(Kind.USER, "ERROR: mine", ("u",)), Segment(kind, text, ("r",))))
    spans: list[Span] = split(context)
    return [spans[i].text for i in sorted(failing(context, spans))]


@pytest.mark.parametrize(
    "line",
    [
        "Traceback (most recent call last):",
        "KeyError: 'missing'",
        "2026-01-01 12:00:00 ERROR connection lost",
        "error: expected `;`",
        "error[E0382]: use of moved value",
        "tests/test_a.py::test_b FAILED",
        "==== 2 failed, 30 passed in 1.2s ====",
        "bash: foo: command not found",
        "cat: a.txt: No such file or directory",
        "Process exited with code 2",
        "exit status: 137",
        '"exit_code": 1',
        "npm ERR! code ELIFECYCLE",
        "panic: runtime error",
        "Segmentation fault (core dumped)",
        "java.lang.NullPointerException: null",
        "make: *** [all] Error: 2",
        "Permission denied (publickey)",
    ],
)
def test_failures_are_found(line: str) -> None:
    assert FAILURE.search(line)


@pytest.mark.parametrize(
    "line",
    [
        "0 failed, 32 passed",
        "0 errors, 0 warnings",
        "exit code 0",
        "Process exited with code 0",
        "no error here",
        "the errors are handled by the caller",
        "ErrorBoundary renders its children",
        "class ParserErrors:",
        "terror and mirror",
    ],
)
def test_what_only_sounds_like_a_failure_is_none(line: str) -> None:
    assert FAILURE.search(line) is None


def test_only_results_of_tools_fail() -> None:
    text = outputs.log(10, 0) + "FATAL: gone\n"
    assert "FATAL: gone\n" in "".join(failed_lines(text))
    assert failed_lines(text, Kind.DOCUMENT) == []
    assert failed_lines(text, Kind.ASSISTANT) == []


def test_a_log_line_that_begins_with_the_time_is_no_numbered_line() -> None:
    text = "".join(f"12:00:{i:02} all is well here\n" for i in range(30)) + "12:01:00 ERROR connection lost\n"
    assert "ERROR connection lost" in "".join(failed_lines(text))


def test_source_code_that_raises_errors_has_not_failed() -> None:
    assert failed_lines(outputs.numbered(20, 1)) == []
    assert failed_lines(outputs.code(20, 1)) == []
    assert failed_lines(outputs.diff(20, 1).replace("return", "raise ValueError: FAILED")) == []


def test_the_span_that_holds_a_failure_counts_wherever_in_it_that_stands() -> None:
    (line,) = failed_lines("all is well here\n" * 50 + "and then: command not found\n" + "all is well here\n" * 50)
    assert "command not found" in line


@pytest.mark.parametrize(
    "text", ["all is well", "ok\n1 failed in 2s", "Process exited with code 0", "exit code: 3", "5 errors"]
)
def test_a_text_fails_where_the_expression_finds_something_in_it(text: str) -> None:
    assert fails(text) == (FAILURE.search(text) is not None)


@given(st.lists(st.sampled_from(PIECES), max_size=8).map("".join))
def test_a_text_fails_where_the_expression_finds_a_failure_in_it(text: str) -> None:
    assert fails(text) == (FAILURE.search(text) is not None)
