"""Gemini's contents: who speaks, which answer belongs to which call, and what stays."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from contextprune.context import Kind
from contextprune.dialects import apply, detect, read
from contextprune.errors import PayloadError
from tests.strategies import PNG

LONG = "".join(f"src/module_{n}.py\n" for n in range(60))


def body(*parts: dict[str, Any], **more: Any) -> dict[str, Any]:
    question = {"role": "user", "parts": [{"text": "Which file holds the parser?"}]}
    answer = {"role": "user", "parts": list(parts)}
    calls = [{"functionCall": {"name": "list_files", "args": {"n": n}}} for n in range(len(parts))]
    return {"contents": [question, {"role": "model", "parts": calls}, answer], **more}


def answer(response: Any, **more: Any) -> dict[str, Any]:
    return {"functionResponse": {"name": "list_files", "response": response, **more}}


def results(payload: Any) -> list[Any]:
    return [segment for segment in read(payload).segments if segment.kind is Kind.TOOL_RESULT]


def test_kinds_stand_in_the_order_of_the_body() -> None:
    payload = body(
        answer({"output": LONG}),
        systemInstruction={"parts": [{"text": "Be careful."}]},
        tools=[{"functionDeclarations": [{"name": "list_files"}]}],
    )
    kinds = [segment.kind for segment in read(payload).segments]
    assert kinds == [Kind.TOOLS, Kind.SYSTEM, Kind.USER, Kind.TOOL_CALL, Kind.TOOL_RESULT]
    assert detect(payload).name == "gemini"


def test_the_users_words_are_the_query() -> None:
    assert read(body(answer({"output": LONG}))).query == "Which file holds the parser?"


def test_answers_without_an_id_belong_to_the_calls_of_their_name_in_order() -> None:
    context = read(body(answer({"output": "a"}), answer({"output": "b"})))
    calls = [segment.pair for segment in context.segments if segment.kind is Kind.TOOL_CALL]
    assert calls == [segment.pair for segment in context.segments if segment.kind is Kind.TOOL_RESULT]
    assert len(set(calls)) == 2


def test_an_id_pairs_an_answer_with_its_call() -> None:
    (result,) = results(body(answer({"output": "a"}, id="call-7")))
    assert result.pair == "call-7"


def test_the_long_texts_of_an_answer_are_edited_where_they_stand() -> None:
    payload = body(answer({"content": [{"type": "text", "text": LONG}], "isError": False}))
    texts = [result for result in results(payload) if result.text == LONG]
    assert len(texts) == 1
    edited = apply(payload, {texts[0].ref: "short"})
    assert edited["contents"][2]["parts"][0]["functionResponse"]["response"] == {
        "content": [{"type": "text", "text": "short"}], "isError": False,
    }  # fmt: skip


def test_records_in_an_answer_are_counted_and_left_alone() -> None:
    (result,) = results(body(answer({"rows": [{"id": 1}, {"id": 2}]})))
    assert not result.editable
    assert result.text == '[{"id":1},{"id":2}]'


def test_an_error_is_a_failure() -> None:
    (result,) = results(body(answer({"error": "no such file"})))
    assert result.failed


def test_thoughts_are_reasoning() -> None:
    thought = {"role": "model", "parts": [{"text": "Hmm.", "thought": True}, {"text": "Here."}]}
    kinds = [segment.kind for segment in read({"contents": [thought]}).segments]
    assert kinds == [Kind.REASONING, Kind.ASSISTANT]


@pytest.mark.parametrize("key", ["inlineData", "inline_data"])
def test_an_image_is_counted_as_one(key: str) -> None:
    media = {"mimeType": "image/png", "mime_type": "image/png", "data": PNG}
    (image,) = read({"contents": [{"parts": [{key: media}]}]}).segments
    assert image.kind is Kind.IMAGE
    assert not image.editable


def test_the_keys_of_the_python_sdk_are_read_as_well() -> None:
    payload = {
        "contents": [
            {"role": "model", "parts": [{"function_call": {"id": "1", "name": "f", "args": {}}}]},
            {"role": "user", "parts": [{"function_response": {"id": "1", "name": "f", "response": {"result": LONG}}}]},
        ],
        "config": {"system_instruction": "Be careful.", "tools": [{"function_declarations": []}]},
    }
    kinds = [segment.kind for segment in read(payload).segments]
    assert kinds == [Kind.TOOLS, Kind.SYSTEM, Kind.TOOL_CALL, Kind.TOOL_RESULT]


def test_a_single_text_is_the_users() -> None:
    (segment,) = read({"contents": "Hello"}).segments
    assert segment.kind is Kind.USER


def test_a_bare_list_of_contents_is_a_list_of_messages() -> None:
    payload = body(answer({"output": LONG}))["contents"]
    assert detect(payload).name == "messages"
    assert [s.text for s in read(payload).segments] == [s.text for s in read({"contents": payload}).segments]


def test_parts_that_nobody_knows_are_counted_and_left_alone() -> None:
    (segment,) = read({"contents": [{"parts": [{"executableCode": {"code": "1 + 1"}}]}]}).segments
    assert not segment.editable
    assert "1 + 1" in segment.text


def test_an_object_of_messages_is_refused_with_what_to_send() -> None:
    with pytest.raises(PayloadError, match="convert_to_openai_messages"):
        read([SimpleNamespace(type="human", content="x")])
