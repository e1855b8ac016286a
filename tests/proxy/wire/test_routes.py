"""Paths lead where the operator wrote down, and nowhere else."""

from __future__ import annotations

import pytest

from contextprune.proxy.job import Task
from contextprune.proxy.options import Options
from contextprune.proxy.wire.routes import Route, Upstreams, read_upstream

OPTIONS = Options(
    upstreams={
        "/groq": "https://api.groq.com/openai",
        "/groq/eu": "https://eu.groq.com/openai/v1",
        "/azure": "https://me.openai.azure.com",
        "/chatgpt": "https://chatgpt.com/backend-api/codex",
        "/deepseek": "https://api.deepseek.com/anthropic",
    }
)
ANTHROPIC = {b"anthropic-version": b"2023-06-01"}


def route(path: str, method: str = "POST", query: str = "", headers: dict[bytes, bytes] | None = None) -> Route:
    return Upstreams(OPTIONS).route(method, path.encode(), query.encode(), headers or {})


@pytest.mark.parametrize(
    ("path", "host", "target", "task", "dialect"),
    [
        ("/v1/chat/completions", "api.openai.com", "", Task.SHORTEN, "openai-chat"),
        ("/v1/responses", "api.openai.com", "", Task.SHORTEN, "openai-responses"),
        ("/v1/messages", "api.anthropic.com", "", Task.SHORTEN, "anthropic"),
        ("/v1/messages/count_tokens", "api.anthropic.com", "", Task.COUNT, "anthropic"),
        ("/v1/responses/input_tokens", "api.openai.com", "", Task.COUNT, "openai-responses"),
        ("/v1/messages/batches", "api.anthropic.com", "", None, ""),
        ("/v1/responses/resp_1/cancel", "api.openai.com", "", None, ""),
        ("/v1/embeddings", "api.openai.com", "", None, ""),
        ("/v1/chat/completions/", "api.openai.com", "", None, ""),
        ("/groq/v1/chat/completions", "api.groq.com", "/openai/v1/chat/completions", Task.SHORTEN, "openai-chat"),
        ("/groq/eu/v1/chat/completions", "eu.groq.com", "/openai/v1/chat/completions", Task.SHORTEN, "openai-chat"),
        ("/groq/eu/chat/completions", "eu.groq.com", "/openai/v1/chat/completions", Task.SHORTEN, "openai-chat"),
        ("/groq/v1/threads/t/messages", "api.groq.com", "/openai/v1/threads/t/messages", None, ""),
        ("/groqs/v1/models", "api.openai.com", "", None, ""),
        ("/groq", "api.groq.com", "/openai", None, ""),
        ("/chatgpt/responses", "chatgpt.com", "/backend-api/codex/responses", Task.SHORTEN, "openai-responses"),
        ("/deepseek/v1/messages", "api.deepseek.com", "/anthropic/v1/messages", Task.SHORTEN, "anthropic"),
        (
            "/azure/openai/deployments/d/chat/completions",
            "me.openai.azure.com",
            "/openai/deployments/d/chat/completions",
            Task.SHORTEN,
            "openai-chat",
        ),
    ],
)
def test_a_path_leads_to_one_upstream(path: str, host: str, target: str, task: Task | None, dialect: str) -> None:
    found = route(path)
    assert (found.upstream.host.decode(), found.task, found.dialect) == (host, task, dialect)
    assert found.target.decode() == (target or path)


def test_only_a_post_is_shortened() -> None:
    assert route("/v1/responses", "GET").task is None


def test_a_path_that_both_have_leads_to_whom_the_client_speaks_to() -> None:
    assert route("/v1/models", "GET").upstream.name == "openai"
    assert route("/v1/models", "GET", headers=ANTHROPIC).upstream.name == "anthropic"
    assert route("/v1/files", headers={b"x-api-key": b"k"}).upstream.name == "anthropic"
    assert route("/v1/chat/completions", headers=ANTHROPIC).upstream.name == "openai"


def test_errors_have_the_shape_of_the_api_that_the_client_speaks() -> None:
    assert route("/v1/models", "GET", headers=ANTHROPIC).shape == "anthropic"
    assert route("/groq/v1/chat/completions").shape == "openai"
    assert route("/deepseek/v1/messages").shape == "anthropic"


def test_path_and_query_keep_their_bytes() -> None:
    found = route("/v1/files/a%2Fb%20c//d", "GET", "q=%20a+b&q=&%zz")
    assert found.target == b"/v1/files/a%2Fb%20c//d?q=%20a+b&q=&%zz"


@pytest.mark.parametrize("path", ["//evil.example/v1/models", "/@evil.example/", "/v1/..//http://evil.example/"])
def test_no_path_names_another_host(path: str) -> None:
    found = route(path, "GET")
    assert found.upstream.host == b"api.openai.com"
    assert found.target == path.encode()


def test_a_base_url_is_taken_apart_once() -> None:
    found = read_upstream("local", "http://[::1]:8000/a b/")
    assert (found.origin, found.path, found.authority) == ((b"http", b"::1", 8000), b"/a%20b", b"[::1]:8000")
    assert read_upstream("x", "https://Example.com:443").authority == b"example.com"
    assert read_upstream("x", "http://example.com:443").authority == b"example.com:443"


def test_the_allow_list_is_what_the_operator_wrote_down() -> None:
    known = Upstreams(Options(upstream_openai="http://127.0.0.1:1"))
    assert known.origins == {(b"http", b"127.0.0.1", 1), (b"https", b"api.anthropic.com", 443)}
    assert known.secure
