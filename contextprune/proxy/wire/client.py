"""Speaks HTTP to the upstreams: one request up, the answer's bytes back as they come.

The connection pool of httpx is used without httpx: nothing follows redirects, decodes, retries or reads proxies from
the environment, and headers stay the bytes that they were.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from contextprune.errors import MissingExtra
from contextprune.proxy.options import Options
from contextprune.proxy.wire.certificates import distrust, load_trust
from contextprune.proxy.wire.headers import Headers
from contextprune.proxy.wire.routes import Route, Upstream, Upstreams

try:
    try:
        import httpcore2 as httpcore
    except ImportError:
        import httpcore  # type: ignore[import-not-found, no-redef, unused-ignore]
except ImportError as exc:
    raise MissingExtra("the proxy", extra="proxy") from exc

Body = bytes | AsyncIterator[bytes] | None

_IDLE_CONNECTIONS = 64  # kept open for later; each one costs a look at every request
_IDLE_SECONDS = 60.0  # an agent thinks for longer than the five seconds that are usual


class Failed(Exception):  # noqa: N818 - says what happened
    """No answer from the upstream: the status and the words for the client."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


class Broken(Exception):  # noqa: N818 - says what happened
    """The upstream stopped in the middle of its answer."""


@dataclass(slots=True)
class Reply:
    """An answer whose head has come. To be closed in any case; closing it early closes the connection."""

    status: int
    headers: Headers
    _stream: Any

    async def chunks(self) -> AsyncIterator[bytes]:
        """Read the body's bytes, as they come, undecoded. Raises Broken."""
        try:
            async for chunk in self._stream:
                yield chunk
        except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError) as exc:
            raise Broken(type(exc).__name__) from exc

    async def read(self, limit: int) -> bytes:
        """Read the whole body, or its first `limit` bytes; then it is closed. Raises Broken."""
        out = bytearray()
        async for chunk in self.chunks():
            out += chunk
            if len(out) >= limit:
                break
        await self.close()
        return bytes(out[:limit])

    async def close(self) -> None:
        """Let go of the connection."""
        await self._stream.aclose()


class Client:
    """Connections to the upstreams. Refuses every other host. Raises SettingsError for unusable certificates.

    trouble   why the last connection to an upstream failed, by its name; those that work are not in it
    """

    def __init__(self, options: Options, upstreams: Upstreams) -> None:
        self.trouble: dict[str, str] = {}
        self._origins = upstreams.origins
        self._options = options
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=load_trust(httpcore.default_ssl_context) if upstreams.secure else None,
            max_connections=options.connections,
            max_keepalive_connections=_IDLE_CONNECTIONS,
            keepalive_expiry=_IDLE_SECONDS,
            retries=0,
        )

    async def open(self, method: bytes, route: Route, headers: list[tuple[bytes, bytes]], body: Body) -> Reply:
        """Send a request and wait for the head of the answer. Raises Failed, and whatever reading `body` raises."""
        upstream = route.upstream
        if upstream.origin not in self._origins:
            raise Failed(502, f"{upstream.name} is none of the configured upstreams")
        options = self._options
        waits = {
            "connect": options.connect_seconds,
            "pool": options.connect_seconds,
            "write": options.body_seconds,
            "read": options.first_byte_seconds,
        }

        request = httpcore.Request(
            method=method,
            url=httpcore.URL(scheme=upstream.scheme, host=upstream.host, port=upstream.port, target=route.target),
            headers=headers,
            content=body or b"",
            extensions={"timeout": waits},
        )

        try:
            response = await self._pool.handle_async_request(request)
        except _FAILURES as exc:
            failed = _failed(exc, upstream, options)
            if isinstance(exc, httpcore.ConnectError | httpcore.ConnectTimeout):
                self.trouble[upstream.name] = failed.message
            raise failed from exc
        self.trouble.pop(upstream.name, None)

        if not 200 <= response.status <= 599:
            await response.aclose()
            raise Failed(502, f"{upstream.name} answered with the status {response.status}, which is none")
        waits["read"] = options.idle_seconds  # read anew for the body
        return Reply(response.status, response.headers, response.stream)

    async def close(self) -> None:
        """Close all connections."""
        with suppress(RuntimeError):  # a connection that is still in use
            await self._pool.aclose()


_FAILURES = (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol)
_WORDS: Mapping[type[Exception], tuple[int, str]] = {
    httpcore.ConnectTimeout: (504, "{name} cannot be reached: no connection within {connect:g} seconds"),
    httpcore.PoolTimeout: (503, "all connections to the upstreams are in use"),
    httpcore.ReadTimeout: (504, "{name} did not answer within {first:g} seconds"),
    httpcore.WriteTimeout: (504, "{name} did not take the request within {write:g} seconds"),
    httpcore.ConnectError: (502, "{name} cannot be reached; is its base URL right, and is it up?"),
    httpcore.LocalProtocolError: (400, "the request cannot be sent on: {exc}"),
}


def _failed(exc: Exception, upstream: Upstream, options: Options) -> Failed:
    if isinstance(exc, httpcore.ConnectError) and (words := distrust(exc, upstream.host.decode())):
        return Failed(502, f"{upstream.name} cannot be reached: {words}")
    status, words = _WORDS.get(type(exc), (502, "{name} closed the connection without an answer, or gave no HTTP"))
    first, write = options.first_byte_seconds, options.body_seconds
    return Failed(
        status, words.format(name=upstream.name, connect=options.connect_seconds, first=first, write=write, exc=exc)
    )
