"""Carries out the treatment of a request: what is read of it, what the scorer makes of it, and what is sent in the end.

Here the proxy fails open, in `_guarded`, and nowhere else: whatever goes wrong with shortening, the request goes up.
Who may see what, and where keys may travel, is decided elsewhere and fails closed.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Mapping
from dataclasses import replace
from hashlib import blake2b
from time import monotonic

from contextprune.proxy.exchange import RETRIED, Exchange, Relay
from contextprune.proxy.job import Answer, Job, Reason, Task, is_undecided, pass_through
from contextprune.proxy.options import Options
from contextprune.proxy.pool.base import Pool
from contextprune.proxy.replay.replayer import Replayer
from contextprune.proxy.telemetry.record import RequestRecord
from contextprune.proxy.telemetry.usage import Tap
from contextprune.proxy.treatment import Action, Refusal, Treatment, choose_treatment, reconsider
from contextprune.proxy.wire.body import (
    MOST_PIECES,
    Decoder,
    Incoming,
    NoRoom,
    Unacceptable,
    declared,
    has_body,
    pieces,
    text_size,
)
from contextprune.proxy.wire.client import Body, Failed, Reply
from contextprune.proxy.wire.client_name import client_name
from contextprune.proxy.wire.credentials import fingerprint
from contextprune.proxy.wire.glance import Glance, glance_at
from contextprune.proxy.wire.headers import Headers, upward
from contextprune.proxy.wire.room import Room
from contextprune.proxy.wire.routes import Upstreams

_REPLAYED = 16 << 20  # bytes of text; no model's window holds what is larger, so no session sent part of it before
_log = logging.getLogger("contextprune.proxy")


class Forwarder:
    """Takes requests to their providers, shortened where that is asked for."""

    def __init__(
        self,
        options: Options,
        pool: Pool,
        upstreams: Upstreams,
        relay: Relay,
        replayer: Replayer,
        decoder: Decoder,
        room: Room,
    ) -> None:
        self._options, self._pool, self._upstreams, self._relay = options, pool, upstreams, relay
        self._replayer, self._decoder, self._room = replayer, decoder, room
        self._boot = secrets.token_hex(4)
        self._jobs = 0

    async def relay(self, exchange: Exchange, path: bytes, *, full: bool) -> Tap | None:
        """Take a request to the provider that `path` leads to, and the answer back; None where it is refused.

        full   as many requests as may be are on their way already
        The tap tells, at the end, what the answer says of its tokens.
        Raises Unacceptable, ClientGone and Failed before anything was answered, Broken after it.
        """
        scope, record = exchange.scope, exchange.record
        route = exchange.route = self._upstreams.route(scope["method"], path, scope["query_string"], exchange.headers)
        record.route, record.dialect, record.provider = route.kind, route.dialect, route.upstream.name
        record.trace = exchange.names.get(b"traceparent", b"").decode("latin-1")
        record.client = client_name(exchange.names.get(b"user-agent", b""))

        treatment = choose_treatment(route, exchange.names, self._options, full=full)
        record.answer = replace(record.answer, reason=treatment.reason)
        if treatment.control is not None:
            record.mode = treatment.control.mode
            record.session = short_hash(treatment.control.session, fingerprint(exchange.headers))

        incoming = exchange.incoming(self._options.body_seconds, self._room)
        if treatment.refusal is not None:
            await self._refuse(exchange, incoming, treatment.refusal)
            return None
        if treatment.action is Action.RELAY:
            return await self._stream(exchange, incoming, treatment.limit)
        return await self._shorten(exchange, incoming, treatment)

    async def _refuse(self, exchange: Exchange, incoming: Incoming, refusal: Refusal) -> None:
        answer = exchange.record.answer
        exchange.record.answer = replace(answer, status="refused")
        if refusal.status == 503 or answer.reason is Reason.NO_UPSTREAM:
            exchange.warn(refusal.message)
        elif refusal.status == 413 and b"expect" not in exchange.names:
            await incoming.discard()
        await exchange.refuse(refusal.status, refusal.message, refusal.headers)

    async def _stream(self, exchange: Exchange, incoming: Incoming, limit: int | None) -> Tap:
        """Relay a request as it is, its body as it comes. Raises Unacceptable where that passes `limit` bytes."""
        assert exchange.route is not None
        glance = glance_at(exchange.names) if exchange.route.foreign else None
        body: Body = None
        if has_body(exchange.names) and not incoming.size:
            body = await incoming.first()
            exchange.record.bytes_in = incoming.size
        if not has_body(exchange.names) or body is not None:
            exchange.watch()
            if glance is not None and isinstance(body, bytes):
                glance.feed(body)
        else:
            body = _chunks(exchange, incoming, limit, glance)

        length = len(body) if isinstance(body, bytes) else declared(exchange.names)
        host, chunked = exchange.route.upstream.authority, body is not None and length is None
        headers = upward(exchange.headers, host, length=length, chunked=chunked)
        reply = await self._relay.send(exchange, headers, body)
        if glance is not None and glance.seen:
            exchange.record.answer = replace(exchange.record.answer, reason=Reason.UNKNOWN_PATH)
        try:
            return await exchange.deliver(reply, self._own_headers(exchange))
        finally:
            await reply.close()

    async def _shorten(self, exchange: Exchange, incoming: Incoming, treatment: Treatment) -> Tap:
        """Relay a request with what the scorer makes of its body, and without where it makes nothing of it."""
        options, record = self._options, exchange.record
        try:
            received = await incoming.read(options.max_body)
        except NoRoom:
            record.answer = replace(record.answer, reason=Reason.BUSY)
            return await self._stream(exchange, incoming, options.max_body)
        exchange.watch()
        record.bytes_in = len(received)

        body, treatment = await self._decoded(exchange, received, treatment)
        size = 0 if body is None else text_size(body, options.largest)
        if body is not None:
            treatment = reconsider(treatment, size, options)
        record.answer = replace(record.answer, reason=treatment.reason)
        measuring = treatment.action is Action.MEASURE
        replayed = treatment.reason is Reason.TOO_LARGE and size <= _REPLAYED
        if body is None or (treatment.action is Action.RELAY and not replayed):
            return await self._send(exchange, received)

        job = self._job(exchange, treatment, body)
        if measuring:
            record.answer = replace(record.answer, status="audit")
            exchange.audit = asyncio.get_running_loop().create_task(self.ask(job))
            return await self._send(exchange, received)
        answer = await self._answer(job, treatment)
        note(record, answer)
        exchange.uncounted = job if is_undecided(answer) and not answer.before else None
        if answer.status != "applied" or answer.body is None:
            return await self._send(exchange, received, job)
        return await self._send_edited(exchange, received, job, answer.body)

    async def _decoded(
        self, exchange: Exchange, received: bytes, treatment: Treatment
    ) -> tuple[bytes | None, Treatment]:
        """A body without its content-encoding; None, and why it goes up as it was received, where that is not had."""
        encoding = exchange.names.get(b"content-encoding", b"").decode("latin-1")
        too_large = replace(treatment, action=Action.RELAY, reason=Reason.TOO_LARGE)
        try:
            body = await self._decoder.decode(received, encoding) if encoding else received
        except Unacceptable:  # whether that is too much is for the provider to say
            return None, too_large
        except TimeoutError:
            return None, replace(too_large, reason=Reason.BUSY)
        if body is None:
            return None, reconsider(treatment, None, self._options)
        return (None, too_large) if pieces(body) > MOST_PIECES else (body, treatment)

    async def _answer(self, job: Job, treatment: Treatment) -> Answer:
        """The answer about a body: where nothing new could be decided, what earlier requests sent of it."""
        too_large = treatment.reason is Reason.TOO_LARGE
        answer = pass_through(job, Reason.TOO_LARGE) if too_large else await self.ask(job)
        if answer.notes is not None:
            self._replayer.remember(job, answer.notes)
        if answer.status == "passed" and is_undecided(answer):
            return await _guarded(self._replayer.replay(job, answer), answer)
        return answer

    async def _send(self, exchange: Exchange, received: bytes, job: Job | None = None) -> Tap:
        """Send a body as it was received, and deliver the answer."""
        assert exchange.route is not None
        headers = upward(exchange.headers, exchange.route.upstream.authority, length=len(received))
        reply = await self._open(exchange, headers, received, job)
        try:
            await self._await_audit(exchange)
            return await exchange.deliver(reply, self._own_headers(exchange))
        finally:
            await reply.close()

    async def _send_edited(self, exchange: Exchange, received: bytes, job: Job, edited: bytes) -> Tap:
        """Send our version of a body, and the original where that is refused; deliver the answer."""
        assert exchange.route is not None
        record, host = exchange.record, exchange.route.upstream.authority
        headers = upward(exchange.headers, host, length=len(edited), decoded=True)
        reply = await self._open(exchange, headers, edited, job)
        try:
            if reply.status in RETRIED:
                headers = upward(exchange.headers, host, length=len(received))
                reply = await self._relay.retry_original(exchange, reply, headers, received)
                answer = record.answer
                record.answer = replace(answer, status="passed", reason=Reason.REFUSED, after=answer.before)
                if reply.status < 400:
                    self._pool.refused(job)
                    self._replayer.refused(job)
            return await exchange.deliver(reply, self._own_headers(exchange))
        finally:
            await reply.close()

    async def _open(
        self, exchange: Exchange, headers: list[tuple[bytes, bytes]], body: bytes, job: Job | None
    ) -> Reply:
        """Send a request; where the provider does not take it, its cache does not hold what is new in `job`."""
        try:
            reply = await self._relay.send(exchange, headers, body)
        except Failed:
            if job is not None:
                self._pool.failed(job)
            raise
        if reply.status >= 400 and job is not None:
            self._pool.failed(job)
        return reply

    async def count_later(self, job: Job) -> Answer:
        """Count a request that was sent without a decision, once a scorer process has time; no tokens: in vain."""
        self._jobs += 1
        return await self._pool.catch_up(replace(job, number=self._jobs))

    async def _await_audit(self, exchange: Exchange) -> None:
        """Give a measurement the rest of its time: what is not known by now is for the record only."""
        if exchange.audit is None:
            return
        left = self._options.deadline - (monotonic() - exchange.uploaded)  # the provider has had time as well
        await asyncio.wait((exchange.audit,), timeout=max(0.0, left))
        if exchange.audit.done():
            note(exchange.record, exchange.audit.result())

    def _job(self, exchange: Exchange, treatment: Treatment, body: bytes) -> Job:
        assert exchange.route is not None
        assert exchange.route.task is not None
        assert treatment.control is not None
        self._jobs += 1
        return Job(
            number=self._jobs,
            task=exchange.route.task,
            body=body,
            dialect=exchange.route.dialect,
            tenant=fingerprint(exchange.headers),
            session=treatment.control.session,
            recall=treatment.control.recall,
            audit=treatment.action is Action.MEASURE,
            show=self._options.content,
            seconds=self._options.deadline,
        )

    async def sidecar(self, exchange: Exchange, task: Task, body: bytes) -> Answer:
        """Answer a caller of the side-car."""
        self._jobs += 1
        wait = self._options.first_byte_seconds if task is Task.COMPRESS else self._options.connect_seconds
        job = Job(
            number=self._jobs,
            task=task,
            body=body,
            tenant=fingerprint(exchange.headers),
            session=_session_of_gateway(exchange.names),
            recall=self._options.recall,
            audit=self._options.mode == "audit",
            seconds=wait,
        )
        answer = await self.ask(job)
        note(exchange.record, answer)
        exchange.record.session = short_hash(answer.session or job.session, job.tenant)
        return answer

    async def ask(self, job: Job) -> Answer:
        """Ask the pool about a body; where anything fails, the answer is to send it as it was received."""
        return await _guarded(self._pool.ask(job), pass_through(job, Reason.ERROR))

    def _own_headers(self, exchange: Exchange) -> Headers:
        """Headers of an answer that say what was done with its request."""
        record, answer = exchange.record, exchange.record.answer
        headers = [(b"x-contextprune-request-id", f"{self._boot}-{record.number}".encode())]
        if record.route == "other" and not answer.reason:
            return headers

        headers.append((b"x-contextprune-status", answer.status.encode()))
        if answer.reason:
            headers.append((b"x-contextprune-reason", answer.reason.encode()))
        if answer.before:
            headers.append((b"x-contextprune-tokens-before", b"%d" % answer.before))
            headers.append((b"x-contextprune-tokens-after", b"%d" % answer.after))
        headers.append((b"x-contextprune-overhead-ms", b"%.1f" % (record.overhead * 1e3)))
        return headers


async def _guarded(answering: Awaitable[Answer], otherwise: Answer) -> Answer:
    """An answer, or the other one where anything fails."""
    try:
        return await answering
    except Exception:  # noqa: BLE001 - the one place that fails open: a fault of ours must not cost a request
        _log.exception("no answer could be had", extra={"fields": {"job": otherwise.number}})
        return otherwise


def note(record: RequestRecord, answer: Answer) -> None:
    """Put an answer into the record, which is kept for long, without its body."""
    record.answer = replace(answer, body=None)
    record.session = record.session or answer.conversation


_GATEWAY_SESSIONS = (b"x-headroom-session-id", b"x-headroom-affinity")
"""Headers in which a gateway names a session to the side-car; the second is LiteLLM's, of version 1.110."""


def _session_of_gateway(names: Mapping[bytes, bytes]) -> str:
    """The session that a gateway names in a header, "" for none."""
    return next((names[name].decode("latin-1") for name in _GATEWAY_SESSIONS if names.get(name)), "")


def short_hash(session: str, tenant: str) -> str:
    """What the log shows of a session's id, another for each tenant; "" for none."""
    return blake2b(session.encode(), key=tenant.encode()[:64], digest_size=4).hexdigest() if session else ""


async def _chunks(
    exchange: Exchange, incoming: Incoming, limit: int | None, glance: Glance | None
) -> AsyncIterator[bytes]:
    """A body as it comes, counted; after its end the client is watched."""
    async for chunk in incoming.chunks(limit):
        if glance is not None:
            glance.feed(chunk)
        yield chunk
    exchange.record.bytes_in = incoming.size
    exchange.watch()
