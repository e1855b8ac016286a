"""Paths lead where the operator wrote down, and nowhere else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    return Upstreams(OPTIONS).route(method, path.encode(), query.encode(), [*(headers or {}).items()])


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
        ("/v1/chat/completions/", "api.openai.com", "/v1/chat/completions", Task.SHORTEN, "openai-chat"),
        ("//v1//messages", "api.anthropic.com", "/v1/messages", Task.SHORTEN, "anthropic"),
        ("/v1/v1/messages", "api.anthropic.com", "/v1/messages", Task.SHORTEN, "anthropic"),
        ("/chat/completions", "api.openai.com", "/v1/chat/completions", Task.SHORTEN, "openai-chat"),
        ("/responses", "api.openai.com", "/v1/responses", Task.SHORTEN, "openai-responses"),
        ("/messages", "api.anthropic.com", "/v1/messages", Task.SHORTEN, "anthropic"),
        ("/messages/count_tokens", "api.anthropic.com", "/v1/messages/count_tokens", Task.COUNT, "anthropic"),
        ("/v1/responses/compact", "api.openai.com", "", Task.COUNT, "openai-responses"),
        ("/embeddings", "api.openai.com", "/v1/embeddings", None, ""),
        ("/v1/v1/files", "api.openai.com", "/v1/files", None, ""),
        ("/v1/batches/", "api.openai.com", "", None, ""),
        ("/v1/something/new", "api.openai.com", "", None, ""),
        ("/groq/v1/chat/completions", "api.groq.com", "/openai/v1/chat/completions", Task.SHORTEN, "openai-chat"),
        ("/groq/eu/v1/chat/completions", "eu.groq.com", "/openai/v1/chat/completions", Task.SHORTEN, "openai-chat"),
        ("/groq/eu/chat/completions", "eu.groq.com", "/openai/v1/chat/completions", Task.SHORTEN, "openai-chat"),
        ("/groq/v1/threads/t/messages", "api.groq.com", "/openai/v1/threads/t/messages", None, ""),
        ("/groq/v1/v1/responses", "api.groq.com", "/openai/v1/responses", Task.SHORTEN, "openai-responses"),
        ("/groq/v1/chat/completions/", "api.groq.com", "/openai/v1/chat/completions", Task.SHORTEN, "openai-chat"),
        ("//groq/v1/models", "api.groq.com", "/openai/v1/models", None, ""),
        ("/groq/eu/v1/models", "eu.groq.com", "/openai/v1/models", None, ""),
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
    assert found.refusal == ""


GOOGLE, AZURE = "https://generativelanguage.googleapis.com", "https://me.openai.azure.com"


@pytest.mark.parametrize(
    ("base", "path", "target"),
    [
        ("https://api.openai.com", "/chat/completions", "/v1/chat/completions"),
        ("http://127.0.0.1:8000", "/v1/v1/chat/completions/", "/v1/chat/completions"),
        ("https://api.groq.com/openai", "/chat/completions", "/openai/v1/chat/completions"),
        ("https://openrouter.ai/api", "/chat/completions", "/api/v1/chat/completions"),
        ("https://openrouter.ai", "/api/v1/chat/completions", ""),
        ("https://api.perplexity.ai", "/chat/completions", ""),
        ("https://chatgpt.com/backend-api/codex", "/responses", "/backend-api/codex/responses"),
        (f"{GOOGLE}/v1beta/openai", "/chat/completions", "/v1beta/openai/chat/completions"),
        (GOOGLE, "/v1beta/openai/chat/completions", ""),
        (AZURE, "/openai/deployments/d/chat/completions", ""),
        (AZURE, "/openai/v1/chat/completions/", "/openai/v1/chat/completions"),
        (f"{AZURE}/openai", "/v1/chat/completions", "/openai/v1/chat/completions"),
        (f"{AZURE}/openai/deployments/d", "/chat/completions", "/openai/deployments/d/chat/completions"),
        ("http://127.0.0.1:8000", "/openai/deployments/d/chat/completions", ""),
    ],
)
def test_a_path_is_put_right_for_the_address_in_place_of_openais(base: str, path: str, target: str) -> None:
    found = Upstreams(Options(upstream_openai=base)).route("POST", path.encode(), b"api-version=2026-06-01", [])
    assert found.target.decode() == f"{target or path}?api-version=2026-06-01"
    assert (found.upstream.name, found.task, found.refusal) == ("openai", Task.SHORTEN, "")


@pytest.mark.parametrize(
    ("path", "header", "setting", "shape"),
    [
        ("/v1beta/models/g:generateContent", "x-goog-api-key: k", "/gemini=https://generativelanguage", "google"),
        ("/v1beta/models/g:generateContent", "", "/gemini=https://generativelanguage.googleapis.com", "google"),
        ("/v1beta/models/g:generateContent", "x-api-key: k", "/gemini=https://generativelanguage", "google"),
        ("/v1/chat/completions", "x-goog-api-key: k", "/gemini=https://generativelanguage.googleapis.com", "google"),
        ("/v1/models", "x-goog-api-key: k", "--upstream /gemini=", "google"),
        ("/v1/projects/p/locations/l/publishers/anthropic/models/m:rawPredict", "authorization: Bearer ya29.x",
         "--upstream /gemini=", "google"),
        ("/model/m/converse", "authorization: AWS4-HMAC-SHA256 Credential=x", "--upstream /bedrock=", "aws"),
        ("/v1/messages", "x-amz-date: 20261130T000000Z", "--upstream /bedrock=", "aws"),
        ("/v1/chat/completions", "authorization: Bearer ABSKx", "--upstream /bedrock=", "aws"),
        ("/openai/deployments/d/chat/completions", "api-key: k", "--upstream-openai https://RESOURCE", "openai"),
        ("/openai/v1/responses", "authorization: Bearer sk-proj-x", "--upstream-openai https://RESOURCE", "openai"),
        ("/v1/chat/completions", "api-key: k", "--upstream-openai https://RESOURCE.openai.azure.com", "openai"),
        ("/v1/chat/completions", "x-api-key: sk-ant-x", "/anthropic=https://api.anthropic.com", "openai"),
        ("/v1/responses", "authorization: Bearer sk-ant-x", "/anthropic=https://api.anthropic.com", "openai"),
        ("/v1/messages", "authorization: Bearer sk-proj-x", "/openai-api=https://api.openai.com", "anthropic"),
        ("/v1/messages", "x-api-key: sk-proj-x", "/openai-api=https://api.openai.com", "anthropic"),
        ("/v1/chat/completions", "authorization: Bearer gsk_x", "/groq=https://api.groq.com/openai", "openai"),
        ("/groqs/v1/models", "", "--upstream /NAME=URL", "openai"),
        ("/api/chat", "authorization: Bearer k", "--upstream /NAME=URL", "openai"),
        ("/v1/../admin", "", "--upstream /NAME=URL", "openai"),
        ("/v1/%2e%2e/admin", "", "--upstream /NAME=URL", "openai"),
        ("/rooms/messages", "x-api-key: sk-ant-x", "--upstream /NAME=URL", "anthropic"),
    ],
)  # fmt: skip
def test_what_fits_no_upstream_is_refused_with_the_setting_that_would_lead_it_there(
    path: str, header: str, setting: str, shape: str
) -> None:
    name, _, value = header.partition(": ")
    found = route(path, headers={name.encode(): value.encode()} if header else {})
    assert setting in found.refusal
    assert path in found.refusal
    assert (found.task, found.kind, found.shape) == (None, "other", shape)
    assert "sk-" not in found.refusal


@pytest.mark.parametrize(
    ("header", "path", "name"),
    [
        ("authorization: Bearer sk-ant-oat01-x", "/v1/models", "anthropic"),
        ("authorization: Bearer sk-ant-oat01-x", "/v1/messages", "anthropic"),
        ("x-api-key: sk-ant-x", "/v1/files", "anthropic"),
        ("x-api-key: sk-proj-x", "/v1/files", "openai"),
        ("authorization: Bearer sk-proj-x", "/v1/files", "openai"),
        ("authorization: Bearer k", "/v1/messages", "anthropic"),
        ("x-api-key: k", "/v1/chat/completions", "openai"),
        ("authorization: Bearer eyJ.x.y", "/v1/responses", "openai"),
    ],
)
def test_a_key_goes_where_it_belongs(header: str, path: str, name: str) -> None:
    word, _, value = header.partition(": ")
    found = route(path, headers={word.encode(): value.encode()})
    assert (found.upstream.name, found.refusal) == (name, "")


def test_a_key_of_azure_belongs_to_an_address_in_its_form() -> None:
    keys = [(b"api-key", b"k")]
    azure = Upstreams(Options(upstream_openai="https://me.openai.azure.com", upstream_anthropic="http://127.0.0.1:9"))
    assert azure.route("POST", b"/openai/v1/responses", b"", keys).refusal == ""
    assert azure.route("POST", b"/v1/messages", b"", keys).refusal
    gateway = Upstreams(Options(upstream_openai="http://127.0.0.1:8000"))
    assert gateway.route("POST", b"/openai/deployments/d/chat/completions", b"", keys).refusal == ""
    assert gateway.route("POST", b"/v1/chat/completions", b"", keys).refusal


def test_one_gateway_in_place_of_both_takes_the_keys_of_both() -> None:
    both = Upstreams(Options(upstream_openai="http://127.0.0.1:4000", upstream_anthropic="http://127.0.0.1:4000/v2"))
    for path in (b"/v1/chat/completions", b"/v1/messages"):
        for key in (b"sk-ant-x", b"sk-proj-x"):
            assert both.route("POST", path, b"", [(b"authorization", b"Bearer " + key)]).refusal == ""
    assert both.route("POST", b"/v1/messages", b"", [(b"x-goog-api-key", b"k")]).refusal


def test_a_path_of_an_address_that_is_not_known_may_be_any_but_another_providers() -> None:
    local = Upstreams(Options(upstream_openai="http://127.0.0.1:11434"))
    assert local.route("POST", b"/api/chat", b"", []).refusal == ""
    assert local.route("GET", b"/version", b"", []).target == b"/version"
    assert local.route("POST", b"/v1beta/models/g:generateContent", b"", []).refusal


def test_the_google_of_the_operators_own_is_googles() -> None:
    google = Upstreams(Options(upstream_openai="https://generativelanguage.googleapis.com"))
    found = google.route("POST", b"/v1beta/models/g:generateContent", b"key=AIzax", [(b"x-goog-api-key", b"k")])
    assert (found.refusal, found.foreign, found.upstream.name) == ("", True, "openai")
    vertex = Upstreams(Options(upstream_anthropic="https://us-east5-aiplatform.googleapis.com"))
    path = b"/v1/projects/p/locations/l/publishers/anthropic/models/m:rawPredict"
    assert vertex.route("POST", path, b"", [(b"authorization", b"Bearer ya29.x")]).upstream.name == "anthropic"


def test_behind_a_prefix_every_key_and_every_path_goes_to_its_upstream() -> None:
    found = route("/groq/v1beta/models/g:generateContent", headers={b"x-goog-api-key": b"k"})
    assert (found.upstream.name, found.refusal, found.foreign) == ("/groq", "", True)


BASES = {  # a base URL, and the providers whose keys may be sent there; "own" is the one in whose place it stands
    "https://api.openai.com": {"OpenAI"},
    "https://api.anthropic.com": {"Anthropic"},
    "https://me.openai.azure.com": {"Azure"},
    "https://generativelanguage.googleapis.com": {"Google"},
    "https://bedrock-runtime.us-east-1.amazonaws.com": {"AWS"},
    "https://api.groq.com/openai": {"Groq"},
    "http://127.0.0.1:8000": {"own", "Groq"},
    "https://gateway.example/llm": {"own", "Groq"},
}
KEY_FORMS = {
    ("authorization", "Bearer sk-proj-x"): "OpenAI",
    ("x-api-key", "sk-ant-x"): "Anthropic",
    ("authorization", "Bearer sk-ant-x"): "Anthropic",
    ("api-key", "x"): "Azure",
    ("x-goog-api-key", "x"): "Google",
    ("authorization", "Bearer ya29.x"): "Google",
    ("authorization", "AWS4-HMAC-SHA256 Credential=x"): "AWS",
    ("x-amz-security-token", "x"): "AWS",
    ("authorization", "Bearer gsk_x"): "Groq",
}
ANY_PATH = st.one_of(
    st.sampled_from(
        (
            "/v1/chat/completions", "/v1/messages", "/v1/responses", "/v1/models", "/v1/files", "/messages", "/x",
            "/v1beta/models/g:generateContent", "/model/m/converse", "/v1/projects/p/models/m:rawPredict",
            "/v1/complete", "/openai/deployments/d/chat/completions",
        )
    ),
    st.lists(
        st.sampled_from(("v1", "openai", "chat", "completions", "messages", "models", "..", "", "%2e")), max_size=6
    ).map(lambda parts: "/" + "/".join(parts)),
)  # fmt: skip


@given(
    st.sampled_from([*BASES]),
    st.sampled_from([*BASES]),
    ANY_PATH,
    st.lists(st.sampled_from([*KEY_FORMS]), min_size=1, max_size=3),
    st.sampled_from(("GET", "POST", "DELETE")),
)
def test_no_key_leads_to_another_provider_whatever_is_configured(
    openai: str, anthropic: str, path: str, keys: list[tuple[str, str]], method: str
) -> None:
    upstreams = Upstreams(Options(upstream_openai=openai, upstream_anthropic=anthropic))
    found = upstreams.route(method, path.encode(), b"", [(name.encode(), value.encode()) for name, value in keys])
    if found.refusal:
        assert "--upstream" in found.refusal or "'..'" in found.refusal
        return
    base = openai if found.upstream.name == "openai" else anthropic
    own = {"OpenAI"} if found.upstream.name == "openai" else {"Anthropic"}
    allowed = BASES[base] | (own if "own" in BASES[base] else set())
    if "own" in BASES[base] and openai == anthropic:
        allowed |= {"OpenAI", "Anthropic"}
    if "own" in BASES[base] and "/openai/" in path:
        allowed |= {"Azure"}
    assert {KEY_FORMS[key] for key in keys} <= allowed


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
    assert route(path, "GET").refusal
    found = Upstreams(Options(upstream_openai="http://127.0.0.1:8000")).route("GET", path.encode(), b"", [])
    assert found.upstream.host == b"127.0.0.1"
    assert found.target == path.encode()


@pytest.mark.parametrize("path", ["/../x", "/v1/../../x", "/%2e%2e/x", "/v1/..%2fx", "/..\\x", "/v1/chat/..", "/.%2E"])
@pytest.mark.parametrize("prefix", ["", "/groq", "/chatgpt"])
def test_no_path_leaves_the_base_url_of_its_upstream(prefix: str, path: str) -> None:
    found = route(prefix + path)
    assert found.refusal
    assert found.task is None


def test_dots_that_are_part_of_a_name_leave_nothing() -> None:
    assert not route("/groq/v1/files/a..b/...", "GET").refusal


def test_a_base_url_is_taken_apart_once() -> None:
    found = read_upstream("local", "http://[::1]:8000/a b/")
    assert (found.origin, found.path, found.authority) == ((b"http", b"::1", 8000), b"/a%20b", b"[::1]:8000")
    assert read_upstream("x", "https://Example.com:443").authority == b"example.com"
    assert read_upstream("x", "http://example.com:443").authority == b"example.com:443"


def test_the_allow_list_is_what_the_operator_wrote_down() -> None:
    known = Upstreams(Options(upstream_openai="http://127.0.0.1:1"))
    assert known.origins == {(b"http", b"127.0.0.1", 1), (b"https", b"api.anthropic.com", 443)}
    assert known.secure
