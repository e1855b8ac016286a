"""The treatment of requests as a table: what is known of each, and what is decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeAlias

import pytest

from contextprune.proxy.job import NO_REASON, Reason
from contextprune.proxy.options import Options
from contextprune.proxy.treatment import Action, Treatment, choose_treatment, reconsider
from contextprune.proxy.wire.headers import Control
from contextprune.proxy.wire.routes import Upstreams

OPTIONS = Options(largest=1000, max_body=5000)
WEBSOCKET = {"upgrade": " WebSocket ", "connection": "upgrade"}
OURS = {"mode", "bypass", "recall", "session-id"}
Given: TypeAlias = Mapping[str, str | int]
POSTED = ("/v1/chat/completions", "/v1/responses", "/v1/messages", "/v1/messages/count_tokens")


def decided(headers: Given, path: str = "/v1/messages", method: str = "POST", *, full: bool = False) -> Treatment:
    """The treatment of a request with these headers; those of contextprune by their last word."""
    names = {
        (f"x-contextprune-{name}" if name in OURS else name).encode(): str(value).encode()
        for name, value in headers.items()
    }
    route = Upstreams(OPTIONS).route(method, path.encode(), b"", [*names.items()])
    return choose_treatment(route, names, OPTIONS, full=full)


@pytest.mark.parametrize("path", POSTED)
@pytest.mark.parametrize(
    ("headers", "action", "reason"),
    [
        ({}, Action.SHORTEN, NO_REASON),
        ({"content-length": 1000}, Action.SHORTEN, NO_REASON),
        ({"transfer-encoding": "chunked"}, Action.SHORTEN, NO_REASON),
        ({"content-length": 1001}, Action.SHORTEN, NO_REASON),  # images in it may be what makes it large
        ({"content-length": 5000}, Action.SHORTEN, NO_REASON),
        ({"content-length": 5001}, Action.REFUSE, Reason.TOO_LARGE),
        ({"mode": "audit"}, Action.MEASURE, NO_REASON),
        ({"mode": "audit", "content-length": 1001}, Action.MEASURE, NO_REASON),
        ({"mode": "off"}, Action.RELAY, Reason.OFF),
        ({"mode": "off", "content-length": 5000}, Action.RELAY, Reason.OFF),
        ({"mode": "off", "content-length": 5001}, Action.REFUSE, Reason.OFF),
        ({"bypass": "1"}, Action.RELAY, Reason.BYPASS),
        ({"bypass": "true", "mode": "off"}, Action.RELAY, Reason.BYPASS),
        ({"bypass": "1", "content-length": 5001}, Action.REFUSE, Reason.BYPASS),
        ({"bypass": "0"}, Action.SHORTEN, NO_REASON),
    ],
)
def test_a_request_with_a_context_is_treated_as_its_headers_say(
    path: str, headers: Given, action: Action, reason: Reason
) -> None:
    treatment = decided(headers, path)
    assert (treatment.action, treatment.reason, treatment.limit) == (action, reason, 5000)
    assert (treatment.refusal is not None) == (action is Action.REFUSE)


@pytest.mark.parametrize(
    ("path", "method", "headers"),
    [
        ("/v1/messages", "GET", {}),
        ("/v1/models", "GET", {}),
        ("/v1/files", "POST", {"content-length": 999_999_999}),
        ("/v1/files", "POST", {"mode": "nonsense", "bypass": "1"}),
    ],
)
def test_a_request_without_a_context_is_relayed_whatever_its_size(path: str, method: str, headers: Given) -> None:
    treatment = decided(headers, path, method)
    assert treatment == Treatment(Action.RELAY, Control("off", "off", ""))


@pytest.mark.parametrize("path", ["/v1/responses", "/v1/models"])
@pytest.mark.parametrize(
    ("full", "headers", "status", "words"),
    [
        (False, WEBSOCKET, 426, "supports_websockets = false"),
        (True, WEBSOCKET, 426, "WebSocket connections are not relayed"),
        (True, {}, 503, "too many requests are in flight"),
        (True, {"content-length": 5001}, 503, "too many requests are in flight"),
    ],
)
def test_websockets_and_what_is_too_much_are_refused_on_every_path(
    path: str, full: bool, headers: Given, status: int, words: str
) -> None:
    treatment = decided(headers, path, full=full)
    assert (treatment.action, treatment.control, treatment.reason) == (Action.REFUSE, None, NO_REASON)
    assert treatment.refusal is not None
    assert treatment.refusal.status == status
    assert words in treatment.refusal.message


def test_a_client_that_was_refused_for_now_is_told_when_to_come_again() -> None:
    refusal = decided({}, full=True).refusal
    assert refusal is not None
    assert refusal.headers == [(b"retry-after", b"1")]


@pytest.mark.parametrize(
    ("headers", "status", "words"),
    [
        ({"content-length": 5001}, 413, "5,001 bytes or more; at most 5,000 are taken (max_body)"),
        ({"mode": "of"}, 400, "one of on, audit, off, not 'of'"),
        ({"recall": "maybe", "bypass": "1"}, 400, "one of off, tool, mcp, not 'maybe'"),
    ],
)
def test_a_refusal_says_what_is_wrong(headers: Given, status: int, words: str) -> None:
    refusal = decided(headers).refusal
    assert refusal is not None
    assert refusal.status == status
    assert words in refusal.message


def test_what_holds_for_a_request_travels_with_its_treatment() -> None:
    treatment = decided({"mode": "audit", "recall": "tool", "session-id": "s"})
    assert treatment.control == Control("audit", "tool", "s")


@pytest.mark.parametrize("action", [Action.SHORTEN, Action.MEASURE])
@pytest.mark.parametrize(
    ("size", "reason"), [(0, NO_REASON), (1000, NO_REASON), (1001, Reason.TOO_LARGE), (None, Reason.PAYLOAD)]
)
def test_a_body_that_was_read_is_judged_by_its_decoded_size(action: Action, size: int | None, reason: Reason) -> None:
    treatment = replace(decided({}), action=action)
    again = reconsider(treatment, size, OPTIONS)
    assert again == (replace(treatment, action=Action.RELAY, reason=reason) if reason else treatment)
