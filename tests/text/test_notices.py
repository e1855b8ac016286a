from __future__ import annotations

import pytest

from contextprune.context import Context, Kind, Segment
from contextprune.splitting import split
from contextprune.text.notices import is_notice, notices
from tests.growth import assert_linear


@pytest.mark.parametrize(
    "line",
    [
        # Claude Code
        "<persisted-output>Output too large (52.3KB). Full output saved to: /tmp/results/b1.txt",
        "Command timed out after 2m 0.0s",
        "... [120 lines truncated] ...",
        "Exit code 1",
        "(Results are truncated. Consider using a more specific path or pattern.)",
        "Command running in background with ID: b12",
        "Shell cwd was reset to /srv/shop",
        # Codex
        "Total output lines: 512",
        "[... omitted 312 of 512 lines ...]",
        "…312 tokens truncated…",
        "Process exited with code 1",
        "Process running with session ID 3",
        # opencode
        "...12 lines truncated...",
        "The tool call succeeded but the output was truncated. Full output saved to: /tmp/tool_1",
        "(File has more lines. Use 'offset' parameter to read beyond line 2000)",
        "bash tool terminated command after exceeding timeout 120000 ms",
        # Cline and Roo Code
        "Command is still running in the user's terminal.",
        "Command executed with exit code 1",
        "[...4,321 characters omitted...]",
        # SWE-agent, mini-SWE-agent and OpenHands
        "<response clipped>",
        "<returncode>1</returncode>",
        "1234 characters elided",
        "[The command completed with exit code 1.]",
        "[... Observation truncated due to length ...]",
        # Gemini CLI and goose
        "Output too large. Showing first 20 and last 80 lines. For full output see: /tmp/out.txt",
        "private note: output was 400 lines and we only show the most recent lines, remainder of lines in /tmp/x",
        "[Process exited with code 137]",
    ],
)
def test_a_notice_is_known(line: str) -> None:
    assert is_notice(line)


@pytest.mark.parametrize(
    "line",
    [
        "GET /v1/items 200 in 12 ms", "tests/test_a.py::test_x PASSED", "3 skipped, 10 passed", "def truncated(x):",
        "test result: ok. 3 passed; 0 failed", "10 packages are looking for funding", "the process of things",
        "2026-11-30 INFO worker finished job 12", "added 12 packages, removed 3 packages", "(12 rows)",
    ],
)  # fmt: skip
def test_what_a_program_prints_is_none(line: str) -> None:
    assert not is_notice(line)


def noticed(text: str) -> list[str]:
    context = Context((Segment(Kind.TOOL_RESULT, text, ("r",)),))
    spans = split(context)
    return [spans[i].text.strip() for i in sorted(notices(context, spans))]


def test_a_notice_is_found_at_the_ends_and_in_the_middle() -> None:
    rows = [f"2026-11-30 10:00:{i % 60:02} INFO item {i} went on its way" for i in range(200)]
    rows[100] = "[... 300 lines omitted ...]"
    text = "\n".join(["Exit code 1", *rows, "Full output saved to: /tmp/out.txt"]) + "\n"
    assert noticed(text) == ["Exit code 1", "[... 300 lines omitted ...]", "Full output saved to: /tmp/out.txt"]


def test_of_hundreds_that_look_like_notices_a_few_stay() -> None:
    rows = [f"[{i + 1} lines omitted]" for i in range(300)]
    assert 0 < len(noticed("\n".join(rows) + "\n")) <= 8


@pytest.mark.parametrize("unit", ["[1 ", "omitted\n", "1 omitted ", "exit ", "truncated", "full output ", "<.… "])
def test_looking_for_notices_is_linear(unit: str) -> None:
    def count(text: str) -> int:
        context = Context((Segment(Kind.TOOL_RESULT, text, ("r",)),))
        return len(notices(context, split(context)))

    assert assert_linear(count, lambda size: unit * size, 5_000) <= 8
