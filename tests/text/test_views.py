"""Views of files are known by the call that asked for them, or by their look."""

from __future__ import annotations

import pytest

from contextprune.context import Context, Kind, Segment, Span, Syntax, Unit
from contextprune.splitting import split
from contextprune.text.views import is_code, is_view, looks_like_view, without_number
from tests import tool_outputs as outputs


@pytest.mark.parametrize("tool", ["read", "read_file", "view", "cat", "open_files", "mcp__fs__read_text_file", "goto"])
def test_tools_that_show_files_give_views(tool: str) -> None:
    assert is_view("{}", tool)


@pytest.mark.parametrize("tool", ["reader_survey", "search", "list_files", "bash", "read_email", None])
def test_other_tools_do_not(tool: str | None) -> None:
    assert not is_view("{}", tool)


@pytest.mark.parametrize(
    ("command", "view"),
    [
        ("cat a.py", True),
        ("cd src && sed -n 1,9p a.py", True),
        ("sudo head -50 /etc/hosts", True),
        ("ls; git diff HEAD", True),
        ("git log", False),
        ("concat a b", False),
        ("sed -i s/a/b/ a.py", False),
        ("python -c 'print(1)'", False),
    ],
)
def test_commands_that_show_files_give_views(command: str, view: bool) -> None:
    assert is_view(f'{{"command": "{command}"}}', "bash") == view
    assert is_view(command, "bash") == view


@pytest.mark.parametrize(
    ("text", "syntax", "code"),
    [
        ("    12\tx = 1\n", Syntax.LINES, True),
        ("12: x = 1\n", Syntax.LINES, True),
        ("x = 1\n", Syntax.HASH_CODE, True),
        ("+x\n", Syntax.DIFF, True),
        ("12 apples\n", Syntax.LINES, False),
        ("12:00:01 ERROR gone\n", Syntax.LINES, False),
    ],
)
def test_code_is_told_by_its_syntax_or_its_line_numbers(text: str, syntax: Syntax, code: bool) -> None:
    assert is_code(Span(0, 0, len(text), Unit.LINE, text, syntax)) is code


@pytest.mark.parametrize(
    ("text", "view"),
    [
        (outputs.numbered(40, 1), True),
        (outputs.code(40, 1), True),
        (outputs.diff(40, 1), True),
        (outputs.log(40, 1), False),
        (outputs.prose(40, 1), False),
        ("one line of talk, as long as the code\n" + "12\tx = 1 # as long as the line of talk\n", True),
        ("two lines of talk, longer than the code is\n" + "12\tx = 1\n", False),
    ],
)
def test_a_block_looks_like_a_view_where_half_of_it_is_code(text: str, view: bool) -> None:
    context = Context((Segment(Kind.TOOL_RESULT, text, ()),))
    assert looks_like_view(text, split(context)) is view


@pytest.mark.parametrize(
    ("text", "body"),
    [
        ("    12\tx = 1\n", "x = 1"),
        ("340|    return x\n", "return x"),
        ("  x = 1\n", "x = 1"),
        ("12:00:01 gone\n", "12:00:01 gone"),
        ("12 apples", "12 apples"),
    ],
)
def test_a_line_without_its_number_is_what_the_file_holds(text: str, body: str) -> None:
    assert without_number(text) == body


@pytest.mark.parametrize(
    "row", ["  {i}:5  error  Unexpected var  no-var", "{i}:1       warning  too long  (line-length)"]
)
def test_findings_with_their_places_are_no_view_of_a_file(row: str) -> None:
    text = "src/a.js\n" + "".join(f"{row.format(i=i)}\n" for i in range(1, 40))
    context = Context((Segment(Kind.TOOL_RESULT, text, ("r",)),))
    assert not looks_like_view(text, split(context))
