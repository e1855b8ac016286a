from __future__ import annotations

from itertools import cycle, islice

import pytest

from contextprune.context import Context, Kind, Segment, Span
from contextprune.splitting import split
from contextprune.text.failure_lines import FEW, failure_lines, tells_failure
from tests.growth import assert_linear
from tests.text.failure_table import FAILURES, HARMLESS, PERHAPS

LINES = [(tool, line) for tool, lines in FAILURES.items() for line in lines]


def failed(text: str, kind: Kind = Kind.TOOL_RESULT) -> list[str]:
    context = Context((Segment(kind, text, ("r",)),))
    spans = split(context)
    return [spans[i].text.strip() for i in sorted(failure_lines(context, spans))]


@pytest.mark.parametrize(("tool", "line"), LINES)
def test_a_line_of_failure_is_known(tool: str, line: str) -> None:
    assert tells_failure(line), tool


def test_the_table_is_wide() -> None:
    assert len(LINES) >= 150
    assert len(FAILURES) >= 60
    assert len(HARMLESS) >= 40


@pytest.mark.parametrize("line", HARMLESS)
def test_what_only_looks_like_a_failure_is_none(line: str) -> None:
    assert tells_failure(line) is None


@pytest.mark.parametrize("line", PERHAPS)
def test_what_is_said_in_passing_may_be_a_failure(line: str) -> None:
    assert tells_failure(line) is False


@pytest.mark.parametrize(
    "prefix",
    [
        "api-1  | ", "#12 3.456 ", "2026-11-30T22:00:00.123Z ", "22:00:01 ", "\t", "    ",
        "Nov 30 22:00:01 host app[12]: ",
        "[web] ", "> ", "│ ", "build\tRun make\t2026-11-30T22:00:00.1Z ", "[   12.345678] ", "\x1b[31m",
        "\x1b[1;31m\x1b[40m",
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "line", ["not ok 7 - adds", "FAIL src/a.test.ts", "fatal: no such branch", "E   assert 1 == 2", "Killed"]
)
def test_what_a_runner_puts_before_a_line_hides_no_failure(prefix: str, line: str) -> None:
    assert tells_failure(prefix + line)


@pytest.mark.parametrize("line", ["0 errors", "ok 7 - fails on error", "import { FooError } from './errors'"])
@pytest.mark.parametrize("prefix", ["api-1  | ", "#12 3.456 ", "2026-11-30T22:00:00.123Z ", "\x1b[32m"])
def test_what_a_runner_puts_before_a_line_makes_no_failure(prefix: str, line: str) -> None:
    assert tells_failure(prefix + line) is None


def test_lines_that_may_tell_of_a_failure_count_where_they_are_few() -> None:
    quiet = [f"[{i}/200] cc -O2 -c src/file_{i}.c" for i in range(200)]
    few = [*quiet, "Could not find gem 'foo' in any of the sources"]
    many = [*quiet, *(f"Could not find gem 'foo{i}' in any of the sources" for i in range(FEW + 20))]
    assert failed("\n".join(few)) == ["Could not find gem 'foo' in any of the sources"]
    assert failed("\n".join(many)) == []


def test_a_failure_in_a_fence_is_one() -> None:
    text = "# Report\n\nThe build ran, and this came out.\n\n```\nbuilding app\nnpm error code ERESOLVE\n```\n"
    assert "npm error code ERESOLVE" in "".join(failed(text))


def test_a_failure_deep_in_a_long_line_is_found() -> None:
    line = "all is well, " * 300 + '"level":"error" ' + "all is well, " * 300
    assert len(failed(line)) == 1


def test_documents_do_not_fail() -> None:
    assert failed("error: no such file\n" * 3, Kind.DOCUMENT) == []


def test_source_code_does_not_fail() -> None:
    code = (
        "def load(path):\n    try:\n        return open(path)\n"
        "    except OSError as error:\n        raise ValueError('no such file') from error\n"
    )
    assert failed(code * 5) == []


@pytest.mark.parametrize(
    "unit",
    [
        "error ", "error\n", '"error": ', "AaError", "a.b.C: ", "\\u001b[31m", "ERROR ", "/a/b.c:1: ", "failed [",
        "\x1b[",
        "E   ", "[error", "exit code ", "1 failed ", "Aa.Ab.Ac.", "not found not ", "(((", "level=", "| | | ",
        "12:00:00 ",
    ],
)  # fmt: skip
def test_time_is_linear_in_the_text(unit: str) -> None:
    def make(size: int) -> tuple[Context, list[Span]]:
        context = Context((Segment(Kind.TOOL_RESULT, "".join(islice(cycle(unit), size)), ("r",)),))
        return context, split(context)

    assert_linear(lambda cut: failure_lines(*cut), make, 20_000)


@pytest.mark.parametrize("sign", ["", "++", "+ ", " "])
def test_a_conflict_of_two_sides_is_a_failure_in_source_and_in_diffs(sign: str) -> None:
    lines = ["<<<<<<< HEAD", "price = 3", "=======", "price = 9", ">>>>>>> summer"]
    source = "\n".join(f"length_{i} = {i}" for i in range(30))
    assert any("<<<<<<< HEAD" in text for text in failed(source + "\n" + "\n".join(sign + line for line in lines)))


def test_signs_inside_a_line_open_no_conflict() -> None:
    assert failed("read it here <<<<<<< and there\n" * 3) == []
