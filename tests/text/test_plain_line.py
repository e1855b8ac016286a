from __future__ import annotations

import pytest

from contextprune.text.plain_line import plain_lines


@pytest.mark.parametrize(
    "line",
    [
        "api-1  | up", "#12 3.456 up", "2026-11-30T22:00:00.123Z up", "[2026-11-30 22:00:00] up",
        "22:00:01 up", "\t up",
        "Nov 30 22:00:01 host app[12]: up", "[web] up", "│ up", "build\tRun make\t2026-11-30T22:00:00.1Z up", "12\tup",
        "[   12.345678] up", "\x1b[31mup\x1b[0m",
        "\x1b[1;38;5;9mup", "\\u001b[31mup\\u001b[39m", "\x1b]8;;file:a\x07up",
    ],
)  # fmt: skip
def test_what_a_runner_puts_before_a_line_is_left_out(line: str) -> None:
    assert plain_lines(line) == ["up"]


@pytest.mark.parametrize("line", ["[ERROR] up", "[error] up", "[  FAILED  ] up", "12:5  error up", "3 up"])
def test_what_says_something_stays(line: str) -> None:
    assert plain_lines(line) == [line]


def test_escaped_line_ends_of_json_part_lines() -> None:
    assert plain_lines('"out": "first\\n\\tsecond \\"third\\""') == ['"out": "first', 'second "third""']


def test_redrawn_lines_are_lines() -> None:
    assert plain_lines("10 %\r20 %\rdone\r\n") == ["10 %", "20 %", "done"]
