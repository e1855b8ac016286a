"""OpenAI's two wire formats, in their exact shapes."""

from __future__ import annotations

from typing import Any

import pytest

from contextprune.context import Context, Kind, Segment
from contextprune.dialects import read
from contextprune.dialects.openai_chat import OpenAIChat
from contextprune.dialects.openai_responses import OpenAIResponses
from contextprune.errors import PayloadError


def _call(id_: str, name: str, arguments: str) -> dict[str, Any]:
    return {"id": id_, "type": "function", "function": {"name": name, "arguments": arguments}}


CHAT: dict[str, Any] = {
    "model": "gpt-5",
    "tools": [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}],
    "messages": [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "Compare"}, {"type": "text", "text": "the two."}]},
        {
            "role": "assistant",
            "content": None,
            "reasoning_content": "I look at both.",
            "tool_calls": [_call("a", "look", '{"at":1}'), _call("b", "read", '{"at": 2}')],
        },
        {"role": "tool", "tool_call_id": "b", "content": "second"},
        {"role": "tool", "tool_call_id": "a", "content": [{"type": "text", "text": "first"}]},
        {"role": "assistant", "content": "They differ.", "refusal": None},
        {"role": "user", "content": "How?"},
    ],
}


def _only(context: Context, kind: Kind) -> list[Segment]:
    return [segment for segment in context.segments if segment.kind is kind]


def _chat(*messages: Any) -> Context:
    return OpenAIChat().read({"messages": list(messages)})


def _items(*items: Any) -> Context:
    return OpenAIResponses().read({"input": list(items)})


def test_a_chat_body_is_read_in_the_order_in_which_the_model_reads_it() -> None:
    assert [(s.kind, s.text, s.turn) for s in read(CHAT).segments[1:]] == [
        (Kind.SYSTEM, "Be brief.", 0),
        (Kind.USER, "Compare", 0),
        (Kind.USER, "the two.", 0),
        (Kind.REASONING, "I look at both.", 1),
        (Kind.TOOL_CALL, '{"at":1}', 1),
        (Kind.TOOL_CALL, '{"at": 2}', 1),
        (Kind.TOOL_RESULT, "second", 1),
        (Kind.TOOL_RESULT, "first", 1),
        (Kind.ASSISTANT, "They differ.", 2),
        (Kind.USER, "How?", 2),
    ]


def test_permuted_results_find_the_names_of_their_tools() -> None:
    assert [(s.pair, s.name) for s in _only(read(CHAT), Kind.TOOL_RESULT)] == [("b", "read"), ("a", "look")]


def test_only_what_the_client_wrote_and_plain_reasoning_are_editable() -> None:
    editable = {segment.kind for segment in read(CHAT).segments if segment.editable}
    assert editable == {Kind.SYSTEM, Kind.USER, Kind.TOOL_RESULT, Kind.REASONING}


def test_a_schema_is_counted_as_compact_json_under_its_tools_name() -> None:
    schema = read(CHAT).segments[0]
    assert schema.text == '{"type":"function","function":{"name":"look","parameters":{"type":"object"}}}'
    assert (schema.kind, schema.name, schema.ref, schema.editable) == (Kind.TOOLS, "look", ("tools", 0), False)


def test_the_query_is_what_the_user_asked_last_and_at_first() -> None:
    assert read(CHAT).query == "How?\nCompare\nthe two."
    assert OpenAIChat().read({"messages": CHAT["messages"][:5]}).query == "Compare\nthe two."


def test_the_legacy_function_role_is_a_tool_result() -> None:
    context = _chat(
        {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "function", "name": "f", "content": "out"},
    )
    made, result = context.segments
    assert (made.kind, made.name, made.text, made.pair) == (Kind.TOOL_CALL, "f", "{}", None)
    assert (result.kind, result.name, result.text, result.editable) == (Kind.TOOL_RESULT, "f", "out", True)


def test_a_custom_tool_call_has_its_input_as_text() -> None:
    custom = {"id": "c", "type": "custom", "custom": {"name": "sql", "input": "SELECT 1"}}
    (made,) = _chat({"role": "assistant", "tool_calls": [custom]}).segments
    assert (made.text, made.name, made.pair) == ("SELECT 1", "sql", "c")
    assert made.ref == ("messages", 0, "tool_calls", 0, "custom", "input")


def test_arguments_that_are_an_object_are_counted_as_json() -> None:
    made = _chat({"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": {"a": "ü"}}}]})
    assert made.segments[0].text == '{"a":"ü"}'


def test_reasoning_sent_under_two_names_is_counted_once() -> None:
    message = {"role": "assistant", "reasoning_content": "r", "reasoning": "r", "content": "x"}
    assert [s.text for s in _chat(message).segments] == ["r", "x"]


@pytest.mark.parametrize(
    ("message", "editable"),
    [
        ({"reasoning_content": "r"}, True),
        ({"reasoning": "r"}, True),
        ({"reasoning": {"text": "r"}}, False),
        ({"reasoning_content": "r", "reasoning": "r"}, False),
        ({"reasoning": "r", "reasoning_details": [{"type": "reasoning.text", "text": "r"}]}, False),
        ({"reasoning_content": "r", "thinking_blocks": [{"type": "thinking", "signature": "s"}]}, False),
        ({"reasoning_details": [{"type": "reasoning.encrypted", "data": "A"}]}, False),
    ],
)
def test_reasoning_may_be_emptied_where_nothing_else_holds_it(message: dict[str, Any], editable: bool) -> None:
    (segment,) = _only(_chat({"role": "assistant", "content": "x", **message}), Kind.REASONING)
    assert segment.editable is editable


@pytest.mark.parametrize(
    ("model", "message", "bound"),
    [
        ("anthropic/claude-opus-5.5", {"thinking_blocks": [{"type": "thinking", "signature": "s"}]}, True),
        ("anthropic/claude-opus-5.5", {"thinking_blocks": [{"type": "redacted_thinking", "data": "A"}]}, True),
        ("anthropic/claude-opus-5.5", {"reasoning_details": [{"type": "reasoning.text", "signature": "s"}]}, True),
        ("anthropic/claude-opus-4.8", {"reasoning_details": [{"type": "reasoning.text", "signature": "s"}]}, False),
        ("openai/gpt-5.6", {"reasoning_details": [{"type": "reasoning.encrypted", "data": "A"}]}, False),
        ("deepseek-chat", {"reasoning_content": "r"}, False),
    ],
)
def test_thinking_signed_behind_a_gateway_binds_too(model: str, message: dict[str, Any], bound: bool) -> None:
    context = OpenAIChat().read({"model": model, "messages": [{"role": "assistant", "content": "x", **message}]})
    assert (context.model, context.bound) == (model, bound)


def test_a_result_without_its_call_has_no_name() -> None:
    (result,) = _chat({"role": "tool", "tool_call_id": "gone", "content": "out"}).segments
    assert (result.pair, result.name, result.editable) == ("gone", None, True)


def test_images_are_estimated_and_their_address_is_their_source() -> None:
    url = {"url": "data:image/png;base64,AAAA"}
    parts = [{"type": "image_url", "image_url": url}, {"type": "image_url", "image_url": {**url, "detail": "low"}}]
    images = _chat({"role": "user", "content": parts}).segments
    assert [(s.kind, s.text, s.cost, s.ref[-1]) for s in images] == [(Kind.IMAGE, "", 765, 0), (Kind.IMAGE, "", 85, 1)]
    assert all(image.source is url["url"] and image.editable for image in images)


def test_the_model_of_the_body_decides_what_an_image_costs() -> None:
    part = {"type": "input_image", "image_url": "https://example.com/a.png"}
    costs = []
    for model in ("gpt-4o", "gpt-5", "gpt-5.6-sol"):
        body = {"model": model, "input": [{"role": "user", "content": [part]}]}
        costs += [segment.cost for segment in read(body).segments]
    assert costs == [765, 630, 1229]


def test_the_bytes_of_a_file_are_not_counted_as_text() -> None:
    (segment,) = _chat({"role": "user", "content": [{"type": "file", "file": {"file_data": "A" * 9999}}]}).segments
    assert segment.text == ""
    assert segment.cost


def test_an_unknown_part_and_an_unknown_role_pass_through() -> None:
    part, other = _chat(
        {"role": "user", "content": [{"type": "hologram", "beam": 1}]}, {"role": "critic", "content": "hm"}
    ).segments
    assert (part.kind, part.text, part.editable) == (Kind.USER, '{"type":"hologram","beam":1}', False)
    assert (other.text, other.editable) == ("hm", False)


@pytest.mark.parametrize("key", ["cache_control", "prompt_cache_breakpoint"])
def test_a_result_in_which_the_cache_cuts_is_marked_as_a_whole(key: str) -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b", key: {"type": "ephemeral"}}]
    result = _chat({"role": "tool", "tool_call_id": "x", "content": parts})
    assert [(s.editable, s.marked) for s in result.segments] == [(True, True), (True, True)]
    said = _chat({"role": "user", "content": parts}).segments
    assert [(s.editable, s.marked) for s in said] == [(True, False), (False, True)]


@pytest.mark.parametrize("role", ["system", "user", "tool"])
def test_a_message_at_which_the_cache_cuts_is_marked(role: str) -> None:
    message = {"role": role, "tool_call_id": "c", "content": "x", "cache_control": {"type": "ephemeral"}}
    assert [(s.marked, s.editable) for s in _chat(message).segments] == [(True, role == "tool")]


def test_an_output_in_which_the_cache_cuts_is_marked_and_stays_editable() -> None:
    part = {"type": "input_text", "text": "b", "prompt_cache_breakpoint": {"mode": "explicit"}}
    outputs: list[dict[str, Any]] = [
        {"type": "function_call_output", "call_id": "c", "output": [{"type": "input_text", "text": "a"}, part]},
        {"type": "function_call_output", "call_id": "d", "output": "c", "prompt_cache_breakpoint": {}},
        {"type": "shell_call_output", "call_id": "e", "output": [{"stdout": "d"}], "prompt_cache_breakpoint": {}},
    ]
    for output in outputs:
        assert {(s.marked, s.editable) for s in _items(output).segments} == {(True, True)}


def test_an_empty_history_is_an_empty_context() -> None:
    assert OpenAIChat().read({"messages": []}) == Context((), "")


def test_an_empty_result_still_ends_the_turn() -> None:
    calls = [{"role": "assistant", "content": None, "tool_calls": [_call(i, "f", "{}")]} for i in "ab"]
    context = _chat(
        {"role": "user", "content": "x"}, calls[0], {"role": "tool", "tool_call_id": "a", "content": ""}, calls[1]
    )
    assert [s.turn for s in context.segments] == [0, 1, 1, 2]


RESPONSES: dict[str, Any] = {
    "model": "gpt-5.6",
    "instructions": "Be brief.",
    "tools": [{"type": "function", "name": "look", "parameters": {}}],
    "input": [
        {"role": "user", "content": "Find it."},
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "A" * 160},
        {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "look", "arguments": '{"a":1}'},
        {"type": "custom_tool_call", "call_id": "c2", "name": "sql", "input": "SELECT 1"},
        {"type": "custom_tool_call_output", "call_id": "c2", "output": [{"type": "input_text", "text": "rows"}]},
        {"type": "function_call_output", "call_id": "c1", "output": "found"},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Here.", "logprobs": []}]},
    ],
}


def test_a_responses_body_is_read_item_by_item() -> None:
    assert [(s.kind, s.text, s.pair, s.name, s.turn) for s in read(RESPONSES).segments[1:]] == [
        (Kind.SYSTEM, "Be brief.", None, None, 0),
        (Kind.USER, "Find it.", None, None, 0),
        (Kind.REASONING, "", None, None, 1),
        (Kind.TOOL_CALL, '{"a":1}', "c1", "look", 1),
        (Kind.TOOL_CALL, "SELECT 1", "c2", "sql", 1),
        (Kind.TOOL_RESULT, "rows", "c2", "sql", 1),
        (Kind.TOOL_RESULT, "found", "c1", "look", 1),
        (Kind.ASSISTANT, "Here.", None, None, 2),
    ]
    assert read(RESPONSES).query == "Find it."


def test_sealed_reasoning_is_sized_and_left_alone() -> None:
    (sealed,) = _only(read(RESPONSES), Kind.REASONING)
    assert (sealed.cost, sealed.editable) == (30, False)


def test_an_input_that_is_a_text_is_the_users() -> None:
    (segment,) = OpenAIResponses().read({"input": "Hello"}).segments
    assert (segment.kind, segment.ref, segment.editable) == (Kind.USER, ("input",), True)


def test_a_bare_list_of_items_is_read_too() -> None:
    context = read(RESPONSES["input"])
    assert [s.text for s in _only(context, Kind.TOOL_RESULT)] == ["rows", "found"]
    assert context.segments[0].ref == (0, "content")


@pytest.mark.parametrize("status", ["failed", "incomplete"])
def test_the_servers_word_that_an_output_failed_is_kept(status: str) -> None:
    output = {"type": "apply_patch_call_output", "call_id": "c", "status": status, "output": "no such file"}
    assert _items(output).segments[0].failed


def test_a_shells_streams_are_results_and_a_bad_exit_is_a_failure() -> None:
    ran = [
        {"stdout": "ok", "stderr": "", "outcome": {"type": "exit", "exit_code": 0}},
        {"stdout": "", "stderr": "no", "outcome": {"type": "exit", "exit_code": 2}},
    ]
    context = _items({"type": "shell_call_output", "call_id": "c", "output": ran})
    spoken = [segment for segment in context.segments if segment.text]
    assert [(s.text, s.failed, s.editable, s.ref[2:]) for s in spoken] == [
        ("ok", False, True, ("output", 0, "stdout")),
        ("no", True, True, ("output", 1, "stderr")),
    ]


def test_a_screenshot_is_an_image_of_its_call() -> None:
    call = {"type": "computer_call", "call_id": "c", "action": {"type": "click"}}
    shot = {"type": "computer_screenshot", "image_url": "data:image/png;base64,AAAA"}
    _, image = _items(call, {"type": "computer_call_output", "call_id": "c", "output": shot}).segments
    assert (image.kind, image.pair, image.name, image.text) == (Kind.IMAGE, "c", "computer", "")
    assert (image.source, image.editable) == (shot["image_url"], False)


def test_an_image_inside_an_output_belongs_to_its_call_and_may_be_replaced() -> None:
    part = {"type": "input_image", "file_id": "file-1"}
    (image,) = _items({"type": "function_call_output", "call_id": "c", "output": [part]}).segments
    assert (image.kind, image.pair, image.source, image.editable) == (Kind.IMAGE, "c", "file-1", True)
    assert image.ref == ("input", 0, "output", 0)


def test_an_image_that_the_model_made_is_not_replaced() -> None:
    (image,) = _items({"type": "image_generation_call", "id": "ig", "result": "AAAA"}).segments
    assert (image.kind, image.source, image.editable) == (Kind.IMAGE, "AAAA", False)


def test_sealed_reasoning_of_openai_does_not_bind_the_history() -> None:
    context = read(RESPONSES)
    assert (context.model, context.bound) == ("gpt-5.6", False)


@pytest.mark.parametrize(
    ("item", "kind"),
    [
        ({"type": "web_search_call", "id": "ws", "action": {"query": "x"}}, Kind.TOOL_CALL),
        ({"type": "mcp_call", "id": "m", "name": "f", "arguments": "{}", "output": "o"}, Kind.TOOL_CALL),
        ({"type": "mcp_list_tools", "tools": []}, Kind.TOOLS),
        ({"type": "mcp_approval_response", "approve": True}, Kind.USER),
        ({"type": "tool_search_output", "call_id": "c", "tools": []}, Kind.TOOL_RESULT),
        ({"type": "compaction", "encrypted_content": "AAAA"}, Kind.ASSISTANT),
        ({"type": "item_reference", "id": "rs_1"}, Kind.ASSISTANT),
        ({"type": "reasoning", "id": "rs_1"}, Kind.REASONING),
        ({"type": "program_output", "call_id": "p", "fingerprint": "f"}, Kind.TOOL_RESULT),
        ({"type": "from_the_future", "x": 1}, Kind.ASSISTANT),
    ],
)
def test_items_of_the_server_and_unknown_items_are_counted_and_left_alone(item: dict[str, Any], kind: Kind) -> None:
    (segment,) = _items(item).segments
    assert (segment.kind, segment.editable) == (kind, False)
    assert segment.text or segment.cost


@pytest.mark.parametrize(
    ("payload", "place"),
    [
        ({"messages": 5}, "messages"),
        ({"messages": [5]}, "messages[0]"),
        ({"messages": [{"content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": 1, "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": ["x"]}]}, "messages[0].content[0]"),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": 5}]}]}, "messages[0].content[0].text"),
        ({"messages": [{"role": "assistant", "tool_calls": {}}]}, "messages[0].tool_calls"),
        ({"messages": [{"role": "assistant", "tool_calls": ["x"]}]}, "messages[0].tool_calls[0]"),
        ({"messages": [], "tools": [3]}, "tools[0]"),
        ({"input": [5]}, "input[0]"),
        ({"input": [{}]}, "input[0].role"),
        ({"input": [{"type": 5}]}, "input[0].type"),
        ({"input": "x", "instructions": 5}, "instructions"),
        ({"input": [{"type": "function_call_output", "output": 5}]}, "input[0].output"),
        ({"input": [{"role": "user", "content": [{"type": "input_text"}]}]}, "input[0].content[0].text"),
    ],
)
def test_a_malformed_body_is_refused_by_the_name_of_the_place(payload: dict[str, Any], place: str) -> None:
    with pytest.raises(PayloadError) as caught:
        read(payload)
    assert caught.value.where == place
