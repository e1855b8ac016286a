"""The grammar of markers is read and written in one place."""

from __future__ import annotations

import pytest

from contextprune.markers import (
    END_KEEP,
    KEEP,
    KEY_SHAPE,
    kept_ranges,
    key_shapes,
    line_count,
    marker_ranges,
    recall_keys,
    recall_note,
    stands_for,
)

KEY = "abcdefgh2345"


def test_a_note_names_the_key_that_is_read_back() -> None:
    assert recall_keys(f"[3 lines cut{recall_note(KEY)}]") == [KEY]


def test_without_a_key_a_marker_names_none() -> None:
    assert recall_note("") == ""


def test_a_key_as_a_call_quotes_it_has_the_shape_of_one() -> None:
    assert KEY_SHAPE.findall(f'{{"key": "{KEY}", "lines": "1-9"}}') == [KEY]


def test_what_has_the_shape_of_a_key_is_one_inside_of_a_longer_word_too() -> None:
    assert list(key_shapes(f"{KEY} or x{KEY} but not {KEY[1:]}")) == [KEY, f"x{KEY[:-1]}", KEY]


def test_what_stands_between_the_marks_is_kept_with_them() -> None:
    text = f"a{KEEP}b{END_KEEP}c{KEEP}d"
    assert [text[start:end] for start, end in kept_ranges(text)] == [f"{KEEP}b{END_KEEP}", f"{KEEP}d"]


@pytest.mark.parametrize(("lines", "words"), [(1, "1 line"), (12, "12 lines")])
def test_lines_are_counted_in_words(lines: int, words: str) -> None:
    assert line_count(lines) == words


@pytest.mark.parametrize(
    "marker",
    [
        f"[lines 2-22 cut, recall={KEY} | 48001 48002]",
        "[line 24 cut]",
        "[lines 2-10 as above]",
        f"[12 sentences cut, recall={KEY}]",
        "[3 code blocks cut | src/app.py]",
        f'[10 items at 1 cut, recall={KEY}]": "setting_0 setting_1"',
        "[image as above, 2 back]",
        f"[image cut, 800x600, recall={KEY}]",
        f"[12 lines cut, recall={KEY}, as the failure below]",
        "[…]",
        "[...]",
        f"[..., recall={KEY}]",
        f'[... 12, recall={KEY}]": ""',
        f"[as above, recall={KEY}]",
        f'[148 lines like "GET [::1] /v1/items 200 in 12 ms" cut, recall={KEY} | /v1/items]',
    ],
)
def test_the_range_of_a_marker_is_that_of_its_text(marker: str) -> None:
    text = f"before {marker} [behind]"
    assert [text[start:end] for start, end in marker_ranges(text, "before [behind]")] == [marker]


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("a\n[lines 2-3 cut, recall=abcdefgh2345]\nd", True),
        ("[lines 1-4 cut, recall=abcdefgh2345]", True),
        ("# [line 1 cut, recall=abcdefgh2345]\nb\nc\nd", False),  # longer than the original
        ("c and what\n[1 line cut, recall=abcdefgh2345]\nb and what", False),
        ("a line of my notes: [lines 2-3 cut, recall=abcdefgh2345]", False),
    ],
)
def test_a_text_with_a_marker_stands_for_an_original_whose_runs_it_shows(text: str, *, short: bool) -> None:
    assert stands_for(text, "a\nb and what follows it\nc and what follows it\nd") is short


def test_a_marker_of_more_letters_than_the_chinese_sentence_that_it_stands_for_is_shorter() -> None:
    assert stands_for("a\n[..., recall=abcdefgh2345]\nb", "a\n今日は良い天気です。明日も晴れる。\nb")


def test_what_the_original_shows_is_no_marker() -> None:
    assert marker_ranges("[3 lines cut]", "a log with [3 lines cut] in it") == []


@pytest.mark.parametrize("space", ["\x0b", "\x0c", "\x85", "\u2028", "\u3000", "\xa0"])
def test_white_space_of_any_script_beside_a_marker_is_no_part_of_a_run(space: str) -> None:
    assert stands_for(f"a\n[...]\r{space}c", f"a\nwhat stood here and went{space}{space}\rc")
