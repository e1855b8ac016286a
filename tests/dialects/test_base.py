"""Putting new text back: what changes, what is shared, and what cannot be edited."""

from __future__ import annotations

import copy
from collections import OrderedDict
from contextlib import suppress
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contextprune.context import Context, Kind, Ref
from contextprune.dialects import DIALECTS, apply, detect, read
from contextprune.dialects.base import where
from contextprune.errors import PayloadError

texts = st.text(min_size=1, max_size=20)
tool_turns = st.tuples(texts, texts)


@st.composite
def chats(draw: st.DrawFn) -> dict[str, Any]:
    messages: list[dict[str, Any]] = [{"role": "user", "content": draw(texts)}]
    for index, (arguments, result) in enumerate(draw(st.lists(tool_turns, max_size=4))):
        call = {"id": f"c{index}", "type": "function", "function": {"name": "run", "arguments": arguments}}
        messages.append({"role": "assistant", "content": None, "tool_calls": [call]})
        content = draw(st.sampled_from([result, [{"type": "text", "text": result}]]))
        messages.append({"role": "tool", "tool_call_id": f"c{index}", "content": content})
    return {"model": "m", "messages": messages}


@st.composite
def anthropic_bodies(draw: st.DrawFn) -> dict[str, Any]:
    messages: list[dict[str, Any]] = [{"role": "user", "content": draw(texts)}]
    for index, (argument, result) in enumerate(draw(st.lists(tool_turns, max_size=4))):
        use = {"type": "tool_use", "id": f"t{index}", "name": "run", "input": {"a": argument}}
        messages.append({"role": "assistant", "content": [use]})
        content = draw(st.sampled_from([result, [{"type": "text", "text": result}]]))
        messages.append(
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": f"t{index}", "content": content}]}
        )
    return {"system": draw(texts), "messages": messages}


def _at(payload: Any, ref: Ref) -> Any:
    for step in ref:
        payload = payload[step]
    return payload


@given(st.one_of(chats(), anthropic_bodies()))
def test_no_edits_give_the_same_object_back(payload: dict[str, Any]) -> None:
    same = {segment.ref: segment.text for segment in read(payload).segments if segment.editable}
    assert apply(payload, {}) is payload
    assert apply(payload, same) is payload


@given(st.one_of(chats(), anthropic_bodies()), texts, st.data())
def test_an_edit_changes_one_string_and_is_read_again(payload: dict[str, Any], text: str, data: st.DataObject) -> None:
    before = copy.deepcopy(payload)
    segments = read(payload, query="q").segments
    target = data.draw(st.sampled_from([segment for segment in segments if segment.editable]))
    edited = apply(payload, {target.ref: text})
    assert payload == before
    after = read(edited, query="q").segments
    assert len(after) == len(segments)
    for old, new in zip(segments, after, strict=True):
        assert new.text == (text if old.ref == target.ref else old.text)
        assert (new.ref, new.turn, new.pair, new.name, new.kind) == (old.ref, old.turn, old.pair, old.name, old.kind)


@given(st.one_of(chats(), anthropic_bodies()))
def test_the_ref_of_an_editable_segment_leads_to_its_own_text(payload: dict[str, Any]) -> None:
    for segment in read(payload).segments:
        if segment.editable:
            assert _at(payload, segment.ref) is segment.text


def test_containers_off_the_edited_path_are_shared() -> None:
    payload: dict[str, Any] = {"tools": [{"a": 1}], "messages": [{"content": "x"}, {"content": "y"}]}
    edited = apply(payload, {("messages", 1, "content"): "z"})
    assert edited == {"tools": [{"a": 1}], "messages": [{"content": "x"}, {"content": "z"}]}
    assert edited["tools"] is payload["tools"]
    assert edited["messages"][0] is payload["messages"][0]
    assert edited["messages"][1] is not payload["messages"][1]
    assert payload["messages"][1]["content"] == "y"


class Pair(NamedTuple):
    first: str
    second: str


def test_the_types_of_copied_containers_are_kept() -> None:
    payload = OrderedDict(pair=Pair("a", "b"), plain=("c", "d"))
    edited: Any = apply(payload, {("pair", 1): "B", ("plain", 0): "C"})
    assert isinstance(edited, OrderedDict)
    assert edited == OrderedDict(pair=Pair("a", "B"), plain=("C", "d"))
    assert isinstance(edited["pair"], Pair)


@pytest.mark.parametrize(
    ("ref", "place"),
    [
        (("messages", 7, "content"), "messages[7].content"),
        (("messages", 0, "role", "x"), "messages[0].role.x"),
        (("messages",), "messages"),
        (("model",), "model"),
        ((), ""),
    ],
)
def test_a_ref_that_leads_to_no_string_is_refused(ref: Ref, place: str) -> None:
    payload: dict[str, Any] = {"messages": [{"role": "user", "content": "x"}], "model": None}
    with pytest.raises(PayloadError) as caught:
        apply(payload, {ref: "new"})
    assert caught.value.where == place


def test_a_ref_is_written_as_people_write_it() -> None:
    assert where(("messages", 3, "content", 0)) == "messages[3].content[0]"
    assert where((12, "message")) == "[12].message"
    assert where(()) == ""


BREAK = {"type": "ephemeral"}
IMAGES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"type": "image", "source": {"type": "base64", "data": "AAAA"}}, {"type": "text", "text": "[image]"}),
    ({"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}, {"type": "text", "text": "[image]"}),
    ({"type": "input_image", "image_url": "https://a.example/b.png"}, {"type": "input_text", "text": "[image]"}),
    (
        {"type": "image", "source": {"type": "url", "url": "u"}, "cache_control": BREAK},
        {"type": "text", "text": "[image]", "cache_control": BREAK},
    ),
    (
        {"type": "input_image", "file_id": "f", "prompt_cache_breakpoint": BREAK},
        {"type": "input_text", "text": "[image]", "prompt_cache_breakpoint": BREAK},
    ),
]


@pytest.mark.parametrize(("image", "text"), IMAGES)
def test_an_image_part_becomes_a_text_part_of_its_own_format(image: dict[str, Any], text: dict[str, Any]) -> None:
    sibling = {"type": "text", "text": "x"}
    payload: list[Any] = [{"role": "user", "content": [sibling, image]}, {"role": "assistant", "content": "y"}]
    before = copy.deepcopy(payload)
    edited = apply(payload, {(0, "content", 1): "[image]"})
    assert edited == [{"role": "user", "content": [sibling, text]}, payload[1]]
    assert edited[0]["content"][0] is sibling
    assert edited[1] is payload[1]
    assert payload == before


@pytest.mark.parametrize(("image", "_"), IMAGES)
def test_an_image_has_no_text_so_that_the_empty_text_is_no_edit(image: dict[str, Any], _: Any) -> None:
    payload = [{"role": "user", "content": [image]}]
    assert apply(payload, {(0, "content", 0): ""}) is payload


class Seen:
    """An image part as an SDK's model."""

    def model_dump(self, **_: bool) -> dict[str, Any]:
        return {"type": "input_image", "image_url": "u"}


def test_an_image_part_that_is_a_model_of_an_sdk_becomes_a_plain_text_part() -> None:
    payload: list[Any] = [{"role": "user", "content": [Seen()]}]
    assert apply(payload, {(0, "content", 0): "[image]"})[0]["content"] == [{"type": "input_text", "text": "[image]"}]


@pytest.mark.parametrize(
    "value",
    [
        {"type": "text", "text": "x"},
        {"type": "document", "source": {}},
        {"type": "computer_screenshot", "image_url": "u"},
        {"type": ["image"]},
        {"source": {}},
        ["image"],
        None,
    ],
)
def test_nothing_but_a_text_or_an_image_part_is_replaced(value: Any) -> None:
    with pytest.raises(PayloadError, match="only a text or an image"):
        apply([{"content": [value]}], {(0, "content", 0): "new"})


def test_an_image_that_is_not_one_part_of_a_list_is_not_replaced() -> None:
    with pytest.raises(PayloadError):
        apply({"output": {"type": "input_image", "image_url": "u"}}, {("output",): "new"})


BODIES_WITH_IMAGES: list[Any] = [
    {"messages": [{"role": "user", "content": [IMAGES[1][0], {"type": "text", "text": "x"}]}]},
    {"input": [{"type": "function_call_output", "call_id": "c", "output": [IMAGES[2][0]]}]},
    {"input": [{"type": "computer_call_output", "output": {"type": "computer_screenshot", "image_url": "u"}}]},
    {"input": [{"type": "image_generation_call", "result": "AAAA"}]},
    {"messages": [{"role": "user", "content": [{"type": "tool_result", "content": [IMAGES[0][0], IMAGES[3][0]]}]}]},
    {"messages": [{"role": "user", "content": [IMAGES[3][0]]}, {"role": "assistant", "content": [IMAGES[0][0]]}]},
    {"agent": {}, "steps": [{"source": "user", "message": [IMAGES[0][0]]}]},
    [{"type": "user", "message": {"role": "user", "content": [IMAGES[0][0]]}}],
    [{"type": "response_item", "payload": {"role": "user", "content": [IMAGES[2][0]]}}],
]


@pytest.mark.parametrize("payload", BODIES_WITH_IMAGES)
def test_the_ref_of_an_image_leads_to_its_part_and_an_editable_one_is_replaced(payload: Any) -> None:
    context = read(payload)
    images = [segment for segment in context.segments if segment.kind is Kind.IMAGE]
    assert images
    for segment in images:
        assert segment.source
        assert segment.source in str(_at(payload, segment.ref))
    edited = apply(payload, {segment.ref: "[image]" for segment in images if segment.editable})
    left = [segment for segment in read(edited).segments if segment.kind is Kind.IMAGE]
    assert len(left) == sum(not segment.editable for segment in images)
    assert len(read(edited).segments) == len(context.segments)


@pytest.mark.parametrize(
    ("payload", "name"),
    [
        ({"messages": [{"role": "user", "content": "x"}]}, "openai-chat"),
        ({"messages": [], "tools": [{"type": "function", "function": {"name": "f"}}]}, "openai-chat"),
        ({"messages": [{"role": "tool", "content": [{"type": "thinking"}]}]}, "openai-chat"),
        ({"messages": [], "system": "s"}, "anthropic"),
        ({"messages": [], "tools": [{"name": "f", "input_schema": {}}]}, "anthropic"),
        ({"messages": [{"role": "assistant", "content": [{"type": "thinking", "thinking": "t"}]}]}, "anthropic"),
        ({"messages": [{"role": "user", "content": [{"type": "tool_result"}]}]}, "anthropic"),
        ({"input": "x"}, "openai-responses"),
        ({"input": []}, "openai-responses"),
        ([], "messages"),
        ([{"role": "user", "content": "x"}], "messages"),
        ([{"type": "function_call_output", "call_id": "c", "output": "x"}], "messages"),
        ([{"type": "user", "message": {"role": "user", "content": "x"}}], "claude-code"),
        ([{"type": "summary", "summary": "s", "leafUuid": "u"}], "claude-code"),
        ([{"type": "session_meta", "payload": {"id": "s"}}], "codex"),
        ([{"type": "event_msg", "payload": {}}, {"type": "response_item", "payload": {}}], "codex"),
        ({"schema_version": "ATIF-v1.8", "steps": []}, "atif"),
        ({"agent": {}, "steps": []}, "atif"),
        ({"contents": [{"parts": [{"text": "x"}]}]}, "gemini"),
        ({"contents": "x"}, "gemini"),
        ([{"role": "user", "parts": [{"text": "x"}]}], "messages"),
        ({"messages": [{"role": "user", "content": [{"text": "x"}]}]}, "bedrock"),
        ({"messages": [{"role": "user", "content": [{"text": "x"}]}], "system": [{"text": "s"}]}, "bedrock"),
        ({"messages": [{"role": "user", "content": "x"}], "modelId": "m"}, "bedrock"),
        ({"messages": [{"role": "tool", "content": [{"type": "tool-result"}]}], "system": "s"}, "ai-sdk"),
        ({"messages": [{"role": "user", "parts": [{"type": "text", "text": "x"}]}]}, "ai-sdk"),
        ("x", "text"),
    ],
)
def test_a_payload_is_recognised_by_its_content(payload: Any, name: str) -> None:
    assert detect(payload).name == name
    assert [dialect.name for dialect in DIALECTS if dialect.accepts(payload)] == [name]


@given(
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5)),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3),
            st.dictionaries(
                st.sampled_from(
                    [
                        "messages",
                        "input",
                        "role",
                        "type",
                        "content",
                        "steps",
                        "tools",
                        "message",
                        "uuid",
                        "payload",
                        "contents",
                        "parts",
                        "text",
                        "functionResponse",
                        "response",
                        "toolResult",
                        "output",
                        "config",
                    ]
                ),
                inner,
                max_size=4,
            ),
        ),
    )
)
def test_whatever_comes_in_is_read_or_refused_with_our_own_error(payload: Any) -> None:
    for dialect in DIALECTS:
        assert dialect.accepts(payload) in (True, False)
        with suppress(PayloadError):
            dialect.read(payload)


def test_an_unknown_payload_names_the_known_formats() -> None:
    for format_ in (None, "sharegpt"):
        names = "ai-sdk, anthropic, atif, bedrock, claude-code, codex, gemini, messages, openai-chat, openai-responses"
        with pytest.raises(PayloadError, match=names):
            detect({"conversations": []}, format_)


def test_a_named_format_is_taken_at_its_word() -> None:
    assert detect({"messages": [], "system": "s"}, "openai-chat").name == "openai-chat"


def test_the_query_given_wins_over_the_users_words() -> None:
    payload = [{"role": "user", "content": "words"}]
    assert read(payload).query == "words"
    assert read(payload, query="mine").query == "mine"
    assert read(payload, query="").query == ""


def test_of_a_long_request_the_two_ends_are_the_query() -> None:
    query = read([{"role": "user", "content": "a" * 20_000 + "b" * 20_000}]).query
    assert (query[:9], query[-9:], len(query)) == ("a" * 9, "b" * 9, 16_000)


class Reply:
    """What an SDK appends to the history: a model with `role` and `model_dump`."""

    role = "assistant"

    def model_dump(self, **_: bool) -> dict[str, Any]:
        return {"role": "assistant", "content": "made", "tool_calls": None}


def test_a_response_model_of_an_sdk_is_read_and_left_alone() -> None:
    reply = Reply()
    history: list[Any] = [{"role": "user", "content": "x"}, reply]
    segments = read(history).segments
    assert [segment.text for segment in segments] == ["x", "made"]
    assert not segments[1].editable
    assert apply(history, {(0, "content"): "y"})[1] is reply


@pytest.mark.parametrize("odd", [[], {}, 1, None])
@pytest.mark.parametrize("name", DIALECTS)
def test_roles_and_types_that_are_no_texts_are_read_or_refused(name: str, odd: Any) -> None:
    part = {"type": odd, "text": "x"}
    messages = [{"role": odd, key: [part]} for key in ("content", "parts")]
    for message in messages:
        body = {"messages": [message], "contents": [message], "input": [{**message, "type": odd}]}
        with suppress(PayloadError):  # any other error fails the test
            assert isinstance(read(body, format=name), Context)
