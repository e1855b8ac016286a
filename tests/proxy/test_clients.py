"""Real clients: the official SDKs in agent loops, through the proxy, before a provider that refuses what is refused."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anthropic
import openai
import pytest

from tests.proxy import agents
from tests.proxy.agents import Heard, page
from tests.proxy.in_process import Running, running
from tests.proxy.provider import Provider, Received, providing

TIME: dict[str, Any] = {"deadline": 20.0, "prefill": 10.0}  # for decisions, however busy the machine is
TURNS = 3
Agent = Callable[..., Heard]


@pytest.fixture(scope="module")
def proxy() -> Iterator[Running]:
    """One for all: sessions do not disturb one another, and the provider never refuses anything."""
    with running(**TIME) as found:
        yield found
        assert found.provider.refused == 0
        assert found.app.pool.status().restarts == 0


@pytest.fixture(scope="module")
def direct() -> Iterator[Provider]:
    """A provider that the same agents ask without a proxy."""
    with providing() as found:
        yield found
        assert found.refused == 0


def of(provider: Provider, name: str) -> list[Received]:
    """What the provider received of the agent that asks about `name`."""
    return [request for request in provider.requests if f"slow on {name}," in request.body.decode()]


AGENTS = [
    pytest.param(agents.chat, {}, id="chat"),
    pytest.param(agents.chat, {"stream": True}, id="chat-stream"),
    pytest.param(agents.responses, {}, id="responses"),
    pytest.param(agents.responses, {"stream": True}, id="responses-stream"),
    pytest.param(agents.messages, {}, id="messages"),
    pytest.param(agents.messages, {"stream": True}, id="messages-stream"),
    pytest.param(agents.messages, {"thinking": True}, id="thinking"),
    pytest.param(agents.messages, {"thinking": True, "stream": True}, id="thinking-stream"),
]


@pytest.mark.parametrize(("agent", "how"), AGENTS)
def test_an_agent_sends_less_and_nothing_else_changes(
    proxy: Running, direct: Provider, agent: Agent, how: dict[str, Any]
) -> None:
    name = f"host-{agent.__name__}-{'-'.join(how)}"
    refused = proxy.provider.refused
    without, heard = agent(direct.url, name, TURNS, **how), agent(proxy.url, name, TURNS, **how)
    assert proxy.provider.refused == refused
    assert heard.calls == without.calls == 2 * TURNS  # two at once in each turn
    assert heard.status == ["noop", *["applied"] * (2 * TURNS - 1)]
    whole, shorter = of(direct, name), of(proxy.provider, name)
    assert len(whole) == len(shorter) == 2 * TURNS
    for one, other in zip(whole[1:], shorter[1:], strict=True):
        assert len(other.body) < 0.7 * len(one.body)
    assert b"connection to db-00 refused" in shorter[-1].body


@pytest.mark.parametrize(("agent", "how"), AGENTS)
def test_the_providers_cache_is_read_as_without_a_proxy(
    proxy: Running, direct: Provider, agent: Agent, how: dict[str, Any]
) -> None:
    name = f"cache-{agent.__name__}-{'-'.join(how)}"
    without, heard = agent(direct.url, name, TURNS, **how), agent(proxy.url, name, TURNS, **how)
    assert without.cached
    assert heard.cached
    assert heard.total[-1] < 0.7 * without.total[-1]
    assert heard.read[1:] == sorted(heard.read[1:])


def test_agents_at_once_do_not_get_in_one_anothers_way(proxy: Running) -> None:
    todo: list[tuple[Agent, bool]] = [(agents.chat, True), (agents.responses, False), (agents.messages, True)] * 2
    with ThreadPoolExecutor(len(todo)) as pool:
        coming = [
            pool.submit(agent, proxy.url, f"crowd-{i}", TURNS, stream=stream) for i, (agent, stream) in enumerate(todo)
        ]
        heard = [each.result(120) for each in coming]
    for one in heard:
        assert one.cached
        assert one.calls == 2 * TURNS
    assert "applied" in {status for one in heard for status in one.status}


def test_with_the_recall_tool_every_request_of_a_session_offers_the_same_tools(proxy: Running) -> None:
    every: list[Agent] = [agents.chat, agents.responses, agents.messages]
    for agent in every:
        name = f"recall-{agent.__name__}"
        heard = agent(proxy.url, name, 2, headers={"x-contextprune-recall": "tool"})
        offered = [request.json["tools"] for request in of(proxy.provider, name)]
        assert heard.cached
        assert all(tools == offered[0] for tools in offered)
        assert len(offered[0]) == 2
        assert b"recall=" in of(proxy.provider, name)[-1].body


def test_tokens_are_counted_of_what_would_be_sent(proxy: Running, direct: Provider) -> None:
    told: Any = {"model": "claude-opus-4-5", "messages": _talk("counted", cut=True)}
    through, straight = (anthropic.Anthropic(base_url=url, api_key="k") for url in (proxy.url, direct.url))
    counted = through.messages.count_tokens(**told).input_tokens
    assert counted < 0.7 * straight.messages.count_tokens(**told).input_tokens
    through.messages.create(max_tokens=99, **told)
    counts, sent = proxy.provider.requests[-2:]
    assert counts.json["messages"] == sent.json["messages"]
    items = [
        {"role": "user", "content": "What was slow on counted, part 1?"},
        {"type": "function_call", "call_id": "c", "name": "logs", "arguments": '{"q": 1}'},
        {"type": "function_call_output", "call_id": "c", "output": page("counted", 1, 1)},
    ]
    asked: Any = {"model": "gpt-5", "input": items}
    few, many = (
        openai.OpenAI(base_url=f"{url}/v1", api_key="k").responses.input_tokens.count(**asked).input_tokens
        for url in (proxy.url, direct.url)
    )
    assert few < 0.7 * many


def test_images_and_blocks_that_nobody_knows_pass_beside_what_is_cut(proxy: Running) -> None:
    image = {
        "type": "image",
        "source": {"type": "base64", "media_type": "image/png", "data": base64.b64encode(bytes(3000)).decode()},
    }
    talk = _talk("pictures", cut=True)
    strange = {"type": "hologram", "depth": 3.0, "data": ["😀", None, {"text": "x" * 3000}]}
    talk[0]["content"] += [image, strange]
    talk[2]["content"] += [{"type": "text", "text": "And this?"}, image]
    talk[2]["content"][0]["content"] += [image]
    client = anthropic.Anthropic(base_url=proxy.url, api_key="k")
    raw = client.messages.with_raw_response.create(model="claude-opus-4-5", max_tokens=99, messages=talk)
    assert raw.headers["x-contextprune-status"] == "applied"
    sent = proxy.provider.requests[-1].json["messages"]
    assert len(sent[2]["content"][0]["content"][0]["text"]) < 0.7 * len(page("pictures", 1, 1))
    sent[2]["content"][0]["content"][0]["text"] = page("pictures", 1, 1)
    assert sent == talk


def test_images_and_parts_that_nobody_knows_pass_on_openais_routes(proxy: Running) -> None:
    url = "data:image/png;base64," + base64.b64encode(bytes(3000)).decode()
    call = {"id": "c1", "type": "function", "function": {"name": "logs", "arguments": '{"q": 1}'}}
    talk: Any = [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}, {"type": "smell", "of": "tar"}]},
        {"role": "assistant", "content": None, "tool_calls": [call], "mood": "good"},
        {"role": "tool", "tool_call_id": "c1", "content": page("parts", 1, 1)},
    ]
    client = openai.OpenAI(base_url=f"{proxy.url}/v1", api_key="k")
    more = {"service_tier": "flex", "new_option": {"a": [1.50, -0.0, True]}}
    got = client.chat.completions.with_raw_response.create(model="gpt-5", messages=talk, extra_body=more)
    assert got.headers["x-contextprune-status"] == "applied"
    request = proxy.provider.requests[-1]
    sent = request.json["messages"]
    assert sent[:3] == talk[:3]
    assert len(sent[3]["content"]) < 0.7 * len(talk[3]["content"])
    assert request.json["new_option"] == more["new_option"]
    assert b"[1.5,-0.0,true]" in request.body.replace(b" ", b"")


async def _crowd(url: str) -> list[int]:
    clients = [anthropic.AsyncAnthropic(base_url=url, api_key=f"k{i}", max_retries=0) for i in range(12)]
    talks: list[Any] = [_talk(f"async-{i}", cut=True) for i in range(12)]

    async def ask(client: anthropic.AsyncAnthropic, talk: Any) -> int:
        async with client, client.messages.stream(model="claude-opus-4-5", max_tokens=99, messages=talk) as stream:
            return len((await stream.get_final_message()).content)

    return await asyncio.gather(*(ask(client, talk) for client, talk in zip(clients, talks, strict=True)))


def test_the_asynchronous_clients_work_just_so(proxy: Running) -> None:
    assert asyncio.run(_crowd(proxy.url)) == [1] * 12
    sent = [len(of(proxy.provider, f"async-{i}")[-1].body) for i in range(12)]
    assert max(sent) < len(json.dumps(_talk("async-11", cut=True)))


def test_an_error_of_the_provider_is_the_same_error_for_the_client(proxy: Running) -> None:
    client = anthropic.Anthropic(base_url=proxy.url, api_key="k", max_retries=0)
    asked: Any = {"model": "claude-opus-4-5", "max_tokens": 9, "messages": [{"role": "user", "content": "x"}]}
    for status, kind in ((401, anthropic.AuthenticationError), (429, anthropic.RateLimitError)):
        with pytest.raises(kind) as caught:
            client.messages.create(**asked, extra_headers={"x-scenario": str(status)})
        assert caught.value.response.headers["retry-after"] == "7"
        assert caught.value.response.headers["x-request-id"].startswith("req_")


def _talk(name: str, *, cut: bool) -> list[Any]:
    """A question, a call, and its result."""
    text = page(name, 1, 1) if cut else "nothing"
    return [
        {"role": "user", "content": [{"type": "text", "text": f"What was slow on {name}, part 1?"}]},
        {"role": "assistant", "content": [{"type": "tool_use", "id": f"t-{name}", "name": "logs", "input": {"q": 1}}]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": f"t-{name}", "content": [{"type": "text", "text": text}]}]},
    ]  # fmt: skip
