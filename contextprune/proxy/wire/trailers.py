"""Trailers: the fields behind the last chunk of an answer, from the provider to the client.

Neither the connection pool below us nor uvicorn knows them: the first reads them and lets them go, the second always
ends an answer with none. Both are helped here at the end of an answer; no chunk is touched on its way.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from functools import partial
from inspect import signature
from typing import Any, cast

from contextprune.errors import MissingExtra
from contextprune.proxy.wire.headers import Headers

try:
    import h11

    try:
        import httpcore2 as httpcore
    except ImportError:
        import httpcore  # type: ignore[import-not-found, no-redef, unused-ignore]
    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle
except ImportError as exc:
    raise MissingExtra("the proxy", extra="proxy") from exc

EXTENSION = "http.response.trailers"
"""What a server that sends trailers has among its scope's extensions, and the message that gives them to it."""

_READ = "contextprune.trailers"  # where they lie in the extensions of a request to a provider
_LAST_CHUNK = b"0\r\n\r\n"

Message = Mapping[str, Any]
Send = Callable[[Any], Awaitable[None]]


def keep(stream: Any) -> bool:
    """Have the trailers of an answer kept. `stream` is its body in httpcore, of which nothing has been read yet.

    Goes by httpcore's private names: False, and trailers are dropped as httpcore does, where it has others.
    """
    connection = getattr(getattr(stream, "_stream", None), "_connection", None)
    if not _FITS or not isinstance(connection, httpcore.AsyncHTTP11Connection):
        return False
    connection._receive_response_body = partial(_body, connection)  # type: ignore[method-assign]  # noqa: SLF001
    return True


def kept(extensions: Mapping[str, Any]) -> Headers:
    """The trailers of the answer to the request with these extensions, once its body has been read."""
    found: Headers = extensions.get(_READ, ())
    return found


async def _body(connection: Any, request: httpcore.Request) -> AsyncGenerator[bytes, None]:
    """The body of an answer as httpcore reads it; what its end brings is put into the request's extensions."""
    timeout = request.extensions.get("timeout", {}).get("read")
    while True:
        event = await connection._receive_event(timeout=timeout)  # noqa: SLF001 - see `keep`
        if isinstance(event, h11.Data):
            yield bytes(event.data)
        elif isinstance(event, h11.EndOfMessage):
            request.extensions[_READ] = event.headers.raw_items()
            return
        elif event is h11.PAUSED:
            return


def _fits() -> bool:
    connection = httpcore.AsyncHTTP11Connection
    ours = {"_receive_response_body": ["self", "request"], "_receive_event": ["self", "timeout"]}
    return all(hasattr(connection, name) for name in ours) and all(
        list(signature(getattr(connection, name)).parameters) == parameters for name, parameters in ours.items()
    )


_FITS = _fits()


def straight(send: Send) -> Send:
    """By what the chunks of a body are sent, where `send` is what was given to the application: nothing between."""
    return send.straight if isinstance(send, _Sending) else send


class Trailing:
    """An ASGI application that may send trailers, in a uvicorn that does not know them."""

    def __init__(self, app: Callable[[Any, Any, Any], Awaitable[None]]) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one request. Clients that speak HTTP/1.0 know no chunks, and so no trailers."""
        if scope["type"] == "http" and scope["http_version"] == "1.1":
            cycle = getattr(send, "__self__", None)
            if isinstance(cycle, RequestResponseCycle):
                scope["extensions"] = {**scope.get("extensions", {}), EXTENSION: {}}
                send = _Sending(cycle)
        await self._app(scope, receive, send)


class _Sending:
    """The `send` of one request, as the ASGI extension wants it: told of trailers, it ends with them.

    straight   the server's own, for bodies that are not at their end
    """

    __slots__ = ("_cycle", "_fields", "_trailed", "straight")

    def __init__(self, cycle: RequestResponseCycle) -> None:
        self._cycle = cycle
        self.straight: Send = cycle.send
        self._trailed = False
        self._fields: list[tuple[bytes, bytes]] = []

    def __call__(self, message: Message) -> Awaitable[None]:
        """Send a message."""
        if message.get("more_body"):
            return self.straight(message)
        if self._trailed:
            return self._end(message)
        self._trailed = bool(message.get("trailers"))
        return self.straight(message)

    async def _end(self, message: Message) -> None:
        """The last bytes of a body wait for its trailers."""
        if message["type"] != EXTENSION:
            if message.get("body"):
                await self.straight({**message, "more_body": True})
            return
        self._fields += message["headers"]
        if message.get("more_trailers"):
            return
        last = {"type": "http.response.body", "body": b"", "more_body": False}
        if not self._fields:
            await self.straight(last)
            return
        transport = self._cycle.transport
        self._cycle.transport = cast("asyncio.Transport", _Written(transport, self._fields))
        try:
            await self.straight(last)
        finally:
            self._cycle.transport = transport


class _Written:
    """A transport on which the end of an answer has trailers. An answer that is not chunked has no such end."""

    def __init__(self, transport: Any, fields: Headers) -> None:
        self._transport, self._fields = transport, fields

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """See asyncio.Transport."""
        if data == _LAST_CHUNK:
            data = b"0\r\n" + b"".join(b"%b: %b\r\n" % field for field in self._fields) + b"\r\n"
        self._transport.write(data)
