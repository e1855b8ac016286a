from __future__ import annotations

import json

import pytest

from contextprune.bench.slow_texts import CONVERSATIONS, TEXTS, as_result, repeated
from contextprune.markers import recall_keys


def test_a_unit_is_repeated_up_to_a_size() -> None:
    assert repeated("ab", 7) == "ababab"


def test_nested_values_are_json_unless_a_letter_stands_behind_them() -> None:
    assert json.loads(TEXTS["objects 90 deep"](3_000))
    with pytest.raises(ValueError, match="Extra data"):
        json.loads(TEXTS["objects 90 deep, a letter behind them"](3_000))


def test_the_string_in_a_string_is_one() -> None:
    assert json.loads(TEXTS["a table in a string"](1000))["output"].startswith('{"a"')


def test_markers_that_look_like_ours_have_keys_of_their_own() -> None:
    text = TEXTS["markers that look like ours"](3_000)
    assert len(set(recall_keys(text))) == text.count("\n") + 1


@pytest.mark.parametrize("make", CONVERSATIONS.values(), ids=list(CONVERSATIONS))
def test_a_conversation_has_about_the_size_that_is_asked_for(make: object) -> None:
    messages = make(20_000)  # type: ignore[operator]
    assert 10_000 < sum(len(message["content"] or "") for message in messages) < 30_000


def test_a_text_is_the_result_of_a_call() -> None:
    messages = as_result("text")
    assert messages[-1]["content"] == "text"
    assert messages[-1]["tool_call_id"] == messages[-2]["tool_calls"][0]["id"]
