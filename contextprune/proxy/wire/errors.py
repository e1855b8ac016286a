"""Errors of the proxy itself, in the shape that the client of each provider understands.

They name contextprune, so that nobody looks for the fault at the provider.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

_TYPES: Mapping[int, tuple[str, str]] = {  # status -> the type that OpenAI's and Anthropic's clients know
    400: ("invalid_request_error", "invalid_request_error"),
    401: ("invalid_request_error", "authentication_error"),
    403: ("invalid_request_error", "permission_error"),
    404: ("invalid_request_error", "not_found_error"),
    408: ("timeout", "timeout_error"),
    413: ("invalid_request_error", "request_too_large"),
    426: ("invalid_request_error", "invalid_request_error"),
    502: ("server_error", "api_error"),
    503: ("server_error", "overloaded_error"),
    504: ("timeout", "timeout_error"),
}
_CODES: Mapping[int, str] = {408: "request_timeout", 413: "request_too_large", 426: "websocket_not_supported"} | {
    502: "upstream_unreachable", 503: "overloaded", 504: "upstream_timeout"
}  # fmt: skip


def refusal(status: int, message: str, shape: str) -> bytes:
    """Body of an error response; `shape` is "openai", "anthropic", "google" or "aws"."""
    return json.dumps(_error(status, message, shape)).encode()


def last_event(message: str, dialect: str) -> bytes:
    """Event that ends a stream before its time, as the clients of `dialect` expect one."""
    if dialect == "anthropic":
        return b"event: error\ndata: %s\n\n" % refusal(503, message, "anthropic")
    if dialect == "openai-responses":
        event = {"type": "error", "code": _CODES[503], "message": _signed(message), "param": None, "sequence_number": 0}
        return b"event: error\ndata: %s\n\n" % json.dumps(event).encode()
    return b"data: %s\n\n" % refusal(503, message, "openai")


def _error(status: int, message: str, shape: str) -> dict[str, object]:
    if shape == "aws":
        return {"message": _signed(message)}
    if shape == "google":
        name = "INVALID_ARGUMENT" if status < 500 else "UNAVAILABLE"
        return {"error": {"code": status, "message": _signed(message), "status": name}}
    openais, anthropics = _TYPES.get(status, _TYPES[400 if status < 500 else 502])
    if shape == "anthropic":
        return {"type": "error", "error": {"type": anthropics, "message": _signed(message)}}
    code = _CODES.get(status)
    return {"error": {"message": _signed(message), "type": openais, "param": None, "code": code}}


def _signed(message: str) -> str:
    """A message that names its author."""
    return f"contextprune: {message}"
