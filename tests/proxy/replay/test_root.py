from __future__ import annotations

from typing import Any

import pytest

from contextprune.dialects import read
from contextprune.proxy.replay.root import root_of

QUESTION = {"role": "user", "content": "Which order failed?"}
REPLY = {"role": "assistant", "content": "The third one."}


def root(*messages: dict[str, Any], **fields: Any) -> bytes:
    return root_of(read({"model": "gpt-5", "messages": list(messages), **fields}))


@pytest.mark.parametrize("turns", [[REPLY], [REPLY, QUESTION], [REPLY, QUESTION, REPLY]])
def test_later_turns_have_the_root_of_the_first_request(turns: list[dict[str, Any]]) -> None:
    assert root(QUESTION, *turns) == root(QUESTION)


def test_instructions_and_tools_do_not_count() -> None:
    tool = {"type": "function", "function": {"name": "logs"}}
    assert root({"role": "system", "content": "Today is Monday."}, QUESTION, tools=[tool]) == root(QUESTION)


@pytest.mark.parametrize(
    "messages",
    [
        [{"role": "user", "content": "Which order is late?"}],
        [QUESTION, QUESTION],
        [{"role": "user", "content": [{"type": "text", "text": "Which order "}, {"type": "text", "text": "failed?"}]}],
        [],
    ],
)
def test_other_beginnings_have_other_roots(messages: list[dict[str, Any]]) -> None:
    assert root(*messages) != root(QUESTION)


def test_a_root_is_the_same_in_every_version() -> None:
    assert root(QUESTION).hex() == "77d323bd290657500964b3499da211af"  # stores keep notes under it
