"""What travels: which headers go up, which come back, and what a request asks of us by its own.

Names are lower-case bytes on the way up, as ASGI gives them; coming back they are as the provider spelled them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from contextprune.proxy.options import MODES, RECALLS, Options

Headers = Sequence[tuple[bytes, bytes]]

OURS = b"x-contextprune-"

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

_HOP_BEFORE_TRAILERS = _HOP - {b"trailer"}
_TAKES_TRAILERS = ((b"te", b"trailers"), (b"connection", b"te"))
_REPLACED = _HOP | {b"host", b"content-length", b"expect"}  # we speak to the upstream in our own name and framing
_NO_TRAILERS = _HOP | {
    b"content-length", b"host",  # framing and routing
    b"authorization", b"set-cookie", b"www-authenticate",  # who is who
    b"cache-control", b"expect", b"max-forwards", b"pragma", b"range",  # what is asked for
    b"age", b"date", b"expires", b"location", b"retry-after", b"vary", b"warning",  # what the answer is
    b"content-encoding", b"content-range", b"content-type",  # how its content is to be read
}  # fmt: skip
"""Fields that count for nothing, or do harm, once the content has been read: RFC 9110, section 6.5.1."""

_TRAILER_BYTES = 16 << 10  # what several clients take for all headers and trailers of an answer
_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(rb"[^\x00-\x08\x0a-\x1f\x7f]*")
_SESSIONS = (b"x-contextprune-session-id", b"x-claude-code-session-id", b"session_id", b"session-id")
_TRUE = frozenset({b"1", b"true", b"yes", b"on"})


class UnusableHeader(ValueError):  # noqa: N818 - says what is wrong
    """A header of ours with a value that means nothing; the text tells which values it has."""


@dataclass(frozen=True, slots=True)
class Control:
    """What holds for one request: the options, and what its own headers say on top.

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
    """The headers of the request to `host`: all that the client sent, but for those between it and us.

    A client that takes trailers has us ask for them in our own name.

    length    bytes of the body, None where there is none or where it is `chunked`
    decoded   the body goes up without its content-encoding
    """
    out = [(b"host", host)]
    named = _named(received)
    for pair in received:
        name = pair[0]
        if name in _REPLACED or name in named or name.startswith(OURS) or (decoded and name == b"content-encoding"):
            if name == b"te" and b"trailers" in pair[1].lower():
                out += _TAKES_TRAILERS
            continue
        out.append(pair)
    if chunked:
        out.append((b"transfer-encoding", b"chunked"))
    elif length is not None:
        out.append((b"content-length", b"%d" % length))
    return out


def downward(
    sent: Headers, own: Iterable[tuple[bytes, bytes]] = (), *, trailed: bool = False
) -> list[tuple[bytes, bytes]]:
    """The headers of the response: all that the provider sent, but for those between it and us, and `own` ones.

    trailed   it may have trailers, so that the header that announces some holds for it
    """
    out = []
    named = _named((name.lower(), value) for name, value in sent)
    dropped = _HOP_BEFORE_TRAILERS if trailed else _HOP
    for pair in sent:
        name = pair[0].lower()
        if name not in dropped and name not in named and not name.startswith(OURS):
            out.append(pair)
    out += own
    return out


def trailing(sent: Headers, headers: Headers) -> list[tuple[bytes, bytes]]:
    """The trailers of the response with these `headers`: those that the provider `sent` and that may be trailers.

    None at all where they are too long for clients to take.
    """
    if not sent or sum(len(name) + len(value) + 4 for name, value in sent) > _TRAILER_BYTES:
        return []
    named = _named((name.lower(), value) for name, value in headers)
    return [
        pair
        for pair in sent
        if (name := pair[0].lower()) not in _NO_TRAILERS and name not in named and not name.startswith(OURS)
        if _NAME.fullmatch(name) and _VALUE.fullmatch(pair[1])
    ]


def control(received: Mapping[bytes, bytes], options: Options) -> Control:
    """What holds for a request with these headers. Raises UnusableHeader."""
    bypass = received.get(b"x-contextprune-bypass", b"").strip().lower() in _TRUE
    mode = _word(received, b"x-contextprune-mode", MODES, options.mode)
    recall = _word(received, b"x-contextprune-recall", RECALLS, options.recall)
    return Control(mode, recall, session_id(received), bypass)


def session_id(received: Mapping[bytes, bytes]) -> str:
    """The id that the client gives its conversation, "" for none; a very long one by its hash."""
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
    """The headers that a `connection` header names: they, too, are for one neighbour only."""
    values = [value for name, value in headers if name == b"connection"]
    if not values or values in ([b"keep-alive"], [b"close"]):
        return frozenset()
    return frozenset(token.strip().lower() for value in values for token in value.split(b",")) - {b""}
