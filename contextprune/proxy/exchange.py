"""One request on its way up and its answer on the way back: chunk for chunk, and at once to an end where a side ends.

The task of the request does everything; beside it only a watch waits for the client to leave. Cancelling the task
closes the upstream connection, whatever it waits for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from time import monotonic
from typing import Any

from contextprune.proxy.job import Answer
from contextprune.proxy.telemetry.record import RequestRecord
from contextprune.proxy.telemetry.usage import Tap
from contextprune.proxy.wire.body import Incoming, Message, Receive
from contextprune.proxy.wire.client import Body, Broken, Client, Reply
from contextprune.proxy.wire.errors import last_event, refusal
from contextprune.proxy.wire.headers import Headers, downward
from contextprune.proxy.wire.routes import Route

Send = Callable[[Message], Awaitable[None]]

RETRIED = frozenset({400, 422})
"""Answers that our edit may have caused; the original is then tried, once."""

_EMPTY = (204, 304)  # answers without a body
_ERROR = 256 << 10  # bytes that are read of an answer which nobody will see
_CUT = "this proxy is shutting down; send the request again"


class Exchange:
    """One request and its answer. Made for each request, and forgotten after it.

    answered   the head of an answer has been sent to the client
    gone       the client left; cut: we stop, because the server does
    """

    __slots__ = (
        "_receive", "_send", "_task", "_watch", "answered", "at_event", "audit", "cut", "done", "gone",
        "headers", "names", "plain_events", "record", "route", "scope", "started", "uploaded",
    )  # fmt: skip

    def __init__(self, scope: Mapping[str, Any], receive: Receive, send: Send, record: RequestRecord) -> None:
        self.scope, self._receive, self._send = scope, receive, send
        self.headers: Headers = scope["headers"]
        self.names: dict[bytes, bytes] = dict(self.headers)
        self.record = record
        self.started = monotonic()
        self.uploaded = self.started  # when the last byte of the request had come
        self.route: Route | None = None
        self._task = asyncio.current_task()
        self._watch: asyncio.Task[None] | None = None
        self.audit: asyncio.Task[Answer] | None = None  # measures beside, while the request is relayed as it is
        self.answered = self.done = self.gone = self.cut = False
        self.plain_events = self.at_event = False

    @property
    def stopped(self) -> bool:
        """Whether its task was cancelled by us."""
        return self.gone or self.cut

    @property
    def shape(self) -> str:
        """Whose errors the client understands."""
        return self.route.shape if self.route else "openai"

    def incoming(self, seconds: float) -> Incoming:
        """Its body."""
        return Incoming(self._receive, seconds)

    def watch(self) -> None:
        """From now on, stop at once when the client leaves. Called when the body has been read to its end."""
        self.uploaded = monotonic()
        self._watch = asyncio.get_running_loop().create_task(self._until_gone())

    async def _until_gone(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        if not self.done and self._task is not None:
            self.gone = True
            self._task.cancel()

    def stop(self) -> None:
        """End it now, with an error that the client understands where that can still be said."""
        if not self.done and not self.cut and self._task is not None:
            self.cut = True
            self._task.cancel()

    def finish(self) -> None:
        """Release the watch."""
        self.done = True
        if self._watch is not None:
            self._watch.cancel()

    async def answer(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        """A whole answer of our own."""
        headers = [*headers, (b"content-length", b"%d" % len(body))]
        self.answered = True
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
        if self.scope["method"] == "HEAD":
            body = b""
        self.done = True
        await self._send({"type": "http.response.body", "body": body})
        self.record.bytes_out = len(body)

    async def refuse(self, status: int, message: str, headers: Headers = ()) -> None:
        """An error of our own, in the shape that the client understands."""
        body = refusal(status, message, self.shape)
        told = [(b"content-type", b"application/json"), *headers]
        if status in (408, 413):  # the rest of the body is not wanted
            told.append((b"connection", b"close"))
        await self.answer(status, told, body)

    async def deliver(self, reply: Reply, own: Headers) -> Tap:
        """Hand an answer on as it comes. Raises Broken where it ends before its end."""
        record, send = self.record, self._send
        names = {name.lower(): value for name, value in reply.headers}
        kind, encoding = names.get(b"content-type", b""), names.get(b"content-encoding", b"")
        record.streamed = kind.startswith(b"text/event-stream")
        self.plain_events = record.streamed and not encoding
        tap = Tap(kind.decode("latin-1"), encoding.decode("latin-1"))
        self.answered = self.at_event = True
        headers = downward(reply.headers, own)
        if reply.status in _EMPTY:  # a length there is that of another answer's body
            headers = [pair for pair in headers if pair[0].lower() != b"content-length"]
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        out = 0
        async for chunk in reply.chunks():
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
            out += len(chunk)
            record.bytes_out = out
            self.at_event = chunk.endswith((b"\n\n", b"\r\n\r\n"))
            tap.feed(chunk)
        await self._end()
        return tap

    async def _end(self) -> None:
        """End the body of an answer."""
        self.done = True
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def end_stream(self) -> None:
        """Say in the stream itself that it ends before its time; nothing where that cannot be said."""
        if not self.answered:
            self.done = True
            await self.refuse(503, _CUT, [(b"retry-after", b"1")])
        elif self.plain_events and self.at_event and not self.done:
            self.done = True
            event = last_event(_CUT, self.record.dialect)
            await self._send({"type": "http.response.body", "body": event, "more_body": True})
            await self._end()


class Relay:
    """Sends requests up. Retries none, but for one that may have been refused because of what we changed."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def send(self, exchange: Exchange, headers: list[tuple[bytes, bytes]], body: Body) -> Reply:
        """The head of the answer. Raises Failed, and what reading the body raises."""
        assert exchange.route is not None
        record, method = exchange.record, exchange.scope["method"].encode("ascii")
        began = monotonic()
        record.overhead = began - exchange.uploaded
        reply = await self._client.open(method, exchange.route, headers, body)
        record.first_byte = monotonic() - began
        record.upstream = reply.status
        return reply

    async def retry_original(
        self, exchange: Exchange, reply: Reply, headers: list[tuple[bytes, bytes]], received: bytes
    ) -> Reply:
        """The answer to what the client itself had sent, after `reply` refused our version of it."""
        assert exchange.route is not None
        try:
            await reply.read(_ERROR)
        except Broken:
            await reply.close()
        overhead = exchange.record.overhead
        again = await self.send(exchange, headers, received)
        exchange.record.overhead = overhead
        exchange.record.retried = True
        return again
