"""The part of an original that is asked for: whole lines, verbatim."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contextprune.errors import SettingsError
from contextprune.storage.excerpt import recall_text

TEXTS = st.text(st.characters(), max_size=200)


TEXT = "alpha one\nBeta two\r\x0bstill two\ngamma three\n\ndelta ONE"


@pytest.mark.parametrize(
    ("query", "lines", "expected"),
    [
        (None, None, TEXT),
        (None, "1", "alpha one\n"),
        (None, "2", "Beta two\r\x0bstill two\n"),
        (None, "1-2, 5", "alpha one\nBeta two\r\x0bstill two\n…\ndelta ONE"),
        (None, "5,1-2,2-3", "alpha one\nBeta two\r\x0bstill two\ngamma three\n…\ndelta ONE"),
        (None, "3-999999999", "gamma three\n\ndelta ONE"),
        (None, "77", ""),
        ("one", None, "alpha one\n…\ndelta ONE"),
        ("two BETA", None, "Beta two\r\x0bstill two\n"),
        ("absent", None, ""),
        ("one", "3-5", "delta ONE"),
        ("  ", None, TEXT),
    ],
)
def test_recall_gives_the_part_asked_for(query: str | None, lines: str | None, expected: str) -> None:
    assert recall_text(TEXT, query, lines) == expected


@given(text=TEXTS)
def test_all_the_lines_are_the_text(text: str) -> None:
    assert recall_text(text, lines="1-999999999") == text
    assert recall_text(text, query="") == text


@pytest.mark.parametrize("lines", ["", "0", "0-3", "5-2", "a", "1-", "-3", "1,,2", "1.5"])
def test_lines_that_are_no_line_numbers_are_refused(lines: str) -> None:
    with pytest.raises(SettingsError, match="counted from 1"):
        recall_text(TEXT, lines=lines)


def rows(path: Path) -> int:
    connection = sqlite3.connect(path)
    (count,) = connection.execute("SELECT count(*) FROM originals").fetchone()
    connection.close()
    return int(count)


def notes(*numbers: int, size: int = 8) -> dict[bytes, bytes]:
    """Values that cannot be compressed, by key."""
    return {b"key %d" % number: os.urandom(size) for number in numbers}


def counted(path: Path) -> tuple[int, ...]:
    """How many notes there are and their size, as the file counts them."""
    return tuple(n for (n,) in asked(path, "SELECT value FROM meta WHERE name LIKE 'notes%' ORDER BY name"))


def asked(path: Path, question: str) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(path)
    rows = connection.execute(question).fetchall()
    connection.close()
    return rows
