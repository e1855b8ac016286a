"""The provider of the tests demands what the real ones demand."""

from __future__ import annotations

from typing import Any

import anthropic
import httpx2
import openai
import pytest

from tests.proxy.provider import providing

TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}


def test_a_call_without_a_result_is_refused() -> None:
    calls = [{"id": "a", "type": "function", "function": {"name": "look", "arguments": "{}"}}]
    messages = [{"role": "assistant", "tool_calls": calls}, {"role": "user", "content": "?"}]
    with providing() as provider:
        got = httpx2.post(f"{provider.url}/v1/chat/completions", json={"messages": messages})
    assert got.status_code == 400
    assert "must be followed by tool messages" in got.text


def test_the_openai_client_reads_its_streams() -> None:
    with providing() as provider:
        client: Any = openai.OpenAI(base_url=f"{provider.url}/v1", api_key="k")
        hello = [{"role": "user", "content": "Hi"}]
        stream = client.chat.completions.create(model="gpt", messages=hello, tools=[TOOL], stream=True)
        names = [call.function.name for chunk in stream for c in chunk.choices for call in c.delta.tool_calls or ()]
        said = client.responses.create(model="gpt", input="Hi").output_text
    assert [name for name in names if name] == ["look", "look"]
    assert said == "Reply 2."


def test_the_anthropic_client_reads_its_streams_and_thinking_is_bound_to_what_stands_before() -> None:
    with providing() as provider:
        client: Any = anthropic.Anthropic(base_url=provider.url, api_key="k", max_retries=0)
        said = {"role": "user", "content": "Hi"}
        asked = {"model": "claude", "max_tokens": 9, "thinking": {"type": "enabled", "budget_tokens": 1024}}
        with client.messages.stream(messages=[said], **asked) as stream:
            first = stream.get_final_message()
        turn = {"role": "assistant", "content": [block.model_dump() for block in first.content]}
        again = [said, turn, {"role": "user", "content": "And?"}]
        assert client.messages.create(messages=again, **asked).usage.cache_read_input_tokens
        with pytest.raises(anthropic.BadRequestError, match="bound to a different conversation"):
            client.messages.create(messages=[{**said, "content": "Ho"}, *again[1:]], **asked)


def test_a_stream_that_is_cut_is_an_error_for_the_client() -> None:
    body = {"messages": [{"role": "user", "content": "Hi"}], "stream": True}
    with providing() as provider, pytest.raises(httpx2.TransportError):
        httpx2.post(f"{provider.url}/v1/chat/completions", json=body, headers={"x-scenario": "cut"})
