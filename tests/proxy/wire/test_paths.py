"""A path is read in all the forms that clients give it, and put right where it means an endpoint."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contextprune.proxy.wire.paths import ENDPOINTS, RESOURCES, Form, read_path, tidy


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/v1/chat/completions", Form(b"/v1/chat/completions", b"/chat/completions")),
        ("/v1/chat/completions/", Form(b"/v1/chat/completions", b"/chat/completions")),
        ("//v1//chat/completions//", Form(b"/v1/chat/completions", b"/chat/completions")),
        ("/v1/v1/responses", Form(b"/v1/responses", b"/responses")),
        ("/v1/v1/v1/messages/", Form(b"/v1/messages", b"/messages")),
        ("/chat/completions", Form(b"/chat/completions", b"/chat/completions", versioned=False)),
        ("/messages/count_tokens", Form(b"/messages/count_tokens", b"/messages/count_tokens", versioned=False)),
        ("/responses/compact", Form(b"/responses/compact", b"/responses/compact", versioned=False)),
        ("/v1/responses/input_tokens", Form(b"/v1/responses/input_tokens", b"/responses/input_tokens")),
        ("/openai/v1/responses", Form(b"/openai/v1/responses", b"/responses", b"/openai")),
        (
            "/openai/deployments/d/chat/completions",
            Form(b"/openai/deployments/d/chat/completions", b"/chat/completions", b"/openai/deployments/d"),
        ),
        ("/v1/threads/t/messages", Form(b"/v1/threads/t/messages")),
        ("/rooms/messages", Form(b"/rooms/messages")),
        ("/v1/responses/resp_1", Form(b"/v1/responses/resp_1")),
        ("/models", Form(b"/models", versioned=False)),
        ("/v1/v1/models", Form(b"/v1/models")),
        ("/v1", Form(b"/v1")),
        ("/", Form(b"/")),
        ("", Form(b"")),
    ],
)
def test_a_path_is_read(path: str, form: Form) -> None:
    assert read_path(path.encode()) == form


def test_behind_a_prefix_messages_may_stand_below_any_beginning_but_a_thread() -> None:
    assert read_path(b"/anthropic/messages", prefixed=True).endpoint == b"/messages"
    assert read_path(b"/v1/threads/t/messages", prefixed=True).endpoint == b""


@pytest.mark.parametrize("path", ["/v1/files/a%2Fb%20c//d", "/v1/files/", "//cdn//x", "/v1/files/v1/v1/x", "/a/../b/"])
def test_a_path_that_means_no_endpoint_keeps_its_bytes(path: str) -> None:
    assert read_path(path.encode()).path == path.encode()


@pytest.mark.parametrize(
    ("path", "foreign"),
    [
        ("/v1/files", False), ("/v1/embeddings", False), ("/v1/completions", False), ("/v1/responses/compact", False),
        ("/v1/messages/batches", False), ("/models", False), ("/v1/audio/speech", False), ("/api/embed", False),
        ("/v1beta/models/g:generateContent", True), ("/v1/models/g:generateContent", True), ("/api/chat", True),
        ("/model/anthropic.claude/converse", True), ("/v2/chat", True), ("/v1/projects/p/models/m:rawPredict", True),
        ("/v1/models/ft:gpt:o::1", True), ("/", True),
    ],
)  # fmt: skip
def test_a_path_of_no_api_that_is_known_is_foreign(path: str, foreign: bool) -> None:
    assert read_path(path.encode()).foreign is foreign


@given(
    st.sampled_from(ENDPOINTS),
    st.integers(0, 4),
    st.lists(st.integers(1, 3), min_size=8, max_size=8),
    st.integers(0, 3),
)
def test_an_endpoint_is_found_whatever_the_slashes_and_versions(
    endpoint: bytes, versions: int, slashes: list[int], end: int
) -> None:
    parts = [b"v1"] * versions + endpoint.split(b"/")[1:]
    path = b"".join(b"/" * count + part for count, part in zip(slashes, parts, strict=False)) + b"/" * end
    form = read_path(path)
    assert (form.endpoint, form.beginning) == (endpoint, b"")
    assert form.path == (b"/v1" if versions else b"") + endpoint
    assert form.versioned == (versions > 0)


@given(st.text("/v1messagchtoplni.%", max_size=40))
def test_tidying_twice_is_tidying_once(text: str) -> None:
    path = tidy(b"/" + text.encode())
    assert tidy(path) == path


def test_the_first_parts_of_all_endpoints_are_resources() -> None:
    assert {endpoint.split(b"/")[1] for endpoint in ENDPOINTS} <= RESOURCES
