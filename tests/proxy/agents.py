"""Agents as their authors write them: the official SDKs in a loop, tools whose results are long, nothing of ours."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import anthropic
import openai

from tests.proxy.pool.running_pool import log

SYSTEM = "You look after servers. Find out what was slow, and say so in one sentence. " * 8
ROWS = 110  # of a page of a log
_SCHEMA = {"type": "object", "properties": {"q": {"type": "integer", "description": "Which page of the log."}}}
_WHAT = "Reads one page of the log of a server."
CHAT_TOOLS = [{"type": "function", "function": {"name": "logs", "description": _WHAT, "parameters": _SCHEMA}}]
RESPONSES_TOOLS = [{"type": "function", "name": "logs", "description": _WHAT, "parameters": _SCHEMA, "strict": False}]
MESSAGES_TOOLS = [{"name": "logs", "description": _WHAT, "input_schema": _SCHEMA}]


Headers = Mapping[str, str] | None


@dataclass
class Heard:
    """What an agent got to know, request by request.

    status  what the proxy says it did, "" without one
    read    tokens that the provider had in its cache; `total` are all tokens of the prompt
    calls   tool calls that it made
    """

    status: list[str] = field(default_factory=list)
    read: list[int] = field(default_factory=list)
    total: list[int] = field(default_factory=list)
    calls: int = 0

    def note(self, headers: Mapping[str, str], read: int, total: int) -> None:
        self.status.append(headers.get("x-contextprune-status", ""))
        self.read.append(read)
        self.total.append(total)

    @property
    def cached(self) -> bool:
        """Whether each request found the whole one before it in the provider's cache."""
        return all(read == before for read, before in zip(self.read[1:], self.total, strict=False))


def page(name: str, turn: int, call: int) -> str:
    """The result of one call: a log with one line that matters."""
    text = log(f"{name} turn {turn} page {call}", ROWS)
    return f"{text}\n2026-01-01 13:00:00 ERROR {name} connection to db-{turn}{call} refused: timeout after 30 s\n"


def chat(url: str, name: str, turns: int, *, stream: bool = False, headers: Headers = None) -> Heard:
    """An agent on OpenAI's Chat Completions."""
    client = openai.OpenAI(base_url=f"{url}/v1", api_key="sk-test", max_retries=0, default_headers=headers)
    heard = Heard()
    messages: list[Any] = [{"role": "system", "content": SYSTEM}]
    for turn in range(turns):
        messages.append({"role": "user", "content": f"What was slow on {name}, part {turn}?"})
        while messages[-1]["role"] != "assistant":
            message = (_chat_stream if stream else _chat_whole)(client, heard, messages)
            messages.append(message)
            for call in message.get("tool_calls") or ():
                at = json.loads(call["function"]["arguments"])["q"]
                messages.append({"role": "tool", "tool_call_id": call["id"], "content": page(name, turn, at)})
                heard.calls += 1
    client.close()
    return heard


def _chat_whole(client: openai.OpenAI, heard: Heard, messages: list[Any]) -> dict[str, Any]:
    tools: Any = CHAT_TOOLS
    raw = client.chat.completions.with_raw_response.create(model="gpt-5", messages=messages, tools=tools)
    said = raw.parse()
    assert said.usage is not None
    assert said.usage.prompt_tokens_details is not None
    heard.note(raw.headers, said.usage.prompt_tokens_details.cached_tokens or 0, said.usage.prompt_tokens)
    return said.choices[0].message.model_dump(exclude_none=True)


def _chat_stream(client: openai.OpenAI, heard: Heard, messages: list[Any]) -> dict[str, Any]:
    tools: Any = CHAT_TOOLS
    raw = client.chat.completions.with_raw_response.create(
        model="gpt-5", messages=messages, tools=tools, stream=True, stream_options={"include_usage": True}
    )
    text, usage = "", None
    calls: dict[int, dict[str, Any]] = {}
    for chunk in raw.parse():
        usage = chunk.usage or usage
        for choice in chunk.choices:
            text += choice.delta.content or ""
            for call in choice.delta.tool_calls or ():
                assert call.function is not None
                told = calls.setdefault(call.index, {"id": call.id, "name": call.function.name, "arguments": ""})
                told["arguments"] += call.function.arguments or ""
    assert usage is not None
    assert usage.prompt_tokens_details is not None
    heard.note(raw.headers, usage.prompt_tokens_details.cached_tokens or 0, usage.prompt_tokens)
    if not calls:
        return {"role": "assistant", "content": text}
    made = [
        {"id": call["id"], "type": "function", "function": {"name": call["name"], "arguments": call["arguments"]}}
        for call in calls.values()
    ]
    return {"role": "assistant", "content": None, "tool_calls": made}


def responses(url: str, name: str, turns: int, *, stream: bool = False, headers: Headers = None) -> Heard:
    """An agent on OpenAI's Responses, with reasoning that only the provider can read."""
    client = openai.OpenAI(base_url=f"{url}/v1", api_key="sk-test", max_retries=0, default_headers=headers)
    heard, items = Heard(), list[Any]()
    tools: Any = RESPONSES_TOOLS
    asked: dict[str, Any] = {"model": "gpt-5", "instructions": SYSTEM, "tools": tools, "store": False}
    for turn in range(turns):
        items.append({"role": "user", "content": f"What was slow on {name}, part {turn}?"})
        while items[-1].get("role") != "assistant":
            raw = client.responses.with_raw_response.create(input=items, stream=stream, **asked)
            said: Any = raw.parse()
            if stream:
                said = [event.response for event in said if event.type == "response.completed"][-1]
            heard.note(raw.headers, said.usage.input_tokens_details.cached_tokens, said.usage.input_tokens)
            sealed = {"type": "reasoning", "id": f"rs_{len(items)}", "summary": [], "encrypted_content": "gAAAA" * 200}
            made = [item for item in said.output if item.type == "function_call"]
            items += [sealed, *(item.model_dump(exclude_none=True) for item in said.output)]
            for item in made:
                text = page(name, turn, json.loads(item.arguments)["q"])
                items.append({"type": "function_call_output", "call_id": item.call_id, "output": text})
                heard.calls += 1
    client.close()
    return heard


def messages(
    url: str, name: str, turns: int, *, stream: bool = False, thinking: bool = False, headers: Headers = None
) -> Heard:
    """An agent on Anthropic's Messages that marks the end of its prompt for the cache, as Claude Code does."""
    client = anthropic.Anthropic(base_url=url, api_key="sk-ant-test", max_retries=0, default_headers=headers)
    heard, told = Heard(), list[Any]()
    said: Any
    tools: Any = MESSAGES_TOOLS
    asked: dict[str, Any] = {"model": "claude-opus-4-5", "max_tokens": 4000, "system": SYSTEM, "tools": tools}
    if thinking:
        asked["thinking"] = {"type": "enabled", "budget_tokens": 2000}
    for turn in range(turns):
        told.append({"role": "user", "content": [{"type": "text", "text": f"What was slow on {name}, part {turn}?"}]})
        while told[-1]["role"] != "assistant":
            _mark(told)
            if stream:
                with client.messages.stream(messages=told, **asked) as events:
                    said, got = events.get_final_message(), events.response.headers
            else:
                raw = client.messages.with_raw_response.create(messages=told, **asked)
                said, got = raw.parse(), raw.headers
            read, written = said.usage.cache_read_input_tokens or 0, said.usage.cache_creation_input_tokens or 0
            heard.note(got, read, read + written)
            told.append({"role": "assistant", "content": [_sent(block) for block in said.content]})
            results: list[Any] = [
                {"type": "tool_result", "tool_use_id": block.id,
                 "content": [{"type": "text", "text": page(name, turn, int(block.input["q"]))}]}
                for block in said.content if block.type == "tool_use"
            ]  # fmt: skip
            heard.calls += len(results)
            if results:
                told.append({"role": "user", "content": results})
    client.close()
    return heard


def _sent(block: Any) -> dict[str, Any]:
    """A block of an answer as it is sent back: what only an answer has, left out."""
    return {key: value for key, value in block.model_dump(exclude_none=True).items() if key != "caller"}


def _mark(told: list[Any]) -> None:
    """The one breakpoint of the cache stands at the end, and moves there with every request."""
    for message in told:
        for block in message["content"]:
            block.pop("cache_control", None)
    told[-1]["content"][-1]["cache_control"] = {"type": "ephemeral"}
