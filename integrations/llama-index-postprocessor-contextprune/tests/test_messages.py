from __future__ import annotations

from types import SimpleNamespace

from llama_index.core.base.llms.types import (
    CacheControl,
    CachePoint,
    ContentBlock,
    ImageBlock,
    TextBlock,
    ThinkingBlock,
)
from llama_index.core.llms import ChatMessage

from llama_index.postprocessor.contextprune.blocks import put_back
from llama_index.postprocessor.contextprune.messages import as_chat, shortened
from tests.scenes import COUNT, LOG, call, pruner, reply


def user(text: str) -> ChatMessage:
    return ChatMessage(role="user", content=text)


def result(key: str, *blocks: ContentBlock) -> ChatMessage:
    said = list(blocks) or [TextBlock(text=LOG)]
    return ChatMessage(role="tool", blocks=said, additional_kwargs={"tool_call_id": key})


def thought(signature: str | None = "x") -> ChatMessage:
    about = {"signature": signature} if signature else {}
    blocks = [ThinkingBlock(content="hm", additional_information=about), TextBlock(text="so")]
    return ChatMessage(role="assistant", blocks=blocks)


def test_a_history_is_read_as_chat() -> None:
    chat = as_chat([user("why"), reply(call("1", "fetch", path="a")), result("1", TextBlock(text="b"))])
    called = {"name": "fetch", "arguments": '{"path": "a"}'}
    assert chat == [
        {"role": "user", "content": [{"type": "text", "text": "why"}]},
        {
            "role": "assistant",
            "content": [],
            "tool_calls": [{"id": "1", "type": "function", "function": called}],
        },
        {"role": "tool", "content": [{"type": "text", "text": "b"}], "tool_call_id": "1"},
    ]


def test_calls_in_the_older_forms_are_read() -> None:
    old = {"id": "1", "type": "function", "function": {"name": "fetch", "arguments": "{}"}}
    shown = SimpleNamespace(id="1", function={"name": "fetch", "arguments": "{}"})
    for one in (old, shown, {"tool_id": "1", "tool_name": "fetch", "tool_kwargs": {}}):
        message = ChatMessage(role="assistant", content="", additional_kwargs={"tool_calls": [one]})
        assert as_chat([message])[0]["tool_calls"] == [old]


def test_only_text_of_results_changes_and_all_else_is_the_callers_own() -> None:
    image = ImageBlock(url="https://example.org/a.png")
    point = CachePoint(cache_control=CacheControl(type="ephemeral"))
    messages = [
        ChatMessage(role="system", content=LOG),
        user(LOG),
        reply(call("1", "fetch", path="a")),
        result("1", TextBlock(text=f"read\n{LOG.replace('worker', 'thread')}"), image, point),
        ChatMessage(role="assistant", content=LOG),
    ]
    before = [message.model_dump() for message in messages]
    got = shortened(messages, pruner())
    assert [message.model_dump() for message in messages] == before
    assert [i for i, (a, b) in enumerate(zip(got, messages, strict=True)) if a is not b] == [3]
    assert got[3].blocks[1:] == [image, point]
    assert got[3].additional_kwargs == {"tool_call_id": "1"}
    assert COUNT(got[3].content or "") < COUNT(LOG)


def test_a_longer_history_begins_as_the_shorter_one() -> None:
    engine = pruner()
    messages = [user("Why did it crash?"), reply(call("1", "fetch", path="a")), result("1"), reply(text="memory")]
    more = [*messages, user("When?"), reply(call("2", "fetch", path="b")), result("2"), reply(text="noon")]
    assert shortened(more, engine)[:4] == shortened(messages, engine)
    assert shortened(more, pruner()) == shortened(more, engine)


def test_what_signed_reasoning_saw_stays_as_it_was() -> None:
    messages = [user("Why?"), reply(call("1", "fetch", path="a")), result("1"), thought(), user("And?")]
    assert shortened(messages, pruner()) == messages


def test_reasoning_of_a_later_run_saw_the_short_form_which_stays() -> None:
    run = [user("Why?"), reply(call("1", "fetch", path="a")), result("1"), reply(text="memory")]
    more = [*run, user("Sure?"), thought()]
    engine = pruner()
    assert shortened(more, engine)[2] == shortened(run, engine)[2]
    assert COUNT(shortened(more, engine)[2].content or "") < COUNT(LOG)


def test_reasoning_without_a_signature_binds_nothing() -> None:
    messages = [user("Why?"), reply(call("1", "fetch", path="a")), result("1"), thought(None)]
    assert shortened(messages, pruner())[2] != messages[2]


def test_no_messages_are_no_messages() -> None:
    assert shortened([], pruner()) == []


def test_texts_go_to_text_blocks_in_order() -> None:
    image = ImageBlock(url="https://example.org/a.png")
    blocks: list[ContentBlock] = [TextBlock(text="a"), image, TextBlock(text="b")]
    new = [{"type": "text", "text": "a"}, {"type": "other"}, {"type": "text", "text": "c"}]
    assert put_back(blocks, new) == [blocks[0], image, TextBlock(text="c")]
