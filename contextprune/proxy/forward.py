"""The way of one request: what is read of it, what the scorer makes of it, and what is sent in the end.

Here the proxy fails open, in `ask`, and nowhere else: whatever goes wrong with shortening, the client's own bytes go
up. Who may see what, and where keys may travel, is decided elsewhere and fails closed.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator
from hashlib import blake2b
from time import monotonic

from contextprune.proxy.exchange import RETRIED, Exchange, Relay
from contextprune.proxy.job import Answer, Job, Reason, Task, pass_through
from contextprune.proxy.options import Options
from contextprune.proxy.pool.base import Pool
from contextprune.proxy.telemetry.record import RequestRecord
from contextprune.proxy.telemetry.usage import Tap
from contextprune.proxy.wire.body import Incoming, declared, has_body, plain, too_large
from contextprune.proxy.wire.client import Body, Failed
from contextprune.proxy.wire.credentials import fingerprint
from contextprune.proxy.wire.headers import Control, Headers, control, upward
from contextprune.proxy.wire.routes import Upstreams

_WEBSOCKET = (
    "WebSocket connections are not relayed; use HTTP with streaming. In Codex, set supports_websockets = false "
    "for this provider in ~/.codex/config.toml; in the OpenAI SDK, leave out websocket_base_url."
)
_FULL = "too many requests are in flight (connections); try again"
_log = logging.getLogger("contextprune.proxy")


class Forwarder:
    """Takes requests to their providers, shortened where that is asked for."""

    def __init__(self, options: Options, pool: Pool, upstreams: Upstreams, relay: Relay) -> None:
        self._options, self._pool, self._upstreams, self._relay = options, pool, upstreams, relay
        self._boot = secrets.token_hex(4)
        self._jobs = 0

    async def relay(self, exchange: Exchange, path: bytes, *, full: bool) -> Tap | None:
        """Take a request to the provider that `path` leads to, and the answer back. What was heard of the answer.

        full   too many are on their way already: it is refused
        Raises UnusableHeader, Unacceptable, ClientGone and Failed before anything was answered, Broken after it.
        """
        scope, names, record = exchange.scope, exchange.names, exchange.record
        route = exchange.route = self._upstreams.route(scope["method"], path, scope["query_string"], names)
        record.route, record.dialect, record.provider = route.kind, route.dialect, route.upstream.name
        record.trace = names.get(b"traceparent", b"").decode("latin-1")
        if b"upgrade" in names and names[b"upgrade"].strip().lower() == b"websocket":
            await exchange.refuse(426, _WEBSOCKET, [(b"upgrade", b"HTTP/1.1"), (b"connection", b"upgrade, close")])
            return None
        if full:
            raise Failed(503, _FULL)
        incoming = exchange.incoming(self._options.body_seconds)
        if route.task is None:
            record.mode = "off"
            return await self._through(exchange, incoming)
        held = control(names, self._options)
        record.mode = held.mode
        record.session = blake2b(held.session.encode(), digest_size=4).hexdigest() if held.session else ""
        if held.bypass or held.mode == "off":
            record.reason = Reason.BYPASS if held.bypass else Reason.OFF
            return await self._through(exchange, incoming, self._options.max_body)
        return await self._shortened(exchange, held, incoming)

    async def _through(self, exchange: Exchange, incoming: Incoming, limit: int | None = None) -> Tap:
        """Relay a request as it is, its body as it comes."""
        assert exchange.route is not None
        length = declared(exchange.names)
        if limit is not None and length is not None and length > limit:
            if b"expect" not in exchange.names:
                await incoming.discard()
            raise too_large(length, limit)
        body: Body = None
        if has_body(exchange.names) and not incoming.size:
            body = await incoming.first()
            exchange.record.bytes_in = incoming.size
        if not has_body(exchange.names) or body is not None:
            exchange.watch()
        else:
            body = _streamed(exchange, incoming, limit)
        length = len(body) if isinstance(body, bytes) else length
        host, chunked = exchange.route.upstream.authority, body is not None and length is None
        headers = upward(exchange.headers, host, length=length, chunked=chunked)
        reply = await self._relay.send(exchange, headers, body)
        try:
            return await exchange.deliver(reply, self._told(exchange))
        finally:
            await reply.close()

    async def _shortened(self, exchange: Exchange, held: Control, incoming: Incoming) -> Tap:
        """Relay a request with what the scorer makes of its body, and without where it makes nothing of it."""
        options, record = self._options, exchange.record
        length = declared(exchange.names)
        received = None
        if length is None or length <= min(options.largest, options.max_body):
            received = await incoming.whole(options.largest, options.max_body)
        if received is None:
            record.reason = Reason.TOO_LARGE
            return await self._through(exchange, incoming, options.max_body)
        exchange.watch()
        record.bytes_in = len(received)
        encoding = exchange.names.get(b"content-encoding", b"").decode("latin-1")
        body = await plain(received, encoding, options.max_decoded) if encoding else received
        if body is None or len(body) > options.largest:
            record.reason = Reason.PAYLOAD if body is None else Reason.TOO_LARGE
            return await self._sent(exchange, received, None, None)
        job = self._job(exchange, held, body)
        if not job.audit:
            answer = await self.ask(job)
            note(exchange.record, answer)
            return await self._sent(exchange, received, job, answer.body if answer.status == "applied" else None)
        record.status = "audit"
        exchange.audit = asyncio.get_running_loop().create_task(self.ask(job))
        return await self._sent(exchange, received, job, None)

    async def _sent(self, exchange: Exchange, received: bytes, job: Job | None, edited: bytes | None) -> Tap:
        """Send the body, edited or as received, and deliver the answer."""
        assert exchange.route is not None
        host = exchange.route.upstream.authority
        plainly = upward(exchange.headers, host, length=len(received))
        if edited is None:
            reply = await self._relay.send(exchange, plainly, received)
        else:
            headers = upward(exchange.headers, host, length=len(edited), decoded=True)
            reply = await self._relay.send(exchange, headers, edited)
        try:
            if edited is not None and reply.status in RETRIED:
                reply = await self._relay.retry_original(exchange, reply, plainly, received)
                exchange.record.status, exchange.record.reason = "passed", Reason.REFUSED
                exchange.record.after = exchange.record.before
                if reply.status < 400 and job is not None:
                    self._pool.refused(job)
            if exchange.audit is not None:  # the provider has had time; what is not known by now is for the record only
                left = self._options.deadline - (monotonic() - exchange.uploaded)
                await asyncio.wait((exchange.audit,), timeout=max(0.0, left))
                if exchange.audit.done():
                    note(exchange.record, exchange.audit.result())
            return await exchange.deliver(reply, self._told(exchange))
        finally:
            await reply.close()

    def _job(self, exchange: Exchange, held: Control, body: bytes) -> Job:
        assert exchange.route is not None
        assert exchange.route.task is not None
        self._jobs += 1
        return Job(
            number=self._jobs,
            task=exchange.route.task,
            body=body,
            dialect=exchange.route.dialect,
            tenant=fingerprint(exchange.headers),
            session=held.session,
            recall=held.recall,
            audit=held.mode == "audit",
            show=self._options.content,
            seconds=self._options.deadline,
        )

    async def sidecar(self, exchange: Exchange, task: Task, body: bytes) -> Answer:
        """Answer a caller of the side-car."""
        self._jobs += 1
        wait = self._options.first_byte_seconds if task is Task.COMPRESS else self._options.connect_seconds
        tenant = fingerprint(exchange.headers)
        job = Job(
            number=self._jobs, task=task, body=body, tenant=tenant, recall=self._options.recall,
            audit=self._options.mode == "audit", seconds=wait,
        )  # fmt: skip
        answer = await self.ask(job)
        note(exchange.record, answer)
        return answer

    async def ask(self, job: Job) -> Answer:
        """What the scorer makes of a body; where anything fails, that it is to be sent as it was received."""
        try:
            return await self._pool.ask(job)
        except Exception:  # noqa: BLE001 - the one place that fails open: a fault of ours must not cost a request
            _log.exception("the scorer could not be asked", extra={"fields": {"job": job.number}})
            return pass_through(job, Reason.ERROR)

    def _told(self, exchange: Exchange) -> Headers:
        """What the answer's head says of us."""
        record = exchange.record
        out = [(b"x-contextprune-request-id", f"{self._boot}-{record.number}".encode())]
        if record.route == "other":
            return out
        out.append((b"x-contextprune-status", record.status.encode()))
        if record.reason:
            out.append((b"x-contextprune-reason", record.reason.encode()))
        if record.before:
            out.append((b"x-contextprune-tokens-before", b"%d" % record.before))
            out.append((b"x-contextprune-tokens-after", b"%d" % record.after))
        out.append((b"x-contextprune-overhead-ms", b"%.1f" % (record.overhead * 1e3)))
        return out


def note(record: RequestRecord, answer: Answer) -> None:
    """Put down what a scorer said."""
    record.status, record.reason, record.model = answer.status, answer.reason, answer.model
    record.before, record.after, record.kinds = answer.before, answer.after, answer.kinds
    record.dollars, record.epoch, record.seconds = answer.dollars, answer.epoch, answer.seconds
    record.keys, record.heat = answer.keys, answer.heat


async def _streamed(exchange: Exchange, incoming: Incoming, limit: int | None) -> AsyncIterator[bytes]:
    """A body as it comes, counted; after its end the client is watched."""
    async for chunk in incoming.chunks(limit):
        yield chunk
    exchange.record.bytes_in = incoming.size
    exchange.watch()
