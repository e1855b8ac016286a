from __future__ import annotations

import json
import socket

import pytest

from contextprune.cli.probe import Reply, fetch
from tests.proxy.provider import providing


def test_a_page_is_asked_for_and_a_body_is_posted() -> None:
    with providing() as provider:
        assert fetch(f"{provider.url}/v1/models?limit=3").body == b"pong"
        reply = fetch(f"{provider.url}/anything", b'{"a": 1}', {"authorization": "Bearer x"})
    got, posted = provider.requests
    assert (got.method, got.target) == ("GET", "/v1/models?limit=3")
    assert (posted.method, posted.json, posted.header("authorization")) == ("POST", {"a": 1}, "Bearer x")
    assert (reply.status, reply.json(), reply.headers["x-request-id"]) == (200, {"a": 1}, "req_2")


def test_a_body_that_is_no_json_is_none() -> None:
    assert Reply(200, {}, b"pong").json() is None
    assert Reply(200, {}, json.dumps([1]).encode()).json() == [1]


@pytest.mark.parametrize("scenario", ["garbage", "drop"])
def test_what_is_no_http_is_an_oserror(scenario: str) -> None:
    with providing() as provider, pytest.raises(OSError):  # noqa: PT011 - of whatever kind
        fetch(f"{provider.url}/livez", headers={"x-scenario": scenario})


def test_nobody_there_is_an_oserror() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        with pytest.raises(OSError, match="refused"):
            fetch(f"http://127.0.0.1:{probe.getsockname()[1]}/")


def test_proxies_of_the_environment_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    with providing() as provider:
        assert fetch(f"{provider.url}/x").status == 200
