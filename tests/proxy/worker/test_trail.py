"""The trail of a conversation, by which a client's own changes are told from ours."""

from __future__ import annotations

from typing import Any

from contextprune.dialects import read
from contextprune.proxy.worker.trail import LATEST, trail_of

HEAD = "You are an interactive agent. Git status: (clean)"


def body(turns: int, head: str = HEAD, nonce: str = "a1") -> dict[str, Any]:
    """A request in Claude Code's form: a head in three blocks, and so many calls with their results."""
    texts = (f"x-anthropic-billing-header: cc_version=2.1.197.{nonce}; cc_entrypoint=cli;", "You are an agent.", head)
    messages: list[dict[str, Any]] = [{"role": "user", "content": "Why is the depot slow?"}]
    for k in range(turns):
        call = {"type": "tool_use", "id": f"toolu_{k}", "name": "Bash", "input": {"command": f"bin/log {k}"}}
        result = {"type": "tool_result", "tool_use_id": f"toolu_{k}", "content": f"line {k}"}
        messages += [{"role": "assistant", "content": [call]}, {"role": "user", "content": [result]}]
    return {"model": "claude-opus-4-8", "system": [{"type": "text", "text": t} for t in texts], "messages": messages}


def trail(payload: dict[str, Any]) -> list[str]:
    text = trail_of(read(payload))
    return [text[at : at + 8] for at in range(0, len(text), 8)]


def test_a_trail_has_the_end_of_each_request() -> None:
    assert len(trail(body(3))) == 4


def test_the_next_request_begins_with_the_trail_of_this_one() -> None:
    assert trail(body(4))[:4] == trail(body(3))


def test_a_changed_system_prompt_leaves_nothing_of_the_trail() -> None:
    changed = trail(body(3, HEAD.replace("(clean)", "M src/tariff.py")))
    assert not set(changed) & set(trail(body(3)))


def test_a_value_that_changes_with_each_request_is_no_change() -> None:
    assert trail(body(3, nonce="77f")) == trail(body(3))


def test_a_message_that_is_changed_ends_the_trail_there() -> None:
    changed = body(3)
    changed["messages"][2]["content"][0]["content"] = "line zero"
    same = [a == b for a, b in zip(trail(changed), trail(body(3)), strict=True)]
    assert same == [True, False, False, False]


def test_a_breakpoint_that_moves_is_no_change() -> None:
    marked = body(3)
    marked["messages"][2]["content"][0]["cache_control"] = {"type": "ephemeral"}
    assert trail(marked) == trail(body(3))


def test_a_long_conversation_has_the_latest_ends_alone() -> None:
    assert len(trail(body(LATEST + 9))) == LATEST
