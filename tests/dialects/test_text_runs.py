"""Results that are lists of texts: what is read of them, what takes their place, and that nothing else changes."""

from __future__ import annotations

import json
from typing import Any

import pytest

import contextprune as cp
from contextprune.context import Ref
from contextprune.dialects import apply, read
from contextprune.dialects.splice import splice
from contextprune.dialects.text_runs import as_part, as_step, bounds, joined, runs
from tests.strategies import LEXICAL

FAILED = "failed: TimeoutError"
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}}


def rows(indent: int | None = None, count: int = 120) -> list[str]:
    """Records as a server of MCP sends them: one text each."""
    states = (FAILED if i == 77 else "packed" for i in range(count))
    return [
        json.dumps({"order": 48000 + i, "state": state, "van": "to be sent"}, indent=indent)
        for i, state in enumerate(states)
    ]


def parts(texts: list[str]) -> list[Any]:
    return [{"type": "text", "text": text} for text in texts]


def anthropic(content: Any) -> dict[str, Any]:
    return {
        "model": "claude-sonnet-5-5",
        "system": "",
        "messages": [
            {"role": "user", "content": "Which order failed?"},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "list_orders", "input": {}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": content}]},
        ],
    }


def chat(content: Any) -> dict[str, Any]:
    called = {"id": "a", "type": "function", "function": {"name": "list_orders", "arguments": "{}"}}
    return {
        "model": "gpt-5",
        "messages": [
            {"role": "user", "content": "Which order failed?"},
            {"role": "assistant", "content": None, "tool_calls": [called]},
            {"role": "tool", "tool_call_id": "a", "content": content},
        ],
    }


def responses(content: Any) -> dict[str, Any]:
    content = [{**part, "type": "input_text"} for part in content]
    return {
        "model": "gpt-5",
        "input": [
            {"role": "user", "content": "Which order failed?"},
            {"type": "function_call", "call_id": "a", "name": "list_orders", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "a", "output": content},
        ],
    }


def bedrock(content: Any) -> dict[str, Any]:
    result = {"toolUseId": "a", "content": [{"text": part["text"]} for part in content]}
    return {
        "modelId": "anthropic.claude",
        "messages": [
            {"role": "user", "content": [{"text": "Which order failed?"}]},
            {"role": "assistant", "content": [{"toolUse": {"toolUseId": "a", "name": "list_orders", "input": {}}}]},
            {"role": "user", "content": [{"toolResult": result}]},
        ],
    }


def engine() -> cp.Pruner:
    return cp.Pruner(scorer=LEXICAL, store=cp.MemoryStore())


@pytest.mark.parametrize("body", [anthropic, chat, responses, bedrock])
@pytest.mark.parametrize("indent", [None, 2])
def test_a_list_of_records_is_shortened_as_one_text_that_keeps_the_failed_one_whole(
    body: Any, indent: int | None
) -> None:
    texts = rows(indent)
    out = cp.compress(body(parts(texts)), pruner=engine())
    assert out.report.after < out.report.before / 2
    assert json.dumps(texts[77])[1:-1] in json.dumps(out.payload)


def test_records_of_several_lines_are_cut_between_one_another() -> None:
    texts = rows(2)
    out = cp.compress(anthropic(parts(texts)), pruner=engine())
    (part,) = out.payload["messages"][2]["content"][0]["content"]
    decoder, at, read_back = json.JSONDecoder(), 0, []
    while at < len(part["text"]):
        value, at = decoder.raw_decode(part["text"], at)
        read_back.append(value)
        at += 1
    records = [json.loads(text) for text in texts]
    assert all(value in records for value in read_back if isinstance(value, dict))


def test_the_key_gives_back_the_texts_one_a_line() -> None:
    pruner, texts = engine(), rows()
    out = cp.compress(anthropic(parts(texts)), pruner=pruner)
    (part,) = out.payload["messages"][2]["content"][0]["content"]
    key = part["text"].partition("recall=")[2][:12]
    assert cp.recall(key, pruner=pruner) == "\n".join(texts)


def test_what_stands_between_runs_stays_where_it_is() -> None:
    content = [*parts(rows()), IMAGE, *parts(["one", "two"])]
    payload = anthropic(content)
    out = cp.compress(payload, pruner=engine())
    short = out.payload["messages"][2]["content"][0]["content"]
    assert [part["type"] for part in short] == ["text", "image", "text", "text"]
    assert short[1:] == content[-3:]
    assert len(payload["messages"][2]["content"][0]["content"]) == len(content), "the caller's own list is as it was"


def test_two_runs_of_one_result_are_both_replaced() -> None:
    content = [*parts(rows(count=5)), IMAGE, *parts(rows(count=4))]
    at = ("messages", 2, "content", 0, "content")
    payload = anthropic(content)
    edits: dict[Ref, str] = {(*at, "0:5"): "first", (*at, "6:10"): "second"}
    short = apply(payload, edits)["messages"][2]["content"][0]["content"]
    assert short == [{"type": "text", "text": "first"}, IMAGE, {"type": "text", "text": "second"}]
    assert json.loads(splice(json.dumps(payload).encode(), edits)) == apply(payload, edits)


def test_a_mark_for_the_cache_changes_nothing_of_what_is_read_and_stays() -> None:
    marked = parts(rows())
    marked[-1] = {**marked[-1], "cache_control": {"type": "ephemeral"}}
    plain = read(anthropic(parts(rows()))).segments[-1]
    segment = read(anthropic(marked)).segments[-1]
    assert (segment.text, segment.ref, segment.marked) == (plain.text, plain.ref, True)
    (part,) = cp.compress(anthropic(marked), pruner=engine()).payload["messages"][2]["content"][0]["content"]
    assert part["cache_control"] == {"type": "ephemeral"}


@pytest.mark.parametrize("ascii_only", [True, False])
def test_bytes_are_spliced_as_values_are_replaced(ascii_only: bool) -> None:
    payload = anthropic(parts([*rows(), '{"name": "Zoë"}']))
    edits = {read(payload).segments[-1].ref: "Zoë and “others”"}
    spliced = splice(json.dumps(payload, ensure_ascii=ascii_only).encode(), edits)
    assert json.loads(spliced) == apply(payload, edits)
    assert spliced.isascii() == ascii_only


def test_what_came_out_is_left_alone() -> None:
    pruner = engine()
    out = cp.compress(anthropic(parts(rows())), pruner=pruner)
    assert cp.compress(out.payload, pruner=pruner).payload is out.payload


def test_a_persons_texts_stay_texts_of_their_own() -> None:
    body = {"system": "", "messages": [{"role": "user", "content": parts(["one", "two", "three"])}]}
    assert [segment.text for segment in read(body).segments] == ["one", "two", "three"]


def test_texts_with_more_than_a_text_and_fewer_than_three_stand_by_themselves() -> None:
    cited = {"type": "text", "text": "a", "citations": [{"index": 0}]}
    content = [*parts(["a", "b"]), cited, *parts(["c", "d", "e"])]
    assert list(runs(content)) == [(0, 1), (1, 2), (2, 3), (3, 6)]


def test_texts_are_joined_by_lines_and_a_part_keeps_what_the_others_say() -> None:
    assert joined(["a", "b\n", "c"]) == "a\nb\nc"
    assert bounds(as_step(3, 20)) == (3, 20)
    assert [bounds(step) for step in ("text", 7, "a:b", "3:", "")] == [None] * 5
    assert as_part([{"type": "text", "text": "a"}, {"text": "b", "cache_control": 1}], "c") == {
        "type": "text", "text": "c", "cache_control": 1,
    }  # fmt: skip
