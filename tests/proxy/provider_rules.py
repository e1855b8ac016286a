"""What providers demand of a conversation, and what they answer: pairing, signed thinking, the prompt cache.

The texts of the errors are those that users report of the real ones.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
_SECRET = b"the provider's own"


class Refused(Exception):  # noqa: N818 - the provider's word
    """A 400 with the provider's message."""


@dataclass
class Memory:
    """Beginnings of conversations that the provider has in its cache."""

    seen: set[str] = field(default_factory=set)

    def read(self, parts: Sequence[Any]) -> tuple[int, int]:
        """(tokens read from the cache, tokens written to it) for a prompt of these parts."""
        sizes = [len(_canonical(part)) // 4 for part in parts]
        keys = list(_prefixes(parts))
        known = next((i + 1 for i in reversed(range(len(keys))) if keys[i] in self.seen), 0)
        self.seen.update(keys)
        return sum(sizes[:known]), sum(sizes[known:])


def check_chat(body: Json) -> None:
    """Every tool call is answered by one tool message, nothing in between."""
    open_: set[str] = set()
    for i, message in enumerate(_list(body, "messages")):
        role = message.get("role")
        if role == "tool":
            if message.get("tool_call_id") not in open_:
                raise Refused(
                    f"Invalid parameter: messages.[{i}]: messages with role 'tool' must be a response to a "
                    "preceeding message with 'tool_calls'."
                )
            open_.discard(message["tool_call_id"])
            continue
        if open_:
            raise Refused(
                "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
                f"'tool_call_id'. The following tool_call_ids did not have response messages: {sorted(open_)}"
            )
        if role == "assistant":
            open_ = {call["id"] for call in message.get("tool_calls") or ()}
            for call in message.get("tool_calls") or ():
                json.loads(call["function"]["arguments"])
    if open_:
        raise Refused(f"tool_call_ids did not have response messages: {sorted(open_)}")


def check_responses(body: Json) -> None:
    """Calls and their outputs pair by call_id."""
    items = body.get("input", [])
    if isinstance(items, str):
        return
    calls = {item["call_id"] for item in items if item.get("type") == "function_call"}
    outputs = [item["call_id"] for item in items if item.get("type") == "function_call_output"]
    for call in outputs:
        if call not in calls:
            raise Refused(f"No tool call found for function call output with call_id {call}.")
    for call in sorted(calls - set(outputs)):
        raise Refused(f"No tool output found for function call {call}.")


def check_messages(body: Json) -> None:
    """Tool results stand first in the very next user message; signed thinking holds for what stands before it."""
    messages = _list(body, "messages")
    open_: list[str] = []
    for i, message in enumerate(messages):
        blocks = message.get("content")
        blocks = blocks if isinstance(blocks, list) else []
        results = [b.get("tool_use_id") for b in blocks if b.get("type") == "tool_result"]
        if message.get("role") == "user":
            missing = [one for one in open_ if one not in results[: len(open_)]]
            if missing:
                raise Refused(
                    f"messages.{i}: 'tool_use' ids were found without 'tool_result' blocks immediately after: "
                    f"{', '.join(missing)}. Each 'tool_use' block must have a corresponding 'tool_result' block in "
                    "the next message."
                )
            for one in results:
                if one not in open_:
                    raise Refused(f"messages.{i}.content.0: unexpected 'tool_use_id' found in 'tool_result': {one}.")
        open_ = [b["id"] for b in blocks if b.get("type") == "tool_use"]
        for j, block in enumerate(blocks):
            if block.get("type") == "thinking" and not _signed(body, i, block):
                raise Refused(
                    f"messages.{i}.content.{j}: Invalid 'signature' in 'thinking' block. The block is bound to a "
                    "different conversation."
                )
    if open_:
        raise Refused(f"messages.{len(messages)}: 'tool_use' ids were found without 'tool_result' blocks: {open_}")


def signature(body: Json, end: int, thinking: str) -> str:
    """What binds a thinking block to everything before message `end`."""
    before = [body.get("system"), body.get("tools"), body["messages"][:end], thinking]
    return hmac.new(_SECRET, _canonical(before), hashlib.sha256).hexdigest()


def _signed(body: Json, at: int, block: Mapping[str, Any]) -> bool:
    return hmac.compare_digest(signature(body, at, block["thinking"]), str(block.get("signature", "")))


CHECKS = {
    "/v1/chat/completions": check_chat,
    "/v1/responses": check_responses,
    "/v1/responses/input_tokens": check_responses,
    "/v1/messages": check_messages,
    "/v1/messages/count_tokens": check_messages,
}


def reply(path: str, body: Json, memory: Memory, number: int) -> Json:
    """What the model says: where tools are offered and the user spoke last, two calls at once; else a sentence."""
    return {"/v1/chat/completions": _chat, "/v1/responses": _responses, "/v1/messages": _messages}[path](
        body, memory, number
    )


def _chat(body: Json, memory: Memory, number: int) -> Json:
    read, written = memory.read([body.get("tools"), *body["messages"]])
    message: Json = {"role": "assistant", "content": f"Reply {number}."}
    calling = _offered(body) and body["messages"][-1]["role"] == "user"
    if calling:
        message["content"] = None
        message["tool_calls"] = [
            {"id": f"call_{number}_{k}", "type": "function", "function": {"name": name, "arguments": f'{{"q": {k}}}'}}
            for k, name in enumerate(_offered(body)[:1] * 2)
        ]
    return {
        "id": f"chatcmpl-{number}", "object": "chat.completion", "created": 1, "model": body.get("model", "gpt"),
        "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls" if calling else "stop"}],
        "usage": {
            "prompt_tokens": read + written, "completion_tokens": 5, "total_tokens": read + written + 5,
            "prompt_tokens_details": {"cached_tokens": read},
        },
    }  # fmt: skip


def _responses(body: Json, memory: Memory, number: int) -> Json:
    items = body.get("input", [])
    items = items if isinstance(items, list) else [{"role": "user", "content": items}]
    read, written = memory.read([body.get("instructions"), body.get("tools"), *items])
    output: list[Json] = [
        {"id": f"msg_{number}", "type": "message", "role": "assistant", "status": "completed",
         "content": [{"type": "output_text", "text": f"Reply {number}.", "annotations": []}]}
    ]  # fmt: skip
    if _offered(body) and items[-1].get("role") == "user":
        output = [
            {"id": f"fc_{number}_{k}", "type": "function_call", "status": "completed",
             "call_id": f"call_{number}_{k}", "name": name, "arguments": f'{{"q": {k}}}'}
            for k, name in enumerate(_offered(body)[:1] * 2)
        ]  # fmt: skip
    return {
        "id": f"resp_{number}", "object": "response", "created_at": 1, "status": "completed",
        "model": body.get("model", "gpt"), "output": output, "parallel_tool_calls": True, "tool_choice": "auto",
        "tools": body.get("tools", []),
        "usage": {
            "input_tokens": read + written, "input_tokens_details": {"cached_tokens": read, "cache_write_tokens": 0},
            "output_tokens": 5, "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": read + written + 5,
        },
    }  # fmt: skip


def _messages(body: Json, memory: Memory, number: int) -> Json:
    read, written = memory.read([body.get("tools"), body.get("system"), *body["messages"]])
    content: list[Json] = [{"type": "text", "text": f"Reply {number}."}]
    last = body["messages"][-1]["content"]
    answered = isinstance(last, list) and any(block.get("type") == "tool_result" for block in last)
    calling = _offered(body) and not answered
    if calling:
        content = [
            {"type": "tool_use", "id": f"toolu_{number}_{k}", "name": name, "input": {"q": k}}
            for k, name in enumerate(_offered(body)[:1] * 2)
        ]
    if body.get("thinking"):
        thought = f"Thought {number}."
        signed = signature(body, len(body["messages"]), thought)
        content.insert(0, {"type": "thinking", "thinking": thought, "signature": signed})
    return {
        "id": f"msg_{number}", "type": "message", "role": "assistant", "model": body.get("model", "claude"),
        "content": content, "stop_reason": "tool_use" if calling else "end_turn", "stop_sequence": None,
        "usage": {
            "input_tokens": 0, "output_tokens": 5, "cache_read_input_tokens": read,
            "cache_creation_input_tokens": written,
        },
    }  # fmt: skip


def events(path: str, said: Json) -> Iterator[bytes]:
    """The same reply as the provider streams it: one SSE event at a time."""
    if path == "/v1/chat/completions":
        yield from _chat_events(said)
    elif path == "/v1/responses":
        yield from _responses_events(said)
    else:
        yield from _messages_events(said)


def _chat_events(said: Json) -> Iterator[bytes]:
    base = {key: said[key] for key in ("id", "created", "model")} | {"object": "chat.completion.chunk"}
    choice = said["choices"][0]
    deltas: list[Json] = [{"role": "assistant", "content": ""}]
    for k, call in enumerate(choice["message"].get("tool_calls") or ()):
        arguments = call["function"]["arguments"]
        first = {"index": k, **call, "function": {"name": call["function"]["name"], "arguments": ""}}
        deltas += [{"tool_calls": [first]}]
        deltas += [{"tool_calls": [{"index": k, "function": {"arguments": part}}]} for part in _halves(arguments)]
    deltas += [{"content": word} for word in _halves(choice["message"]["content"] or "")]
    for delta in deltas:
        yield _event({**base, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
    yield _event({**base, "choices": [{"index": 0, "delta": {}, "finish_reason": choice["finish_reason"]}]})
    yield _event({**base, "choices": [], "usage": said["usage"]})
    yield b"data: [DONE]\n\n"


def _responses_events(said: Json) -> Iterator[bytes]:
    events_: list[Json] = [{"type": "response.created", "response": {**said, "status": "in_progress", "output": []}}]
    for k, item in enumerate(said["output"]):
        events_.append({"type": "response.output_item.added", "output_index": k, "item": item})
        if item["type"] == "message":
            part = item["content"][0]
            place = {"item_id": item["id"], "output_index": k, "content_index": 0}
            events_.append({"type": "response.content_part.added", **place, "part": {**part, "text": ""}})
            events_ += [
                {"type": "response.output_text.delta", **place, "delta": word, "logprobs": []}
                for word in _halves(part["text"])
            ]
            events_.append({"type": "response.output_text.done", **place, "text": part["text"], "logprobs": []})
        events_.append({"type": "response.output_item.done", "output_index": k, "item": item})
    events_.append({"type": "response.completed", "response": said})
    for number, event in enumerate(events_):
        yield _event({**event, "sequence_number": number}, event["type"])


def _messages_events(said: Json) -> Iterator[bytes]:
    start = {**said, "content": [], "stop_reason": None, "usage": {**said["usage"], "output_tokens": 1}}
    yield _event({"type": "message_start", "message": start}, "message_start")
    for k, block in enumerate(said["content"]):
        empty, deltas = _unfolded(block)
        yield _event({"type": "content_block_start", "index": k, "content_block": empty}, "content_block_start")
        for delta in deltas:
            yield _event({"type": "content_block_delta", "index": k, "delta": delta}, "content_block_delta")
        yield _event({"type": "content_block_stop", "index": k}, "content_block_stop")
    delta = {"stop_reason": said["stop_reason"], "stop_sequence": None}
    end = {"type": "message_delta", "delta": delta, "usage": {"output_tokens": 5}}
    yield _event(end, "message_delta")
    yield _event({"type": "message_stop"}, "message_stop")


def _unfolded(block: Json) -> tuple[Json, list[Json]]:
    """A content block as it begins, and what is added to it."""
    if block["type"] == "text":
        return {**block, "text": ""}, [{"type": "text_delta", "text": word} for word in _halves(block["text"])]
    if block["type"] == "thinking":
        deltas = [{"type": "thinking_delta", "thinking": word} for word in _halves(block["thinking"])]
        signed = {"type": "signature_delta", "signature": block["signature"]}
        return {**block, "thinking": "", "signature": ""}, [*deltas, signed]
    parts = _halves(json.dumps(block["input"]))
    return {**block, "input": {}}, [{"type": "input_json_delta", "partial_json": part} for part in parts]


def _halves(text: str) -> list[str]:
    middle = len(text) // 2
    return [part for part in (text[:middle], text[middle:]) if part]


def _event(data: Json, name: str = "") -> bytes:
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {json.dumps(data)}\n\n".encode()


def _offered(body: Json) -> list[str]:
    return [tool.get("name") or tool["function"]["name"] for tool in body.get("tools") or ()]


def _list(body: Json, key: str) -> list[Json]:
    found = body.get(key)
    if not isinstance(found, list) or not found:
        raise Refused(f"{key}: a non-empty array is required")
    return found


def _canonical(value: Any) -> bytes:
    """JSON without cache breakpoints, which move from turn to turn and are no part of what is read."""
    return json.dumps(_bare(value), sort_keys=True).encode()


def _bare(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _bare(inner) for key, inner in value.items() if key != "cache_control"}
    return [_bare(inner) for inner in value] if isinstance(value, list) else value


def _prefixes(parts: Sequence[Any]) -> Iterator[str]:
    whole = hashlib.sha256()
    for part in parts:
        whole.update(_canonical(part))
        yield whole.hexdigest()
