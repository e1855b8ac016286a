"""A client's connection within bounds: uvicorn's, with limits on the time and the size of a request's headers.

uvicorn has neither limit, nor one on the time for which a client takes nothing of its answer, and it puts the trailers
of a request among its headers, where they could pass for a credential: here they are read within the same size, and
dropped. It also answers HTTP/1.0 in chunks, which such a client cannot read: here the end of the connection is that of
an answer without a length.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from contextprune.errors import MissingExtra

try:
    from uvicorn.config import Config
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
    from uvicorn.server import ServerState
except ImportError as exc:
    raise MissingExtra("the proxy", extra="proxy") from exc

_HEADER_BYTES = 64 << 10
_IDLE = 120.0
_ENDLESS = 1 << 62  # bytes of an answer whose length nobody knows


def bounded_connections(seconds: float, idle_seconds: float = _IDLE) -> Callable[..., BoundedConnection]:
    """A factory of connections, as uvicorn calls one, whose requests' headers come within so many seconds.

    idle_seconds   for which a client may take nothing of what is sent to it
    """

    def connect(
        config: Config, server_state: ServerState, app_state: dict[str, Any], _loop: Any = None
    ) -> BoundedConnection:
        connection = BoundedConnection(config, server_state, app_state, _loop)
        connection.header_seconds, connection.idle_seconds = seconds, idle_seconds
        return connection

    return connect


class _UntilClosed(RequestResponseCycle):
    """A request of HTTP/1.0 and its answer, which is never in chunks: without a length, it ends with the connection."""

    async def send(self, message: Any) -> None:
        """See ASGI."""
        if message["type"] == "http.response.start":
            if not any(name.lower() == b"content-length" for name, _ in message.get("headers", ())):
                self.chunked_encoding = False
                self.expected_content_length = _ENDLESS
        elif not message.get("more_body", False) and self.expected_content_length > _ENDLESS >> 1:
            self.expected_content_length = len(message.get("body", b""))
        await super().send(message)


class BoundedConnection(HttpToolsProtocol):
    """A connection whose requests' headers come within a time and a size, and whose client takes its answers."""

    header_seconds = 10.0
    idle_seconds = _IDLE
    _cycles: Sequence[RequestResponseCycle] = ()  # requests that came while an earlier one was answered, and that one
    _unread: asyncio.TimerHandle | None = None  # looks whether the client takes what is sent
    _timer: asyncio.TimerHandle | None = None
    _reading_fields = True  # headers are awaited or are coming in, or perhaps trailers
    _headers_complete = False  # fields that come now are trailers
    _refused = False  # what still comes is nobody's
    _bytes = 0  # that were read while fields are read
    _field_bytes = 0  # of the fields of this header

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """See asyncio.Protocol."""
        super().connection_made(transport)
        self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        self._stop_timer()
        self._stop_watching()
        self._leave_cycles()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """See asyncio.Protocol."""
        super().pause_writing()
        self._watch_reader()

    def resume_writing(self) -> None:
        """See asyncio.Protocol."""
        self._stop_watching()
        super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        """See HttpToolsProtocol. What was sent and is not taken would keep the connection open for ever."""
        super().timeout_keep_alive_handler()
        self._watch_reader()

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        if self._refused:
            return
        if not self._reading_fields:
            super().data_received(data)
            return
        self._bytes += len(data)
        super().data_received(data)
        if self._reading_fields and self._bytes > _HEADER_BYTES:
            self._refuse(b"431 Request Header Fields Too Large")

    def on_message_begin(self) -> None:
        """See HttpToolsProtocol."""
        super().on_message_begin()
        if self._refused:
            return
        self._reading_fields, self._headers_complete, self._field_bytes = True, False, 0
        if self._timer is None:
            self._start_timer()

    def on_header(self, name: bytes, value: bytes) -> None:
        """See HttpToolsProtocol."""
        self._field_bytes += len(name) + len(value) + len(": \r\n")
        if not self._headers_complete:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """See HttpToolsProtocol."""
        if not self._refused and (refusal := self._objection()):
            self._refuse(refusal)
        if self._refused:
            return
        self._stop_timer()
        self._reading_fields, self._headers_complete, self._bytes = False, True, 0
        before = self.cycle
        super().on_headers_complete()
        if self.cycle is not None and self.cycle is not before:
            self._cycles = [*(cycle for cycle in self._cycles if not cycle.response_complete), self.cycle]
        if self.cycle is not None and self.cycle is not before and self.scope["http_version"] == "1.0":
            self.cycle.__class__ = _UntilClosed  # the base class makes it, and starts it only after this

    def on_chunk_header(self) -> None:
        """See httptools. After the last one come trailers, after all others a piece of the body."""
        self._reading_fields, self._bytes = True, 0

    def on_body(self, body: bytes) -> None:
        """See HttpToolsProtocol."""
        if self._refused:
            return
        self._reading_fields = False
        super().on_body(body)

    def on_message_complete(self) -> None:
        """See HttpToolsProtocol."""
        if self._refused:
            return
        self._reading_fields, self._bytes = False, 0
        super().on_message_complete()

    def _objection(self) -> bytes:
        """The status for a request whose header has come and is not taken, b"" where it is."""
        if self._field_bytes + len(self.url) > _HEADER_BYTES:
            return b"431 Request Header Fields Too Large"
        codings = [value.strip().lower() for name, value in self.headers if name == b"transfer-encoding"]
        return b"501 Not Implemented" if codings not in ([], [b"chunked"]) else b""

    def _start_timer(self) -> None:
        self._timer = self.loop.call_later(self.header_seconds, self._refuse, b"408 Request Timeout")

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _watch_reader(self) -> None:
        """Give the client up where by then it has taken nothing; else look again."""
        self._stop_watching()
        self._unread = self.loop.call_later(self.idle_seconds, self._look_at_reader, self._unsent())

    def _look_at_reader(self, before: int) -> None:
        self._unread = None
        unsent = self._unsent()
        if unsent and unsent >= before:
            self.transport.abort()
        elif unsent:
            self._watch_reader()

    def _unsent(self) -> int:
        return self.transport.get_write_buffer_size()

    def _leave_cycles(self) -> None:
        """Let every request know that the client left: the base class knows the last one alone."""
        self.pipeline.clear()
        for cycle in self._cycles:
            if not cycle.response_complete:
                cycle.disconnected = True
                cycle.message_event.set()

    def _stop_watching(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _refuse(self, status: bytes) -> None:
        """Close the connection, with an answer where something of a request has come and none is on its way."""
        self._stop_timer()
        self._refused = True
        if self._bytes and not self.transport.is_closing() and (self.cycle is None or self.cycle.response_complete):
            self.transport.write(b"HTTP/1.1 %s\r\ncontent-length: 0\r\nconnection: close\r\n\r\n" % status)
        self.transport.close()
