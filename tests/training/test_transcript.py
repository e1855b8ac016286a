"""Facts about what a message says and does."""

from __future__ import annotations

import json
from typing import Any

from contextprune.text.later_use import leaves
from contextprune.training.transcript import action_strings, readable_text, reply_texts, text_of


def call(**arguments: Any) -> dict[str, Any]:
    function = {"name": "f", "arguments": json.dumps(arguments)}
    return {"role": "assistant", "content": "I look.", "tool_calls": [{"id": "1", "function": function}]}


def test_an_action_is_the_strings_in_its_arguments_however_nested() -> None:
    assert action_strings(call(a="x", b={"c": [1, "y"]}, d='{"e": "z"}'), calls=True) == ["x", "1", "y", "z"]


def test_without_calls_the_reply_is_the_action() -> None:
    message = {"role": "assistant", "content": "ls"}
    assert action_strings(message, calls=False) == ["ls"]
    assert reply_texts(message, calls=False) == []
    assert reply_texts(message, calls=True) == ["ls"]


def test_users_and_tools_do_not_act() -> None:
    message = {"role": "tool", "content": "x"}
    assert action_strings(message, calls=False) == reply_texts(message, calls=True) == []


def test_all_that_is_read_of_a_message_includes_unescaped_arguments() -> None:
    text = readable_text(call(code='a = "b"'))
    assert "I look." in text
    assert 'a = "b"' in text


def test_a_content_may_be_parts_or_nothing() -> None:
    assert text_of({"content": [{"text": "a"}, {"type": "image"}]}) == "a\n"
    assert text_of({"content": None}) == ""
    assert list(leaves({"a": None, "b": "{not json"})) == ["{not json"]
