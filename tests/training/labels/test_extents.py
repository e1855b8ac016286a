"""Facts about what goes with a value: its record, its pair, or its line."""

from __future__ import annotations

import json

from contextprune.training.labels.extents import MAX_CHARS, around, line


def extent_of(text: str, value: str) -> str:
    start = text.rfind(value)
    left, right = around(text, start, start + len(value))
    return text[left:right]


def test_a_short_record_goes_as_a_whole() -> None:
    assert (
        extent_of('[{"id": "HAT01", "seats": {"n": 3}}, {"id": "HAT02"}]', "HAT01")
        == '{"id": "HAT01", "seats": {"n": 3}}'
    )


def test_of_a_long_record_only_the_pair_goes() -> None:
    text = json.dumps([{"id": "HAT01", "note": "x " * 200, "phone": "650-688-2614"}])
    assert extent_of(text, "650-688-2614") == '"phone": "650-688-2614"'


def test_a_row_of_a_database_and_a_short_list_go_as_a_whole() -> None:
    assert extent_of("[('Song_ID', 'int', 'NO'), ('Name', 'text', 'YES')]", "Song_ID") == "('Song_ID', 'int', 'NO')"
    assert extent_of('{"a": {"b": 1}, "ids": ["4NQLHD", "KHIK97"]}', "KHIK97") == '"ids": ["4NQLHD", "KHIK97"]'


def test_of_a_text_the_line_goes() -> None:
    assert extent_of("one\n  two src/a.py three\nfour", "src/a.py") == "  two src/a.py three"


def test_of_a_long_line_only_what_stands_near() -> None:
    text = "word " * 100 + "src/a.py" + " word" * 100
    left, right = line(text, 500, 508)
    assert right - left <= MAX_CHARS
    assert text[left:right].strip().split() == ["word"] * 19 + ["src/a.py"] + ["word"] * 19


def test_every_place_of_odd_json_has_a_range_around_it() -> None:
    text = '[{"a": "}{", "b": [1, 2222, {"c": "dddd"'
    for value in ("2222", "dddd", "}{"):
        start = text.find(value)
        left, right = around(text, start, start + len(value))
        assert left <= start < start + len(value) <= right
