"""The AI SDK's messages, for the model and for the user interface, of versions 4 to 6."""

from __future__ import annotations

from typing import Any

import pytest

from contextprune.context import Kind
from contextprune.dialects import apply, detect, read
from tests.strategies import PNG

LONG = "".join(f"src/module_{n}.py\n" for n in range(60))
CALL = {"type": "tool-call", "toolCallId": "c1", "toolName": "list_files", "input": {"path": "."}}


def messages(**result: Any) -> list[dict[str, Any]]:
    answer = {"type": "tool-result", "toolCallId": "c1", "toolName": "list_files", **result}
    return [
        {"role": "system", "content": "Be careful."},
        {"role": "user", "content": [{"type": "text", "text": "Which file holds the parser?"}]},
        {"role": "assistant", "content": [{"type": "text", "text": "I look."}, CALL]},
        {"role": "tool", "content": [answer]},
    ]


def results(payload: Any) -> list[Any]:
    return [segment for segment in read(payload).segments if segment.kind is Kind.TOOL_RESULT]


def test_kinds_and_pairs() -> None:
    payload = {"messages": messages(output={"type": "text", "value": LONG})}
    segments = read(payload).segments
    assert [s.kind for s in segments] == [Kind.SYSTEM, Kind.USER, Kind.ASSISTANT, Kind.TOOL_CALL, Kind.TOOL_RESULT]
    assert (segments[-1].pair, segments[-1].name, segments[-1].text) == ("c1", "list_files", LONG)
    assert detect(payload).name == "ai-sdk"


@pytest.mark.parametrize(
    "result",
    [
        {"output": {"type": "text", "value": LONG}},
        {"output": {"type": "json", "value": {"stdout": LONG}}},
        {"output": {"type": "content", "value": [{"type": "text", "text": LONG}]}},
        {"result": LONG},
        {"result": {"stdout": LONG}},
    ],
)
def test_each_form_of_a_result_is_edited_where_its_text_stands(result: dict[str, Any]) -> None:
    payload = messages(**result)
    (found,) = results(payload)
    assert found.text == LONG
    edited = apply(payload, {found.ref: "short"})
    assert str(edited).count("short") == 1
    assert LONG not in str(edited)
    assert edited[:3] == payload[:3]


@pytest.mark.parametrize(
    "result", [{"output": {"type": "error-text", "value": "no"}}, {"result": "no", "isError": True}]
)
def test_errors_are_failures(result: dict[str, Any]) -> None:
    (found,) = results(messages(**result))
    assert found.failed


def test_what_the_providers_own_tools_answered_stays() -> None:
    answer = {"type": "tool-result", "toolCallId": "c1", "toolName": "web", "output": {"type": "text", "value": LONG}}
    (found,) = results([{"role": "assistant", "content": [CALL, answer]}])
    assert not found.editable


def test_a_cache_mark_of_the_provider_is_kept_in_mind() -> None:
    mark = {"anthropic": {"cacheControl": {"type": "ephemeral"}}}
    (found,) = results(messages(output={"type": "text", "value": LONG}, providerOptions=mark))
    assert found.marked


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image", "image": PNG},
        {"type": "file", "data": PNG, "mediaType": "image/png"},
        {"type": "file", "url": f"data:image/png;base64,{PNG}", "mediaType": "image/png"},
    ],
)
def test_images_are_counted_as_images(part: dict[str, Any]) -> None:
    payload = [{"role": "user", "content": [part]}, *messages(output={"type": "text", "value": "x"})]
    image = read(payload).segments[0]
    assert image.kind is Kind.IMAGE


@pytest.mark.parametrize(
    "part",
    [
        {"type": "tool-list_files", "toolCallId": "c1", "state": "output-available", "input": {}, "output": LONG},
        {"type": "dynamic-tool", "toolName": "list_files", "toolCallId": "c1", "input": {}, "output": {"text": LONG}},
        {"type": "tool-invocation", "toolInvocation": {"toolCallId": "c1", "toolName": "list_files", "result": LONG}},
    ],
)
def test_a_part_of_the_user_interface_is_a_call_and_its_result(part: dict[str, Any]) -> None:
    payload = [
        {"id": "1", "role": "user", "parts": [{"type": "text", "text": "Which file?"}]},
        {"id": "2", "role": "assistant", "parts": [{"type": "step-start"}, part, {"type": "text", "text": "This."}]},
    ]
    kinds = [segment.kind for segment in read(payload).segments]
    assert kinds == [Kind.USER, Kind.TOOL_CALL, Kind.TOOL_RESULT, Kind.ASSISTANT]
    (found,) = results(payload)
    assert (found.text, found.name, found.editable) == (LONG, "list_files", True)


def test_tools_may_be_an_object_by_name() -> None:
    payload = {"tools": {"list_files": {"description": "d"}}, "messages": messages(result="x")}
    tools = [segment for segment in read(payload).segments if segment.kind is Kind.TOOLS]
    assert [tool.name for tool in tools] == ["list_files"]
