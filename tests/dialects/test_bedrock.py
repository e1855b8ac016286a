"""Bedrock's Converse: blocks named by their key, results of texts and objects, cache points."""

from __future__ import annotations

import base64
from typing import Any

from contextprune.context import Kind
from contextprune.dialects import apply, detect, read
from tests.strategies import PNG

LONG = "".join(f"src/module_{n}.py\n" for n in range(60))


def body(*content: dict[str, Any], status: str = "success", behind: tuple[Any, ...] = ()) -> dict[str, Any]:
    use = {"toolUse": {"toolUseId": "t1", "name": "list_files", "input": {"path": "."}}}
    result = {"toolResult": {"toolUseId": "t1", "content": list(content), "status": status}}
    return {
        "modelId": "anthropic.claude-sonnet-4-5",
        "system": [{"text": "Be careful."}, {"cachePoint": {"type": "default"}}],
        "messages": [
            {"role": "user", "content": [{"text": "Which file holds the parser?"}]},
            {"role": "assistant", "content": [{"text": "I look."}, use]},
            {"role": "user", "content": [result, *behind]},
        ],
    }


def result_of(payload: Any) -> Any:
    return next(segment for segment in read(payload).segments if segment.kind is Kind.TOOL_RESULT)


def test_kinds_and_pairs() -> None:
    payload = body({"text": LONG})
    segments = read(payload).segments
    assert [s.kind for s in segments] == [Kind.SYSTEM, Kind.USER, Kind.ASSISTANT, Kind.TOOL_CALL, Kind.TOOL_RESULT]
    assert (segments[-1].pair, segments[-1].name) == ("t1", "list_files")
    assert detect(payload).name == "bedrock"


def test_instructions_before_a_cache_point_are_marked() -> None:
    assert read(body({"text": LONG})).segments[0].marked
    assert not read(body({"text": LONG})).segments[1].marked


def test_a_result_before_a_cache_point_is_marked_and_stays_editable() -> None:
    result = result_of(body({"text": LONG}, behind=({"cachePoint": {"type": "default"}},)))
    assert result.marked
    assert result.editable


def test_a_text_is_edited_where_it_stands() -> None:
    payload = body({"text": LONG})
    edited = apply(payload, {result_of(payload).ref: "short"})
    assert edited["messages"][2]["content"][0]["toolResult"]["content"] == [{"text": "short"}]
    assert edited["messages"][1] is payload["messages"][1]


def test_the_long_texts_of_an_object_are_edited_in_it() -> None:
    payload = body({"json": {"stdout": LONG, "code": 0}})
    edited = apply(payload, {result_of(payload).ref: "short"})
    assert edited["messages"][2]["content"][0]["toolResult"]["content"] == [{"json": {"stdout": "short", "code": 0}}]


def test_an_error_is_a_failure() -> None:
    assert result_of(body({"text": "no such file"}, status="error")).failed


def test_an_image_is_counted_in_base64_and_in_raw_bytes_alike() -> None:
    sources = (PNG, base64.b64decode(PNG))
    images = [read(body({"image": {"format": "png", "source": {"bytes": source}}})).segments[-1] for source in sources]
    assert [image.kind for image in images] == [Kind.IMAGE, Kind.IMAGE]
    assert images[0].cost == images[1].cost


def test_signed_reasoning_is_left_alone() -> None:
    thought = {"reasoningContent": {"reasoningText": {"text": "Hmm.", "signature": "c2ln"}}}
    (segment,) = read({"messages": [{"role": "assistant", "content": [thought]}]}).segments
    assert segment.kind is Kind.REASONING
    assert not segment.editable


def test_a_document_of_text_is_a_document() -> None:
    document = {"document": {"format": "txt", "name": "notes", "source": {"text": LONG}}}
    (segment,) = read({"messages": [{"role": "user", "content": [document]}]}).segments
    assert (segment.kind, segment.name, segment.text) == (Kind.DOCUMENT, "notes", LONG)


def test_a_bare_list_of_messages_is_read_the_same() -> None:
    messages = body({"text": LONG})["messages"]
    assert detect(messages).name == "messages"
    assert [s.text for s in read(messages).segments] == [s.text for s in read({"messages": messages}).segments]
