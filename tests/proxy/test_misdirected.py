"""Requests of other providers reach nobody, keys reach their own provider alone, and what passes unread says so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import product

import httpx2
import pytest

from contextprune.proxy.job import Reason
from tests.proxy.in_process import Running, Scripted, edits, running
from tests.proxy.provider import Provider, providing

KEYS: dict[str, tuple[dict[str, str], frozenset[str]]] = {  # what is sent, and the upstreams that may see it
    "x-api-key: sk-ant": ({"x-api-key": "sk-ant-SECRET"}, frozenset({"anthropic"})),
    "bearer sk-ant": ({"authorization": "Bearer sk-ant-oat01-SECRET"}, frozenset({"anthropic"})),
    "bearer sk-ant, anthropic-version": (
        {"authorization": "Bearer sk-ant-SECRET", "anthropic-version": "2023-06-01"}, frozenset({"anthropic"})
    ),
    "bearer sk-proj": ({"authorization": "bearer sk-proj-SECRET"}, frozenset({"openai"})),
    "x-api-key: sk-proj": ({"x-api-key": "sk-proj-SECRET"}, frozenset({"openai"})),
    "both": ({"authorization": "Bearer sk-proj-SECRET", "x-api-key": "sk-ant-SECRET"}, frozenset()),
    "x-goog-api-key": ({"x-goog-api-key": "SECRET"}, frozenset()),
    "x-goog-api-key beside a bearer": ({"authorization": "Bearer x", "x-goog-api-key": "SECRET"}, frozenset()),
    "bearer of Google": ({"authorization": "Bearer ya29.SECRET"}, frozenset()),
    "signed for AWS": ({"authorization": "AWS4-HMAC-SHA256 Credential=SECRET", "x-amz-date": "x"}, frozenset()),
    "token of AWS": ({"x-amz-security-token": "SECRET"}, frozenset()),
    "bearer of Bedrock": ({"authorization": "Bearer ABSKSECRET"}, frozenset()),
}  # fmt: skip
PATHS = (
    "/v1/chat/completions", "/v1/responses", "/v1/messages", "/v1/messages/count_tokens", "/v1/models", "/v1/files",
    "/chat/completions", "/messages/", "/v1/v1/messages", "//v1/responses", "/v1/complete", "/v1/embeddings",
    "/v1beta/models/g:generateContent", "/v1/models/g:generateContent?key=AIzaSECRET", "/v1/models?key=AIzaSECRET",
    "/v1/projects/p/locations/l/publishers/anthropic/models/m:rawPredict", "/model/m/converse", "/api/chat", "/x",
)  # fmt: skip
CONTEXT = {"contents": [{"role": "user", "parts": [{"text": "hello"}]}]}


@dataclass
class Houses:
    """A proxy, the providers behind it by the names of their upstreams, and a client before it."""

    proxy: Running
    providers: dict[str, Provider]
    client: httpx2.Client

    def ask(self, path: str, headers: dict[str, str], method: str = "POST") -> httpx2.Response:
        return self.client.request(method, self.proxy.url + path, headers=headers, json=CONTEXT)

    def reached(self) -> dict[str, str]:
        """All that each provider got since the last time, as text; providers that got nothing are left out."""
        got: dict[str, str] = {}
        for name, provider in self.providers.items():
            for request in provider.requests:
                got[name] = f"{got.get(name, '')}{request.target} {request.headers} {request.body!r}\n"
            provider.requests.clear()
        return got


@pytest.fixture(scope="module")
def houses() -> Iterator[Houses]:
    with ExitStack() as stack:
        providers = {name: stack.enter_context(providing()) for name in ("openai", "anthropic", "gemini")}
        proxy = running(
            providers["openai"],
            Scripted(),
            upstream_anthropic=providers["anthropic"].url,
            upstreams={"/gemini": providers["gemini"].url},
            records=10_000,
        )
        client = stack.enter_context(httpx2.Client(timeout=30))
        yield Houses(stack.enter_context(proxy), providers, client)


@pytest.mark.parametrize("form", KEYS)
def test_a_key_reaches_no_provider_that_it_does_not_belong_to(houses: Houses, form: str) -> None:
    headers, allowed = KEYS[form]
    for method, path in product(("POST", "GET"), PATHS):
        answer = houses.ask(path, headers, method)
        reached = houses.reached()
        assert {name for name, text in reached.items() if "SECRET" in text} <= allowed, (method, path)
        assert len(reached) == (answer.headers.get("x-request-id") is not None), (method, path)
        if not reached:
            assert answer.status_code == 400
            assert "--upstream" in answer.text


@pytest.mark.parametrize("form", KEYS)
def test_behind_a_prefix_a_key_reaches_that_upstream_and_no_other(houses: Houses, form: str) -> None:
    headers, _ = KEYS[form]
    for path in PATHS:
        houses.ask(f"/gemini{path}", headers)
        reached = houses.reached()
        assert list(reached) == ["gemini"]
        assert "SECRET" in reached["gemini"]


def test_a_gemini_client_gets_a_sentence_with_the_setting_in_the_form_of_googles_errors(houses: Houses) -> None:
    before = len(houses.proxy.monitor.recent)
    path = "/v1beta/models/gemini-3-pro:streamGenerateContent?alt=sse"
    answer = houses.proxy.post(path, CONTEXT, headers={"x-goog-api-key": "SECRET"})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["status"]) == (400, 400, "INVALID_ARGUMENT")
    assert "--upstream /gemini=https://generativelanguage.googleapis.com" in error["message"]
    record = houses.proxy.records(before + 1)[0]
    assert (record.answer.status, record.answer.reason) == ("refused", Reason.NO_UPSTREAM)
    assert houses.reached() == {}


def test_what_a_browser_asks_for_is_refused_and_not_counted_as_a_clients_mistake() -> None:
    with running(scorers=Scripted(), upstream_openai="https://api.openai.com") as proxy:
        assert proxy.get("/favicon.ico").status_code == 400
        assert proxy.records()[0].answer.reason == ""


@pytest.mark.parametrize("content", [None, "in pieces"])
def test_a_context_behind_a_path_that_is_not_known_passes_and_says_so(houses: Houses, content: str | None) -> None:
    before = len(houses.proxy.monitor.recent)
    body = json.dumps(CONTEXT).encode()
    pieces = iter((body[:7], body[7:])) if content else body
    path = "/gemini/v1beta/models/gemini-3-pro:generateContent"
    headers = {"content-type": "application/json", "x-goog-api-key": "k"}
    answer = houses.proxy.post(path, content=pieces, headers=headers)
    assert answer.headers["x-contextprune-status"] == "passed"
    assert answer.headers["x-contextprune-reason"] == "unknown_path"
    assert houses.providers["gemini"].requests[-1].body == body
    assert houses.proxy.records(before + 1)[0].answer.reason is Reason.UNKNOWN_PATH
    houses.reached()


@pytest.mark.parametrize("path", ["/v1/embeddings", "/v1/files", "/gemini/v1/embeddings"])
def test_a_path_without_a_context_to_shorten_says_nothing(houses: Houses, path: str) -> None:
    answer = houses.proxy.post(path, {"model": "m", "input": "hello"})
    assert "x-contextprune-status" not in answer.headers
    assert houses.reached()


def test_unknown_paths_and_refusals_are_among_the_reasons(houses: Houses) -> None:
    from contextprune.proxy.dashboard.respond import stats

    before = len(houses.proxy.monitor.recent)
    houses.proxy.post("/gemini/v1beta/models/g:generateContent", CONTEXT)
    houses.proxy.post("/v1beta/models/g:generateContent", CONTEXT)
    houses.proxy.records(before + 2)
    assert {"unknown_path", "no_upstream"} <= stats(houses.proxy.monitor.snapshot())["all"]["reasons"].keys()
    houses.reached()


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/chat/completions", "/v1/chat/completions"),
        ("/v1/v1/chat/completions", "/v1/chat/completions"),
        ("/v1/chat/completions/", "/v1/chat/completions"),
        ("//v1//chat/completions", "/v1/chat/completions"),
        ("/openai/deployments/d/chat/completions?api-version=2026-06-01", ""),
        ("/v1/messages/?beta=true", "/v1/messages?beta=true"),
        ("/messages", "/v1/messages"),
        ("/responses", "/v1/responses"),
    ],
)
def test_every_form_of_an_endpoints_url_is_shortened(path: str, target: str) -> None:
    with running(scorers=edits(b"many words", b"few")) as proxy:
        answer = proxy.post(path, {"messages": [{"role": "user", "content": "many words"}]})
        request = proxy.provider.requests[0]
        assert request.target == (target or path)
        assert b"few" in request.body
        assert answer.headers["x-contextprune-status"] == "applied"


def test_a_compaction_of_the_provider_is_counted_as_one() -> None:
    with running(scorers=Scripted()) as proxy:
        answer = proxy.post("/v1/responses/compact", {"model": "m", "input": []})
        assert answer.headers["x-contextprune-status"] == "passed"
        assert proxy.records()[0].route == "compact"
