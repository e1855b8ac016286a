from __future__ import annotations

import json

import pytest

from contextprune.text.named import names_of_call, names_of_goal, offsets_of
from tests.growth import assert_linear


@pytest.mark.parametrize(
    ("goal", "name"),
    [
        ("What did order A-20931 cost?", "A-20931"),
        ("Where is `parse_amount` used?", "parse_amount"),
        ("Where is readConfig used?", "readConfig"),
        ("What does src/billing/tax.py do?", "src/billing/tax.py"),
        ("Is ada@example.org subscribed?", "ada@example.org"),
        ("What happened to 7f3a9c2e-1111-4222-8333-abcdefabcdef?", "7f3a9c2e-1111-4222-8333-abcdefabcdef"),
        ('Which row says "out of stock"?', "out of stock"),
        ("What is issue #42 about?", "42"),
        ("Why does it answer 404?", "404"),
    ],
)
def test_what_the_user_named(goal: str, name: str) -> None:
    assert name in names_of_goal(goal)


def test_plain_words_are_no_names() -> None:
    assert names_of_goal("Why don't the tests of the billing service pass? It's odd.") == []


def test_the_values_of_a_call_are_names_and_its_keys_are_none() -> None:
    assert names_of_call(json.dumps({"order": "ledger", "at": {"id": 8841}, "on": True})) == ["ledger", "8841"]


def test_a_call_that_is_no_json_is_read_as_text() -> None:
    assert names_of_call("cat src/tax.py") == ["src/tax.py"]


def test_a_name_stands_by_itself() -> None:
    assert offsets_of("id 8841, 88410, a8841 and 8841", "8841", 5) == [3, 26]


def test_a_name_that_stands_too_often_has_no_places() -> None:
    assert offsets_of("a1b a1b a1b", "a1b", 2) == []


@pytest.mark.parametrize("unit", ["'", "`a", '"a b', "#1 ", "a-1", "A-", "1.", "a_"])
def test_reading_a_goal_is_linear(unit: str) -> None:
    names = assert_linear(names_of_goal, lambda size: unit * size, 5_000)
    assert len(names) <= 40
