"""Errors of the proxy are errors that the providers' clients understand."""

from __future__ import annotations

import json

import pytest

from contextprune.proxy.wire.errors import last_event, refusal


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 408, 413, 426, 502, 503, 504])
def test_an_error_names_contextprune_in_the_shape_of_the_provider(status: int) -> None:
    openais = json.loads(refusal(status, "so", "openai"))["error"]
    anthropics = json.loads(refusal(status, "so", "anthropic"))
    assert openais["message"] == anthropics["error"]["message"] == "contextprune: so"
    assert anthropics["type"] == "error"
    assert openais["type"]
    assert anthropics["error"]["type"]


@pytest.mark.parametrize("dialect", ["anthropic", "openai-responses", "openai-chat", ""])
def test_the_event_that_ends_a_stream_is_one_whole_event(dialect: str) -> None:
    event = last_event("we stop", dialect)
    data = next(line for line in event.splitlines() if line.startswith(b"data: "))
    assert event.endswith(b"\n\n")
    assert "we stop" in json.dumps(json.loads(data[6:]))
