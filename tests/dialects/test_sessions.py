"""Whole sessions: Claude Code's log, ATIF, and the example files that ship with the source."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from contextprune.context import Kind
from contextprune.dialects import dump, load, read
from contextprune.errors import PayloadError

DATA = Path(__file__).parents[2] / "examples" / "data"


def _said(text: Any, **more: Any) -> dict[str, Any]:
    return {"type": "user", "uuid": "u", "message": {"role": "user", "content": text}, **more}


def _made(id_: str, block: dict[str, Any]) -> dict[str, Any]:
    return {"type": "assistant", "uuid": "a", "message": {"id": id_, "role": "assistant", "content": [block]}}


def _use(id_: str) -> dict[str, Any]:
    return {"type": "tool_use", "id": id_, "name": "Bash", "input": {"command": id_}}


def _result(id_: str, text: str) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": id_, "content": text}


LOG: list[dict[str, Any]] = [
    {"type": "summary", "summary": "What it was about", "leafUuid": "u9"},
    _said("Fix it."),
    _made("m1", {"type": "thinking", "thinking": "Hm.", "signature": "s"}),
    _made("m1", _use("t1")),
    _said([_result("t1", "one")], toolUseResult={"stdout": "one"}),
    _made("m1", _use("t2")),
    _said([_result("t2", "two")], toolUseResult={"stdout": "two"}),
    {"type": "system", "subtype": "informational", "content": "not for the model", "uuid": "s"},
    _made("m2", {"type": "text", "text": "Done."}),
]


def test_a_claude_code_log_is_read_message_by_message() -> None:
    assert [(s.kind, s.text, s.name, s.ref) for s in read(LOG).segments] == [
        (Kind.USER, "Fix it.", None, (1, "message", "content")),
        (Kind.REASONING, "Hm.", None, (2, "message", "content", 0, "thinking")),
        (Kind.TOOL_CALL, '{"command":"t1"}', "Bash", (3, "message", "content", 0, "input")),
        (Kind.TOOL_RESULT, "one", "Bash", (4, "message", "content", 0, "content")),
        (Kind.TOOL_CALL, '{"command":"t2"}', "Bash", (5, "message", "content", 0, "input")),
        (Kind.TOOL_RESULT, "two", "Bash", (6, "message", "content", 0, "content")),
        (Kind.ASSISTANT, "Done.", None, (8, "message", "content", 0, "text")),
    ]


def test_records_of_one_api_call_are_one_turn() -> None:
    assert [s.turn for s in read(LOG).segments] == [0, 1, 1, 1, 1, 1, 2]


def _from(model: str) -> dict[str, Any]:
    message = {"role": "assistant", "model": model, "content": [{"type": "text", "text": "x"}]}
    return {"type": "assistant", "uuid": "a", "message": message}


def test_a_log_is_for_the_model_that_replied_last_and_errors_are_no_replies() -> None:
    records = [_said("Go."), _from("claude-opus-4-8"), _from("claude-opus-5-5"), _from("<synthetic>")]
    assert read(records).model == "claude-opus-5-5"
    assert read(LOG).model == ""


@pytest.mark.parametrize(("model", "bound"), [("claude-opus-4-8", False), ("claude-sonnet-5-5", True)])
def test_a_log_of_signed_thinking_is_bound_by_its_model(model: str, bound: bool) -> None:
    assert read([*LOG, _from(model)]).bound is bound


@pytest.mark.parametrize(
    "record",
    [
        _said("Caveat: ...", isMeta=True),
        _said("Search the tree.", isSidechain=True),
        _said("<command-name>/clear</command-name>"),
        _said("<local-command-stdout></local-command-stdout>"),
    ],
)
def test_what_the_harness_wrote_is_read_but_is_no_query(record: dict[str, Any]) -> None:
    context = read([_said("Fix it."), record])
    assert context.query == "Fix it."
    assert len(context.segments) == 2


SHOT = {"type": "image", "source": {"media_type": "image/png", "path": "shots/1.png"}}
ATIF: dict[str, Any] = {
    "schema_version": "ATIF-v1.8",
    "agent": {
        "name": "a",
        "version": "1",
        "model_name": "gpt-5.6",
        "tool_definitions": [{"type": "function", "function": {"name": "sh"}}],
    },
    "steps": [
        {"step_id": 1, "source": "system", "message": "Be brief."},
        {"step_id": 2, "source": "user", "message": [{"type": "text", "text": "List."}, SHOT]},
        {
            "step_id": 3,
            "source": "agent",
            "message": "",
            "reasoning_content": "ls will do",
            "tool_calls": [{"tool_call_id": "c", "function_name": "sh", "arguments": {"cmd": "ls"}}],
            "observation": {
                "results": [
                    {"source_call_id": "c", "content": "a.txt"},
                    {"source_call_id": None, "content": [{"type": "text", "text": "b"}]},
                    {"source_call_id": "c", "content": None},
                ]
            },
        },
    ],
}


def test_a_trajectory_is_read_step_by_step() -> None:
    assert [(s.kind, s.text, s.name, s.turn, s.editable) for s in read(ATIF).segments] == [
        (Kind.TOOLS, '{"type":"function","function":{"name":"sh"}}', "sh", 0, False),
        (Kind.SYSTEM, "Be brief.", None, 0, True),
        (Kind.USER, "List.", None, 0, True),
        (Kind.IMAGE, "", None, 0, True),
        (Kind.REASONING, "ls will do", None, 1, False),
        (Kind.TOOL_CALL, '{"cmd":"ls"}', "sh", 1, False),
        (Kind.TOOL_RESULT, "a.txt", "sh", 1, True),
        (Kind.TOOL_RESULT, "b", None, 1, True),
    ]
    assert read(ATIF).query == "List."


def test_a_trajectory_names_its_model_and_the_files_of_its_images() -> None:
    context = read(ATIF)
    assert context.model == "gpt-5.6"
    assert [segment.source for segment in context.segments if segment.kind is Kind.IMAGE] == ["shots/1.png"]


@pytest.mark.parametrize(
    ("payload", "place"),
    [
        ([{"type": "user", "message": 5}], "[0].message"),
        ([_said("x"), 5], "[1]"),
        ([_said("x"), _said(5)], "[1].message.content"),
        ([{"role": "user", "content": "x"}, 5], "[1]"),
        ([{"role": "user", "content": 5}], "[0].content"),
        ({"schema_version": "ATIF-v1.8"}, "steps"),
        ({"agent": {}, "steps": [5]}, "steps[0]"),
        ({"agent": {}, "steps": [{"source": "judge"}]}, "steps[0].source"),
        ({"agent": {}, "steps": [{"source": "user", "message": 5}]}, "steps[0].message"),
        (
            {"agent": {}, "steps": [{"source": "agent", "observation": {"results": [5]}}]},
            "steps[0].observation.results[0]",
        ),
    ],
)
def test_a_malformed_session_is_refused_by_the_name_of_the_place(payload: Any, place: str) -> None:
    with pytest.raises(PayloadError) as caught:
        read(payload)
    assert caught.value.where == place


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("airline.json", "openai-chat"),
        ("airline.anthropic.json", "anthropic"),
        ("airline.responses.json", "openai-responses"),
        ("swe.json", "openai-chat"),
        ("swe.claude-code.jsonl", "claude-code"),
        ("shell.json", "openai-chat"),
        ("shell.atif.json", "atif"),
        ("long-session.json", "openai-chat"),
    ],
)
def test_every_example_session_is_recognised_read_and_written_back(file: str, name: str) -> None:
    payload, found = load((DATA / file).read_bytes())
    assert found == name
    assert load(dump(payload, found)) == (payload, found)
    results = [segment for segment in read(payload).segments if segment.kind is Kind.TOOL_RESULT]
    assert len(results) >= 10
    assert all(segment.name for segment in results)


def test_the_three_bodies_of_one_session_hold_the_same_results() -> None:
    texts = [
        [
            (segment.pair, segment.name, segment.text, segment.turn)
            for segment in read(json.loads((DATA / file).read_bytes())).segments
            if segment.kind is Kind.TOOL_RESULT
        ]
        for file in ("airline.json", "airline.anthropic.json", "airline.responses.json")
    ]
    assert texts[0] == texts[1] == texts[2]
