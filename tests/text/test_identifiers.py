from __future__ import annotations

import pytest
from hypothesis import given

from contextprune.text.identifiers import identifiers, is_identifier, names, words, words_in
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


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2026-11-30T22:43:31.4425250Z ##[group]Run actions/checkout@v4", ["actions/checkout@v4"]),
        ("22:43:31,805 INFO worker_3 took 1532ms, 40.04 kB, 12.5 MiB/s", ["worker_3"]),
        ("\x1b[33mrow_id\x1b[0m\x1b[1m________", ["row_id"]),
        (r"\u001b[94mfor\u001b[39;49;00m x_1 in \\nrows_2", ["rows_2"]),
        ("#00ff7f and #123456", ["123456"]),
        ("12.653 in 1000.25 of total_time, 5m32.105s", ["total_time"]),
        ('{"amount": 152.30, "version": "v1.24.3"}', ["152.30", "v1.24.3"]),
        ("built 10.4.2 on 2026-11-30", ["10.4.2", "2026-11-30"]),
        ("92.25% of 12,345 bytes; order 48001", ["48001"]),
        ("....____....", []),
    ],
)
def test_names_are_no_times_sizes_colours_or_rulers(text: str, found: list[str]) -> None:
    assert list(names(text)) == found


@pytest.mark.parametrize(
    "piece", ["1", "12:", "\x1b[", "\x1b[1;", "1.", "2026-11-30 ", "1h1m", "#a", "\\", "1,1,", "12:34:56.7 "]
)
def test_names_take_time_linear_in_the_text(piece: str) -> None:
    assert len(list(names(piece * (1_000_000 // len(piece))))) < 1_000_000


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
        ("हिन्दी में, লিঙ্কটি தமிழ்", ["हिन्दी", "में", "লিঙ্কটি", "தமிழ்"]),
        ("שלום 你好", ["你好", "שלום"]),
        ("港口城市", ["港口", "口城", "城市"]),
        ("สะพานเก่า fooBar", ["สะพ", "ะพา", "พาน", "านเ", "นเก", "เก่", "ก่า", "foobar", "foo", "bar"]),
    ],
)
def test_words_are_lower_case_with_their_parts(text: str, found: list[str]) -> None:
    assert words(text) == found


@pytest.mark.parametrize("more", [0, 300])
def test_words_are_found_in_identifiers_however_many_are_looked_for(more: int) -> None:
    tokens = ["src/user_service.py", "order_id", "UserOrders", "src/reorder.py", "a1b2c3"]
    looked_for = {"user", "order", "service", *(f"word{number}" for number in range(more))}
    assert words_in(tokens, looked_for) == {0: {"user", "service"}, 1: {"order"}, 2: {"user"}}
