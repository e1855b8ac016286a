"""Messages as the engine reads them, and the way back: nothing but texts of results and documents ever changes."""

from __future__ import annotations

from typing import Any

import contextprune as cp
import pytest
from agents import LONG, calls, engine
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
    convert_to_messages,
)

from langchain_contextprune.compress import view
from langchain_contextprune.messages import read


def nothing(_: str) -> None:
    return None


IMAGES: list[Any] = [
    {"type": "image", "base64": "QUJD", "mime_type": "image/png"},
    {"type": "image", "url": "https://example.org/a.png"},
    {"type": "image", "source_type": "base64", "data": "QUJD", "mime_type": "image/png"},
    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "QUJD"}},
    {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}},
    {"type": "image_url", "image_url": "https://example.org/a.png"},
    {"type": "input_image", "image_url": "data:image/png;base64,QUJD"},
]
ODD: list[Any] = [
    "a bare text",
    {"type": "text", "text": "words", "citations": []},
    {"type": "file", "base64": "QUJD" * 1000, "mime_type": "application/pdf"},
    {"type": "audio", "base64": "QUJD" * 1000},
    {"type": "json", "json": {"a": [1, 2]}},
    {"type": "text-plain", "text": "a document", "title": "t"},
    {"type": "text-plain", "url": "https://example.org/a.txt"},
    {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "d"}, "context": "c"},
    {"type": "search_result", "source": "s", "title": "t", "content": [{"type": "text", "text": "found"}]},
    {"type": "non_standard", "value": {"type": "tool_reference", "tool_name": "x"}},
    {"type": "server_tool_call", "id": "s", "name": "web_search", "args": {}},
    {"kind": "no type at all"},
]


@pytest.mark.parametrize("part", [*IMAGES, *ODD], ids=str)
@pytest.mark.parametrize("kind", ["human", "tool", "ai"])
def test_every_part_is_read_and_comes_back_as_the_same_object(kind: str, part: Any) -> None:
    made: dict[str, BaseMessage] = {
        "human": HumanMessage([part, "words"]),
        "tool": ToolMessage([part, "words"], tool_call_id="c"),
        "ai": AIMessage([part, "words"]),
    }
    messages = [HumanMessage("hello"), made[kind], HumanMessage("and?")]
    seen = view(engine(), messages, pastes=10_000, from_start=True)
    assert all(new is old for new, old in zip(seen.messages, messages, strict=True))
    assert seen.report.before < 4000, "data is not counted as text"


def test_images_of_every_spelling_cost_the_same() -> None:
    inline = [part for part in IMAGES if "QUJD" in str(part)]
    sizes = set()
    for part in inline:
        sizes.add(view(engine(), [ToolMessage([part], tool_call_id="c")], from_start=True).report.before)
    assert len(sizes) == 1


def test_all_kinds_of_messages_are_read() -> None:
    messages: list[BaseMessage] = [
        SystemMessage("rules"),
        SystemMessage([{"type": "text", "text": "more rules"}]),
        HumanMessage("hello"),
        AIMessage("", tool_calls=[], invalid_tool_calls=[{"name": "x", "args": "{", "id": "i", "error": "bad"}]),
        FunctionMessage(content="done", name="f"),
        ChatMessage(content="hm", role="critic"),
        AIMessage("hi", additional_kwargs={"reasoning_content": "they greet"}),
    ]
    seen = view(engine(), messages, from_start=True)
    assert seen.messages == messages
    assert seen.report.by_kind[cp.Kind.REASONING][0] > 0


def test_a_call_that_stands_in_the_content_too_is_read_once() -> None:
    block = {"type": "tool_use", "id": "c1", "name": "look", "input": {"at": "x"}}
    doubled = AIMessage([block], tool_calls=[{"name": "look", "args": {"at": "x"}, "id": "c1"}])
    (_, reply) = read([HumanMessage("hi"), doubled], nothing).payload["messages"]
    assert reply["content"] == [block]


def test_the_way_back_touches_only_what_was_shortened() -> None:
    cached: Any = {"type": "text", "text": LONG, "cache_control": {"type": "ephemeral"}, "extras": {"n": 1}}
    messages = [
        HumanMessage("Which order failed?"),
        calls(("read_log", {"name": "orders"}, "c1")),
        ToolMessage([cached, "short"], tool_call_id="c1", id="m1", artifact={"n": 2}, name="read_log"),
    ]
    got = view(engine(), messages, from_start=True).messages[2]
    assert isinstance(got, ToolMessage)
    first, second = list(got.content)
    assert isinstance(first, dict)
    assert {key: first[key] for key in first if key != "text"} == {k: cached[k] for k in cached if k != "text"}
    assert first["text"] != LONG
    assert (second, got.id, got.artifact, got.tool_call_id) == ("short", "m1", {"n": 2}, "c1")
    assert cached["text"] == LONG


def test_documents_that_carry_a_breakpoint_or_citations_stay() -> None:
    marked = {"type": "text-plain", "text": LONG, "cache_control": {"type": "ephemeral"}}
    cited = {"type": "document", "source": {"type": "text", "data": LONG}, "citations": {"enabled": True}}
    message = HumanMessage(["Which order failed?", marked, cited])
    assert view(engine(), [message]).messages[0] is message


def test_a_long_part_beside_a_short_question_is_a_paste_where_asked_for() -> None:
    message = HumanMessage([{"type": "text", "text": LONG}, {"type": "text", "text": "Which order failed?"}])
    assert view(engine(), [message]).messages[0] is message
    long, short = list(view(engine(), [message], pastes=1000).messages[0].content)
    assert isinstance(long, dict)
    assert len(long["text"]) < len(LONG) / 2
    assert short == message.content[1]


def test_a_long_text_that_is_all_there_is_stays() -> None:
    for message in (HumanMessage(LONG), HumanMessage([{"type": "text", "text": LONG}])):
        assert view(engine(), [message], pastes=1000).messages[0] is message


@pytest.mark.parametrize("tag", ["document", "context", "file", "log"])
def test_tagged_blocks_are_pastes_too(tag: str) -> None:
    text = f'<{tag} name="orders">\n{LONG}</{tag}>\nWhich order failed?'
    got = str(view(engine(), [HumanMessage(text)], pastes=1000).messages[0].content)
    assert got.startswith(f'<{tag} name="orders">')
    assert got.endswith(f"</{tag}>\nWhich order failed?")
    assert len(got) < len(text) / 2


def test_prompts_of_other_frameworks_make_the_same_conversation() -> None:
    raw: list[Any] = [
        {"role": "user", "content": "Which order failed?"},
        {"role": "assistant", "content": "", "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "read_log", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "c1", "content": LONG},
    ]  # fmt: skip
    ours = view(engine(), convert_to_messages(raw), from_start=True).messages
    plain = cp.compress(raw, pruner=engine()).payload
    assert ours[2].content == plain[2]["content"]


def test_a_request_that_lets_stale_reasoning_go_is_not_bound() -> None:
    allowed = {"block_binding": {"prefix_mismatch_behavior": "drop_block"}}
    assert read([HumanMessage("hi")], nothing, thinking=allowed).payload["thinking"] == allowed
