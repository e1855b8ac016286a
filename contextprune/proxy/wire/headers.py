"""Headers: which go up, which come back, and what a request sets for itself by those of contextprune.

Names are lower-case bytes on the way up, as ASGI gives them; coming back they are as the provider spelled them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from contextprune.proxy.options import MODES, RECALLS, Options

Headers = Sequence[tuple[bytes, bytes]]

PREFIX = b"x-contextprune-"

_HOP = frozenset({
    b"connection",
    b"keep-alive",
    b"proxy-authenticate",
    b"proxy-authorization",
    b"proxy-connection",
    b"te",
    b"trailer",
    b"transfer-encoding",
    b"upgrade",
})  # fmt: skip
"""Between two neighbours only: RFC 9110, section 7.6.1, and those that older neighbours still send."""

_REPLACED = _HOP | {b"host", b"content-length", b"expect"}  # we speak to the upstream in our own name and framing
_SESSIONS = (
    b"x-contextprune-session-id",
    b"x-claude-code-session-id",
    b"session_id",  # Codex
    b"session-id",  # Codex, in later versions
    b"x-session-affinity",  # opencode
)
_TRUE = frozenset({b"1", b"true", b"yes", b"on"})


class UnusableHeader(ValueError):  # noqa: N818 - says what is wrong
    """A header of ours with a value that means nothing; the text tells which values it has."""


@dataclass(frozen=True, slots=True)
class Control:
    """Settings of one request: the options, with what its headers say on top.

    mode       "on", "audit" or "off"
    recall     "off", "tool" or "mcp"
    session    the id that the client gave, "" for none
    bypass     it asked to be left alone
    """

    mode: str
    recall: str
    session: str
    bypass: bool = False


def upward(
    received: Headers, host: bytes, *, length: int | None, chunked: bool = False, decoded: bool = False
) -> list[tuple[bytes, bytes]]:
    """Headers of the request to `host`: all that the client sent, but for those between it and us.

    length    bytes of the body, None where there is none or where it is `chunked`
    decoded   the body goes up without its content-encoding
    """
    named = _named(received)
    out = [(b"host", host)]
    for pair in received:
        name = pair[0]
        if name in _REPLACED or name in named or name.startswith(PREFIX) or (decoded and name == b"content-encoding"):
            continue
        out.append(pair)

    if chunked:
        out.append((b"transfer-encoding", b"chunked"))
    elif length is not None:
        out.append((b"content-length", b"%d" % length))
    return out


def downward(sent: Headers, extra: Iterable[tuple[bytes, bytes]] = ()) -> list[tuple[bytes, bytes]]:
    """Headers of the response: all that the provider sent, but for those between it and us, and `extra` ones."""
    out = []
    named = _named((name.lower(), value) for name, value in sent)
    for pair in sent:
        name = pair[0].lower()
        if name not in _HOP and name not in named and not name.startswith(PREFIX):
            out.append(pair)
    out += extra
    return out


def control(received: Mapping[bytes, bytes], options: Options) -> Control:
    """Settings of a request with these headers. Raises UnusableHeader."""
    bypass = received.get(b"x-contextprune-bypass", b"").strip().lower() in _TRUE
    mode = _word(received, b"x-contextprune-mode", MODES, options.mode)
    recall = _word(received, b"x-contextprune-recall", RECALLS, options.recall)
    return Control(mode, recall, session_id(received), bypass)


def session_id(received: Mapping[bytes, bytes]) -> str:
    """Id that the client gives its conversation, "" for none; a very long one by its hash."""
    for name in _SESSIONS:
        value = received.get(name)
        if value:
            return value.decode("latin-1") if len(value) <= 128 else blake2b(value, digest_size=16).hexdigest()
    return ""


def _word(received: Mapping[bytes, bytes], name: bytes, words: Sequence[str], default: str) -> str:
    value = received.get(name)
    if value is None:
        return default
    word = value.strip().lower().decode("latin-1")
    if word not in words:
        raise UnusableHeader(f"{name.decode()} is one of {', '.join(words)}, not {word[:40]!r}")
    return word


def _named(headers: Iterable[tuple[bytes, bytes]]) -> frozenset[bytes]:
    """Names of the headers that a `connection` header names: they, too, are for one neighbour only."""
    values = [value for name, value in headers if name == b"connection"]
    if not values or values in ([b"keep-alive"], [b"close"]):
        return frozenset()
    return frozenset(token.strip().lower() for value in values for token in value.split(b",")) - {b""}
