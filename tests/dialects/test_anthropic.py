"""Anthropic's wire format, in its exact shapes."""

from __future__ import annotations

from typing import Any

import pytest

from contextprune.context import Context, Kind
from contextprune.dialects import apply, read
from contextprune.dialects.anthropic import Anthropic
from contextprune.errors import PayloadError

EPHEMERAL = {"type": "ephemeral", "ttl": "1h"}

BODY: dict[str, Any] = {
    "model": "claude-opus-5-5",
    "max_tokens": 1024,
    "tools": [{"name": "look", "input_schema": {"type": "object"}}],
    "system": [
        {"type": "text", "text": "Be brief."},
        {"type": "text", "text": "Be kind.", "cache_control": EPHEMERAL},
    ],
    "messages": [
        {"role": "user", "content": "Compare the two."},
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "I look at both.", "signature": "c2ln"},
                {"type": "redacted_thinking", "data": "A" * 32},
                {"type": "text", "text": "Looking."},
                {"type": "tool_use", "id": "t1", "name": "look", "input": {"at": 1}},
                {"type": "tool_use", "id": "t2", "name": "read", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "t2", "content": "no such file", "is_error": True},
                {"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "first"}]},
                {"type": "text", "text": "<system-reminder>Stay calm.</system-reminder>"},
            ],
        },
        {"role": "assistant", "content": "They differ."},
    ],
}


IMAGE: dict[str, Any] = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}


def _user(*blocks: Any) -> Context:
    return Anthropic().read({"messages": [{"role": "user", "content": list(blocks)}]})


def _made(*blocks: Any) -> Context:
    return Anthropic().read({"messages": [{"role": "assistant", "content": list(blocks)}]})


def _result(content: Any, **more: Any) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": "t", "content": content, **more}


def test_a_body_is_read_in_the_order_in_which_the_model_reads_it() -> None:
    assert [(s.kind, s.text, s.pair, s.name, s.turn) for s in read(BODY).segments] == [
        (Kind.TOOLS, '{"name":"look","input_schema":{"type":"object"}}', None, "look", 0),
        (Kind.SYSTEM, "Be brief.", None, None, 0),
        (Kind.SYSTEM, "Be kind.", None, None, 0),
        (Kind.USER, "Compare the two.", None, None, 0),
        (Kind.REASONING, "I look at both.", None, None, 1),
        (Kind.REASONING, "", None, None, 1),
        (Kind.ASSISTANT, "Looking.", None, None, 1),
        (Kind.TOOL_CALL, '{"at":1}', "t1", "look", 1),
        (Kind.TOOL_CALL, "{}", "t2", "read", 1),
        (Kind.TOOL_RESULT, "no such file", "t2", "read", 1),
        (Kind.TOOL_RESULT, "first", "t1", "look", 1),
        (Kind.USER, "<system-reminder>Stay calm.</system-reminder>", None, None, 1),
        (Kind.ASSISTANT, "They differ.", None, None, 2),
    ]


def test_what_a_harness_says_in_the_users_name_is_no_query() -> None:
    assert read(BODY).query == "Compare the two."


def test_what_the_user_says_beside_a_result_is_a_query() -> None:
    assert _user(_result("out"), {"type": "text", "text": "Stop that."}).query == "Stop that."


def test_only_the_failed_result_is_failed() -> None:
    assert [s.text for s in read(BODY).segments if s.failed] == ["no such file"]


def test_a_system_block_that_the_cache_cuts_at_is_not_editable() -> None:
    assert [s.editable for s in read(BODY).segments if s.kind is Kind.SYSTEM] == [True, False]


@pytest.mark.parametrize("content", ["out", [{"type": "text", "text": "out"}]])
def test_a_result_keeps_its_form_when_edited(content: Any) -> None:
    body: dict[str, Any] = {"messages": [{"role": "user", "content": [_result(content)]}]}
    (segment,) = Anthropic().read(body).segments
    edited = apply(body, {segment.ref: "o"})["messages"][0]["content"][0]["content"]
    assert edited == ("o" if isinstance(content, str) else [{"type": "text", "text": "o"}])


@pytest.mark.parametrize(
    "block",
    [
        _result("out", cache_control=EPHEMERAL),
        _result([{"type": "text", "text": "a"}, {"type": "text", "text": "b", "cache_control": EPHEMERAL}]),
        _result([{"type": "text", "text": "a"}, {**IMAGE, "cache_control": EPHEMERAL}]),
        _result([{"type": "search_result", "content": [{"type": "text", "text": "hit", "cache_control": EPHEMERAL}]}]),
    ],
)
def test_a_result_in_which_the_cache_cuts_is_marked_and_stays_editable(block: dict[str, Any]) -> None:
    assert {(segment.marked, segment.editable) for segment in _user(block).segments} == {(True, True)}


@pytest.mark.parametrize(
    "block",
    [
        {"type": "text", "text": "said", "cache_control": EPHEMERAL},
        {**IMAGE, "cache_control": EPHEMERAL},
        {"type": "document", "source": {"type": "text", "data": "All."}, "cache_control": EPHEMERAL},
        {"type": "search_result", "content": [{"type": "text", "text": "hit"}], "cache_control": EPHEMERAL},
    ],
)
def test_any_other_block_at_which_the_cache_cuts_is_marked_and_locked(block: dict[str, Any]) -> None:
    assert {(segment.marked, segment.editable) for segment in _user(block).segments} == {(True, False)}


def test_a_breakpoint_marks_its_own_block_alone() -> None:
    context = _user(_result("a"), _result("b", cache_control=EPHEMERAL), {"type": "text", "text": "c"})
    assert [segment.text for segment in context.segments if segment.marked] == ["b"]
    assert [segment.text for segment in read(BODY).segments if segment.marked] == ["Be kind."]


def test_a_call_or_a_schema_at_which_the_cache_cuts_is_marked() -> None:
    use = {"type": "tool_use", "id": "t", "name": "f", "input": {}, "cache_control": EPHEMERAL}
    assert [segment.marked for segment in _made(use).segments] == [True]
    body = {"tools": [{"name": "f", "input_schema": {}, "cache_control": EPHEMERAL}], "messages": []}
    assert [segment.marked for segment in read(body).segments] == [True]


def test_a_cited_document_inside_a_marked_result_stays_locked() -> None:
    source = {"type": "text", "data": "All about it."}
    document = {"type": "document", "source": source, "citations": {"enabled": True}}
    (segment,) = _user(_result([document], cache_control=EPHEMERAL)).segments
    assert (segment.marked, segment.editable) == (True, False)


def test_thinking_that_is_not_shown_is_sized_by_its_signature() -> None:
    (segment,) = _made({"type": "thinking", "thinking": "", "signature": "A" * 160}).segments
    assert (segment.kind, segment.text, segment.cost) == (Kind.REASONING, "", 30)


def test_a_text_document_is_a_document_with_its_title() -> None:
    source = {"type": "text", "media_type": "text/plain", "data": "All about it."}
    (segment,) = _user({"type": "document", "title": "It", "source": source}).segments
    assert (segment.kind, segment.name, segment.text, segment.editable) == (Kind.DOCUMENT, "It", "All about it.", True)
    assert segment.ref == ("messages", 0, "content", 0, "source", "data")


def test_a_document_that_may_be_cited_is_not_editable() -> None:
    source = {"type": "content", "content": [{"type": "text", "text": "chunk"}]}
    block = {"type": "document", "source": source, "context": "from the web", "citations": {"enabled": True}}
    assert [(s.text, s.editable) for s in _user(block).segments] == [("from the web", False), ("chunk", False)]


def test_a_pdf_is_sized_and_its_bytes_are_not_text() -> None:
    source = {"type": "base64", "media_type": "application/pdf", "data": "A" * 9999}
    (segment,) = _user({"type": "document", "source": source}).segments
    assert (segment.kind, segment.text, bool(segment.cost)) == (Kind.DOCUMENT, "", True)


def test_a_search_result_is_a_document_or_part_of_the_result_that_holds_it() -> None:
    block = {"type": "search_result", "source": "u", "title": "T", "content": [{"type": "text", "text": "hit"}]}
    (alone,) = _user(block).segments
    (inside,) = _user(_result([block])).segments
    assert (alone.kind, alone.name, alone.editable) == (Kind.DOCUMENT, "T", True)
    assert (inside.kind, inside.pair, inside.editable) == (Kind.TOOL_RESULT, "t", True)
    assert inside.ref == ("messages", 0, "content", 0, "content", 0, "content", 0, "text")


@pytest.mark.parametrize(
    "block",
    [
        {"type": "web_search_tool_result", "tool_use_id": "s", "content": [{"encrypted_content": "x"}]},
        {"type": "mcp_tool_result", "tool_use_id": "s", "is_error": False, "content": [{"type": "text", "text": "x"}]},
    ],
)
def test_results_of_server_tools_are_part_of_the_reply_and_stay(block: dict[str, Any]) -> None:
    use = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "x"}}
    context = _made(use, block, {"type": "text", "text": "So."})
    assert [s.kind for s in context.segments] == [Kind.TOOL_CALL, Kind.TOOL_RESULT, Kind.ASSISTANT]
    assert {s.turn for s in context.segments} == {0}
    assert context.segments[1].name == "web_search"
    assert not any(s.editable for s in context.segments)


@pytest.mark.parametrize(
    ("role", "kind"), [("user", Kind.USER), ("assistant", Kind.ASSISTANT), ("system", Kind.SYSTEM)]
)
def test_an_unknown_block_passes_through_under_its_role(role: str, kind: Kind) -> None:
    (segment,) = Anthropic().read({"messages": [{"role": role, "content": [{"type": "new", "x": 1}]}]}).segments
    assert (segment.kind, segment.text, segment.editable) == (kind, '{"type":"new","x":1}', False)


def test_a_system_message_among_the_messages_is_legal() -> None:
    (segment,) = Anthropic().read({"messages": [{"role": "system", "content": "Now in French."}]}).segments
    assert segment.kind is Kind.SYSTEM


def test_a_tool_reference_inside_a_result_is_left_alone() -> None:
    reference, text = _user(
        _result([{"type": "tool_reference", "tool_name": "f"}, {"type": "text", "text": "x"}])
    ).segments
    assert (reference.kind, reference.editable, text.editable) == (Kind.TOOL_RESULT, False, True)


def test_an_image_inside_a_result_belongs_to_its_call() -> None:
    image = {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}}
    (segment,) = _user(_result([image])).segments
    assert (segment.kind, segment.pair, segment.cost) == (Kind.IMAGE, "t", 1568)
    assert (segment.source, segment.ref) == ("https://example.com/a.png", ("messages", 0, "content", 0, "content", 0))


def test_an_image_of_the_users_may_be_replaced_and_one_of_the_models_not() -> None:
    assert [segment.editable for segment in _user(IMAGE).segments] == [True]
    assert [segment.editable for segment in _made(IMAGE).segments] == [False]


def test_the_data_of_an_image_is_not_copied() -> None:
    (segment,) = _user(IMAGE).segments
    assert segment.source is IMAGE["source"]["data"]


SIGNED = {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}
SEALED = {"type": "redacted_thinking", "data": "AAAA"}


def _thought(block: dict[str, Any], **body: Any) -> Context:
    return Anthropic().read({**body, "messages": [{"role": "assistant", "content": [block]}]})


@pytest.mark.parametrize(
    ("model", "block", "bound"),
    [
        ("claude-opus-5-5", SIGNED, True),
        ("claude-opus-5-5", SEALED, True),
        ("claude-opus-5-5", {**SIGNED, "thinking": ""}, True),
        ("claude-opus-5-5", {"type": "thinking", "thinking": "Hm."}, False),
        ("claude-opus-5-5", {"type": "text", "text": "Hm."}, False),
        ("claude-opus-5", SIGNED, False),
        ("some-gateway-name", SIGNED, True),
    ],
)
def test_signed_thinking_binds_the_history_of_newer_models(model: str, block: dict[str, Any], bound: bool) -> None:
    context = _thought(block, model=model)
    assert (context.model, context.bound) == (model, bound)


def test_a_model_that_is_not_named_is_taken_for_a_new_one() -> None:
    assert (_thought(SIGNED).model, _thought(SIGNED).bound) == ("", True)
    assert read([{"role": "assistant", "content": [SIGNED]}]).bound


@pytest.mark.parametrize(
    ("thinking", "bound"),
    [
        ({"type": "adaptive", "block_binding": {"prefix_mismatch_behavior": "drop_block"}}, False),
        ({"type": "adaptive", "block_binding": {"prefix_mismatch_behavior": "error"}}, True),
        ({"type": "adaptive", "block_binding": None}, True),
        (None, True),
    ],
)
def test_a_body_that_lets_stale_thinking_go_is_not_bound(thinking: Any, bound: bool) -> None:
    assert _thought(SIGNED, model="claude-fable-5-1", thinking=thinking).bound is bound


def test_a_bare_list_with_tool_blocks_is_read_as_anthropics() -> None:
    context = read(BODY["messages"])
    assert [s.ref for s in context.segments if s.kind is Kind.TOOL_RESULT] == [
        (2, "content", 0, "content"),
        (2, "content", 1, "content", 0, "text"),
    ]


@pytest.mark.parametrize(
    ("payload", "place"),
    [
        ({"system": 5, "messages": []}, "system"),
        ({"system": ["x"], "messages": []}, "system[0]"),
        ({"system": "s", "messages": {}}, "messages"),
        ({"system": "s", "messages": ["x"]}, "messages[0]"),
        ({"system": "s", "messages": [{"content": "x"}]}, "messages[0].role"),
        ({"system": "s", "messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
        ({"system": "s", "messages": [{"role": "user", "content": [5]}]}, "messages[0].content[0]"),
        ({"messages": [{"role": "user", "content": [_result(5)]}]}, "messages[0].content[0].content"),
        (
            {"messages": [{"role": "user", "content": [_result([{"type": "text", "text": None}])]}]},
            "messages[0].content[0].content[0].text",
        ),
        ({"messages": [{"role": "user", "content": [{"type": "document"}]}]}, "messages[0].content[0].source"),
        (
            {"messages": [{"role": "user", "content": [{"type": "document", "source": {"type": "text"}}]}]},
            "messages[0].content[0].source.data",
        ),
    ],
)
def test_a_malformed_body_is_refused_by_the_name_of_the_place(payload: dict[str, Any], place: str) -> None:
    with pytest.raises(PayloadError) as caught:
        read(payload)
    assert caught.value.where == place
