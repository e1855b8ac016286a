"""LiteLLM's real proxy in front of the side-car and of the proxy: what its provider finds in the prompt cache.

Skipped where LiteLLM is not installed; it needs `pip install 'litellm[proxy]'` beside the test requirements.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest

from tests.proxy.broken_sidecar import FAULTS, broken
from tests.proxy.gateway_sessions import Message, histories, session
from tests.proxy.litellm_gateway import LiteLLM, gateway, guardrail
from tests.proxy.provider import Provider, providing
from tests.proxy.serve_process import Served, serving

pytest.importorskip("litellm.proxy.guardrails.guardrail_hooks.headroom", reason="LiteLLM's proxy is not installed")

SESSIONS = 20
ENDPOINT = "generic_guardrail_api"
NOBODY = "http://127.0.0.1:9"  # the port of the discard service, where nothing listens
BROKEN = (*FAULTS, "hang")


@dataclass
class Rig:
    """LiteLLM, the proxy with its side-car, and the provider behind both."""

    litellm: LiteLLM
    served: Served
    provider: Provider

    def through(self, *guardrails: str) -> Sender:
        """Requests that go through LiteLLM and these guardrails to the provider."""
        return lambda messages: self.litellm.ask(messages, *guardrails)

    def proxied(self, messages: list[Message]) -> httpx2.Response:
        """A request that goes through our proxy to the provider."""
        headers = {"authorization": "Bearer sk-client"}
        return self.served.post("/v1/chat/completions", {"model": "gpt-5", "messages": messages}, headers=headers)


Sender = Callable[[list[Message]], httpx2.Response]


@dataclass
class Seen:
    """What the provider received of one session: messages, tokens and tokens from its cache, by request."""

    messages: list[list[Message]] = field(default_factory=list)
    tokens: list[int] = field(default_factory=list)
    cached: list[int] = field(default_factory=list)

    def note(self, messages: list[Message], usage: Mapping[str, Any]) -> None:
        self.messages.append(messages)
        self.tokens.append(usage["prompt_tokens"])
        self.cached.append(usage["prompt_tokens_details"]["cached_tokens"])

    @property
    def grows(self) -> bool:
        """True where each request begins with all of the one before."""
        return all(new[: len(old)] == old for old, new in zip(self.messages, self.messages[1:], strict=False))

    @property
    def repeated(self) -> list[int]:
        """Tokens of each request that the one before had sent already."""
        return [0, *self.tokens[:-1]]


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    folder = tmp_path_factory.mktemp("gateway")
    with ExitStack() as stack:
        provider = stack.enter_context(providing())
        served = stack.enter_context(serving(provider, folder / "store.sqlite3"))
        urls = {fault: stack.enter_context(broken(fault)) for fault in BROKEN} | {"down": NOBODY}
        opened = {"unreachable_fallback": "fail_open", "timeout": 1.0, "api_key": "sk-gateway"}
        guardrails = [
            guardrail("headroom", "headroom", served.url, **{**opened, "timeout": 30.0}),
            guardrail("generic", ENDPOINT, served.url, fail_on_error=False, **{**opened, "timeout": 30.0}),
            *(guardrail(f"headroom-{fault}", "headroom", url, **opened) for fault, url in urls.items()),
            *(
                guardrail(f"generic-{fault}", ENDPOINT, url, fail_on_error=False, **opened)
                for fault, url in urls.items()
            ),
        ]
        litellm = stack.enter_context(gateway(folder, provider.url, guardrails))
        yield Rig(litellm, served, provider)


def replayed(rig: Rig, send: Sender) -> list[Seen]:
    """What the provider received of all sessions, its cache empty at the start of each."""
    sessions = []
    for seed in range(SESSIONS):
        rig.provider.memory.seen.clear()
        seen = Seen()
        for messages in histories(session(seed)):
            response = send(messages)
            assert response.status_code == 200, response.text
            seen.note(rig.provider.requests[-1].json["messages"], response.json()["usage"])
        sessions.append(seen)
    return sessions


@pytest.fixture(scope="module")
def direct(rig: Rig) -> list[Seen]:
    """The sessions through LiteLLM without any guardrail."""
    return replayed(rig, rig.through())


@pytest.fixture(scope="module", params=["headroom", "generic", "proxy"])
def replay(request: pytest.FixtureRequest, rig: Rig) -> tuple[str, list[Seen]]:
    """The sessions through one of LiteLLM's guardrails with the side-car, or through the proxy."""
    name: str = request.param
    return name, replayed(rig, rig.proxied if name == "proxy" else rig.through(name))


Replay = tuple[str, list[Seen]]


def test_each_request_begins_with_the_bytes_of_the_one_before(replay: Replay) -> None:
    assert all(seen.grows for seen in replay[1])


def test_all_that_a_request_repeats_comes_from_the_providers_cache_as_it_does_without_us(
    direct: list[Seen], replay: Replay
) -> None:
    assert all(seen.cached == seen.repeated for seen in direct)
    assert all(seen.cached == seen.repeated for seen in replay[1])


def test_the_hit_rate_is_what_it_would_be_without_us(direct: list[Seen], replay: Replay) -> None:
    assert hit_rate(replay[1]) == pytest.approx(hit_rate(direct), abs=0.02)


def hit_rate(sessions: Sequence[Seen]) -> float:
    return sum(sum(seen.cached) for seen in sessions) / sum(sum(seen.tokens) for seen in sessions)


def test_no_session_costs_more_and_where_results_come_when_they_are_new_each_costs_less(
    direct: list[Seen], replay: Replay
) -> None:
    name, sessions = replay
    pairs = [(cost(with_us), cost(without)) for with_us, without in zip(sessions, direct, strict=True)]
    assert all(with_us <= without for with_us, without in pairs)
    assert name == "headroom" or all(with_us < 0.9 * without for with_us, without in pairs)


def cost(seen: Seen) -> float:
    """The input's cost in tokens of fresh input, at the prices of a cache that reads at a tenth."""
    return sum(tokens - 0.9 * cached for tokens, cached in zip(seen.tokens, seen.cached, strict=True))


@pytest.mark.parametrize("kind", ["headroom", "generic"])
@pytest.mark.parametrize("fault", [*BROKEN, "down"])
def test_whatever_is_wrong_with_a_side_car_the_request_goes_out_as_it_came(rig: Rig, kind: str, fault: str) -> None:
    messages = session(99)
    response = rig.litellm.ask(messages, f"{kind}-{fault}")
    assert response.status_code == 200, response.text
    sent = rig.provider.requests[-1].json["messages"]
    assert [bare(message) for message in sent] == [bare(message) for message in messages]


def bare(message: Message) -> Message:
    return {key: value for key, value in message.items() if value is not None}


def test_a_session_goes_on_after_a_request_that_went_by_the_side_car(rig: Rig) -> None:
    rig.provider.memory.seen.clear()
    for at, messages in enumerate(histories(session(77))):
        response = rig.litellm.ask(messages, "generic-down" if at == 3 else "generic")
        assert response.status_code == 200, response.text
    usage = response.json()["usage"]
    assert usage["prompt_tokens_details"]["cached_tokens"] > 0.5 * usage["prompt_tokens"]
