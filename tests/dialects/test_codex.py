"""Codex's rollouts: what the model read, and what only the terminal did."""

from __future__ import annotations

import json
from typing import Any

import pytest

from contextprune.context import Kind
from contextprune.dialects import Lines, apply, dump, load, read
from contextprune.errors import PayloadError


def _record(kind: str, payload: Any) -> dict[str, Any]:
    return {"timestamp": "2026-08-10T13:02:51.000Z", "type": kind, "payload": payload}


def _item(**item: Any) -> dict[str, Any]:
    return _record("response_item", item)


def _said(text: str) -> dict[str, Any]:
    return _item(type="message", role="user", content=[{"type": "input_text", "text": text}])


ROLLOUT = [
    _record("session_meta", {"id": "s", "cwd": "/home/me/app", "base_instructions": {"text": "You are Codex."}}),
    _said("<environment_context><cwd>/home/me/app</cwd></environment_context>"),
    _record("turn_context", {"model": "gpt-5.5-codex", "cwd": "/home/me/app"}),
    _said("Fix the test."),
    _record("event_msg", {"type": "user_message", "message": "Fix the test."}),
    _item(type="reasoning", summary=[{"type": "summary_text", "text": "I run it."}], encrypted_content="A" * 160),
    _item(type="function_call", name="shell", call_id="c1", arguments='{"command":["pytest"]}'),
    _item(type="function_call_output", call_id="c1", output="1 failed"),
    _item(type="ghost_snapshot", ghost_commit={"id": "abc"}),
    _record("turn_context", {"model": "gpt-5.6-sol"}),
    _item(type="message", role="assistant", content=[{"type": "output_text", "text": "Done."}]),
    _record("compacted", {"message": "What it was about"}),
]


def test_a_rollout_is_read_item_by_item() -> None:
    context = read(ROLLOUT)
    assert [(s.kind, s.text, s.name, s.turn, s.ref[:2]) for s in context.segments] == [
        (Kind.SYSTEM, "You are Codex.", None, 0, (0, "payload")),
        (Kind.USER, "<environment_context><cwd>/home/me/app</cwd></environment_context>", None, 0, (1, "payload")),
        (Kind.USER, "Fix the test.", None, 0, (3, "payload")),
        (Kind.REASONING, "I run it.", None, 1, (5, "payload")),
        (Kind.REASONING, "", None, 1, (5, "payload")),
        (Kind.TOOL_CALL, '{"command":["pytest"]}', "shell", 1, (6, "payload")),
        (Kind.TOOL_RESULT, "1 failed", "shell", 1, (7, "payload")),
        (Kind.ASSISTANT, "Done.", None, 2, (10, "payload")),
    ]
    assert (context.query, context.model, context.bound) == ("Fix the test.", "gpt-5.6-sol", False)


def test_a_result_of_a_rollout_is_edited_in_its_record() -> None:
    edited = apply(ROLLOUT, {(7, "payload", "output"): "short"})
    assert edited[7]["payload"]["output"] == "short"
    assert edited[:7] == ROLLOUT[:7]


def test_an_older_log_has_its_instructions_beside_the_id() -> None:
    (segment,) = read([_record("session_meta", {"id": "s", "instructions": "Be brief."})]).segments
    assert (segment.kind, segment.ref) == (Kind.SYSTEM, (0, "payload", "instructions"))


@pytest.mark.parametrize("records", [ROLLOUT, ROLLOUT[:1]])
def test_a_rollout_is_recognised_and_written_back_line_by_line(records: list[dict[str, Any]]) -> None:
    data = "".join(json.dumps(record) + "\n" for record in records).encode()
    payload, name = load(data)
    assert name == "codex"
    assert isinstance(payload, Lines)
    assert dump(payload, name) == data


@pytest.mark.parametrize(
    ("record", "place"),
    [
        (_record("response_item", 5), "[0].payload"),
        (_record("session_meta", None), "[0].payload"),
        (_record("session_meta", {"instructions": 5}), "[0].payload.instructions"),
        (_item(type="message"), "[0].payload.role"),
    ],
)
def test_a_malformed_rollout_is_refused_by_the_name_of_the_place(record: dict[str, Any], place: str) -> None:
    with pytest.raises(PayloadError) as caught:
        read([record])
    assert caught.value.where == place
