"""Command lines fall into pipelines, programs and words as a shell would read them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contextprune.text import shell
from contextprune.text.shell import name_of, pipelines, program
from tests.growth import assert_linear


@pytest.mark.parametrize(
    ("command", "read"),
    [
        ("a b c", [[["a", "b", "c"]]]),
        ("a 'b c' \"d e\" f\\ g", [[["a", "b c", "d e", "f g"]]]),
        ("a | b; c && d || e & f", [[["a"], ["b"]], [["c"]], [["d"]], [["e"]], [["f"]]]),
        ("a \\\n b # not c\nd", [[["a", "b"]], [["d"]]]),
        ("a 2>&1 >/dev/null\nb 2>err", [[["b"]]]),
        ("a <<X\nb\nX\nc", [[["a", "b\nX"]], [["c"]]]),
        ("(a; b)", [[["a"]], [["b"]]]),
        ('a "b \\"c\\" $(d e)"', [[["a", 'b "c" $(d e)']]]),
        ('a "unclosed', [[["a", "unclosed"]]]),
        ("", []),
    ],
)
def test_a_line_falls_into_programs_and_words(command: str, read: list[list[list[str]]]) -> None:
    assert list(pipelines(command)) == read


def test_the_program_stands_behind_keywords_and_assignments() -> None:
    assert program(["if", "!", "X=1", "/usr/bin/Cat", "a"]) == ("cat", ["a"])
    assert program(["X=1"]) is None


def test_a_program_has_neither_folder_nor_suffix() -> None:
    assert name_of("C:\\bin\\Git.exe") == "git"


@given(st.text(alphabet="ab \n'\"`$(){}<>|;&\\#", max_size=200))
def test_any_text_falls_into_words_that_stand_in_it(command: str) -> None:
    letters = sum(map(len, (word for pipeline in pipelines(command) for words in pipeline for word in words)))
    assert letters <= len(command)


@pytest.mark.parametrize("unit", ["\"'`$(", '"\\"', "$(", "cat <<A\n", "a#", "cat a;", '"$(x', "bash -c '", ">", "\\"])
def test_time_grows_with_the_length_alone(unit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shell, "LONGEST", 10**9)
    read = assert_linear(lambda text: list(pipelines(text)), lambda size: unit * (size // len(unit)), 20_000)
    assert isinstance(read, list)
