from __future__ import annotations

import pytest
from hypothesis import given

from contextprune.text.identifiers import identifiers, is_identifier, words
from tests.strategies import nasty


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("see src/app/models.py, line 1042.", ["src/app/models.py", "1042"]),
        ("parse_args calls fooBar and HTTPServer", ["parse_args", "fooBar", "HTTPServer"]),
        ("mail a@b.org about v1.2.3", ["a@b.org", "v1.2.3"]),
        ("plain Words and SHOUTED ones", []),
        ("abc a1 7", []),
        ("-rf --name-only ...", []),
        ("0xdeadbeef deadbeef-12", ["0xdeadbeef", "deadbeef-12"]),
        ("foo_bar, foo_bar", ["foo_bar", "foo_bar"]),
        ("Zürich_3 größe", ["Zürich_3"]),
    ],
)
def test_identifiers_are_what_an_agent_would_copy(text: str, found: list[str]) -> None:
    assert list(identifiers(text)) == found


@given(nasty())
def test_identifiers_stand_in_their_text_in_order(text: str) -> None:
    at = 0
    for token in identifiers(text):
        at = text.index(token, at)
        assert len(token) >= 4
        assert is_identifier(token)


@pytest.mark.parametrize("word", ["fooBar", "foo_bar", "FooBar"])
def test_the_parts_of_compound_names_meet(word: str) -> None:
    assert {"foo", "bar", word.lower()} <= set(words(word))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The cat", ["the", "cat"]),
        ("HTTPServer", ["httpserver", "http", "server"]),
        ("utf8", ["utf8", "utf", "8"]),
        ("SHOUTED", ["shouted"]),
        ("", []),
        ("שלום 你好", ["שלום", "你好"]),
    ],
)
def test_words_are_lower_case_with_their_parts(text: str, found: list[str]) -> None:
    assert words(text) == found
