"""One request on its way up and its answer on the way back: chunk for chunk, and at once to an end where a side ends.

The task of the request does everything; beside it only a watch waits for the client to leave. Cancelling the task
closes the upstream connection, whatever it waits for.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from enum import Enum, auto
from time import monotonic
from typing import Any

from contextprune.proxy.job import Answer, Job
from contextprune.proxy.telemetry.record import RequestRecord
from contextprune.proxy.telemetry.usage import Tap
from contextprune.proxy.wire.body import Incoming, Message, Receive
from contextprune.proxy.wire.client import Body, Broken, Client, Reply
from contextprune.proxy.wire.errors import last_event, refusal
from contextprune.proxy.wire.headers import Headers, downward
from contextprune.proxy.wire.room import Room
from contextprune.proxy.wire.routes import Route

Send = Callable[[Message], Awaitable[None]]

RETRIED = frozenset({400, 422})
"""Answers that our edit may have caused; the original is then tried, once."""

_EMPTY = (204, 304)  # answers without a body
_ERROR = 256 << 10  # bytes that are read of an answer which nobody will see
_log = logging.getLogger("contextprune.proxy")
_CUT = "this proxy is shutting down; send the request again"


class Phase(Enum):
    """How far the answer to a request has come."""

    WAITING = auto()  # nothing of it was sent to the client
    ANSWERING = auto()  # its head was
    ENDED = auto()  # all of it was, or will be without anything in its way


class Stop(Enum):
    """Why we cancelled the task of a request."""

    CLIENT_LEFT = auto()
    SHUTDOWN = auto()


class Exchange:
    """One request and its answer. Made for each request, and forgotten after it.

    phase           of the answer
    stopped         why it was ended before its time, None where it was not
    between_events  the answer is a stream of plain events, and another event may follow what was sent
    uploaded        when the last byte of the request had come, in monotonic seconds as `started`
    audit           measures beside, while the request is relayed as it is
    uncounted       the job of a request that went up without a decision, so that nobody has counted it yet
    """

    __slots__ = (
        "_body", "_receive", "_send", "_task", "_watch", "audit", "between_events", "headers", "names", "phase",
        "record", "route", "scope", "started", "stopped", "uncounted", "uploaded",
    )  # fmt: skip

    def __init__(self, scope: Mapping[str, Any], receive: Receive, send: Send, record: RequestRecord) -> None:
        self.scope, self._receive, self._send = scope, receive, send
        self.headers: Headers = scope["headers"]
        self.names: dict[bytes, bytes] = dict(self.headers)
        self.record = record
        self.started = self.uploaded = monotonic()
        self.route: Route | None = None
        self.phase = Phase.WAITING
        self.stopped: Stop | None = None
        self.between_events = False
        self.audit: asyncio.Task[Answer] | None = None
        self.uncounted: Job | None = None
        self._task = asyncio.current_task()
        self._watch: asyncio.Task[None] | None = None
        self._body: Incoming | None = None

    @property
    def shape(self) -> str:
        """The provider whose errors the client understands."""
        return self.route.shape if self.route else "openai"

    def incoming(self, seconds: float, room: Room) -> Incoming:
        """Its body, for which the client may be slow for so many seconds; what is held of it takes `room`."""
        self._body = Incoming(self._receive, seconds, room)
        return self._body

    def warn(self, message: str) -> None:
        """Put into the log what went wrong outside of us."""
        _log.warning(message, extra={"fields": {"number": self.record.number, "route": self.record.route}})

    def watch(self) -> None:
        """From now on, stop at once when the client leaves. Called when the body has been read to its end."""
        self.uploaded = monotonic()
        self._watch = asyncio.get_running_loop().create_task(self._until_client_leaves())

    async def _until_client_leaves(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._stop(Stop.CLIENT_LEFT)

    def stop(self) -> None:
        """End it now, with an error that the client understands where that can still be said."""
        if self.stopped is None:
            self._stop(Stop.SHUTDOWN)

    def _stop(self, why: Stop) -> None:
        """Cancel its task, once; a client that leaves while we end need not be told why."""
        if self.phase is Phase.ENDED or self._task is None:
            return
        before, self.stopped = self.stopped, why
        if before is None:
            self._task.cancel()

    def finish(self) -> None:
        """Release the watch, and the room that its body took."""
        self.phase = Phase.ENDED
        if self._body is not None:
            self._body.release()
        if self._watch is not None:
            self._watch.cancel()

    async def answer(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        """Send a whole answer of our own."""
        headers = [*headers, (b"content-length", b"%d" % len(body))]
        self.phase = Phase.ANSWERING
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
        if self.scope["method"] == "HEAD":
            body = b""
        self.phase = Phase.ENDED
        await self._send({"type": "http.response.body", "body": body})
        self.record.bytes_out = len(body)

    async def refuse(self, status: int, message: str, headers: Headers = ()) -> None:
        """Send an error of our own, in the shape that the client understands."""
        body = refusal(status, message, self.shape)
        headers = [(b"content-type", b"application/json"), *headers]
        if status in (408, 413):  # the rest of the body is not wanted
            headers.append((b"connection", b"close"))
        await self.answer(status, headers, body)

    async def deliver(self, reply: Reply, extra: Headers) -> Tap:
        """Hand an answer on as it comes, with `extra` headers of ours. Raises Broken where it ends before its end."""
        record = self.record
        names = {name.lower(): value for name, value in reply.headers}
        kind, encoding = names.get(b"content-type", b""), names.get(b"content-encoding", b"")
        record.streamed = kind.startswith(b"text/event-stream")
        headers = downward(reply.headers, extra)
        if reply.status in _EMPTY:  # a length there is that of another answer's body
            headers = [pair for pair in headers if pair[0].lower() != b"content-length"]

        events = record.streamed and not encoding
        self.phase, self.between_events = Phase.ANSWERING, events
        await self._send({"type": "http.response.start", "status": reply.status, "headers": headers})

        tap = Tap(kind.decode("latin-1"), encoding.decode("latin-1"))
        async for chunk in reply.chunks():
            await self._send({"type": "http.response.body", "body": chunk, "more_body": True})
            record.bytes_out += len(chunk)
            self.between_events = events and chunk.endswith((b"\n\n", b"\r\n\r\n"))
            tap.feed(chunk)
        await self._end()
        return tap

    async def _end(self) -> None:
        """End the body of an answer."""
        self.phase = Phase.ENDED
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def end_stream(self) -> None:
        """Say in the stream itself that it ends before its time; nothing where that cannot be said."""
        if self.phase is Phase.WAITING:
            await self.refuse(503, _CUT, [(b"retry-after", b"1")])
        elif self.phase is Phase.ANSWERING and self.between_events:
            event = last_event(_CUT, self.record.dialect)
            await self._send({"type": "http.response.body", "body": event, "more_body": True})
            await self._end()


class Relay:
    """Sends requests up. Retries none, but for one that may have been refused because of what we changed."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def send(self, exchange: Exchange, headers: list[tuple[bytes, bytes]], body: Body) -> Reply:
        """Send a request; the head of its answer. Raises Failed, and what reading the body raises."""
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
        """Send what the client itself had sent, after `reply` refused our version of it; the head of that answer."""
        assert exchange.route is not None
        try:
            await reply.read(_ERROR)
        except Broken:
            await reply.close()
        overhead = exchange.record.overhead
        original = await self.send(exchange, headers, received)
        exchange.record.overhead = overhead
        exchange.record.retried = True
        return original
