"""The proxy as an ASGI application: what is in flight, how each request ends, and its record afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from time import monotonic
from typing import Any

from contextprune.proxy.admission import Admission
from contextprune.proxy.endpoints import Endpoints
from contextprune.proxy.exchange import Exchange, Phase, Relay, Send, Stop
from contextprune.proxy.forward import Forwarder, note
from contextprune.proxy.job import Job, Reason
from contextprune.proxy.options import Options
from contextprune.proxy.pool.base import Pool
from contextprune.proxy.replay.replayer import Replayer, store_of
from contextprune.proxy.telemetry.monitor import Monitor
from contextprune.proxy.telemetry.record import RequestRecord
from contextprune.proxy.telemetry.usage import Tap
from contextprune.proxy.treatment import Refusal
from contextprune.proxy.wire.body import ClientGone, Decoder, Receive, Unacceptable
from contextprune.proxy.wire.client import Broken, Client, Failed
from contextprune.proxy.wire.room import Room
from contextprune.proxy.wire.routes import Upstreams

_LAG_EVERY = 0.5  # seconds
_PUBLISH_EVERY = 0.5  # what was counted since is lost where the process is killed
_GIVE_BACK_EVERY = 5.0
_COUNTED_LATE = 64 << 20  # bytes of bodies that wait to be counted; what comes on top stays uncounted


class App:
    """An ASGI application. Belongs to one event loop, and holds what is in flight there.

    secret   proves to the program that started the proxy that this is it; b"" where none did
    """

    def __init__(
        self,
        options: Options,
        pool: Pool,
        monitor: Monitor,
        secret: bytes = b"",
        replayer: Replayer | None = None,
    ) -> None:
        self.options, self.pool, self.monitor = options, pool, monitor
        self.draining = False

        upstreams = Upstreams(options)
        self._client = Client(options, upstreams)
        monitor.unreachable = self._client.trouble
        self._replayer = replayer or Replayer(lambda: store_of(options.config))
        self._decoder, self._room, self._admission = (
            Decoder(options.max_decoded),
            Room(options.buffered),
            Admission(options),
        )
        relay = Relay(self._client)
        self._forwarder = Forwarder(options, pool, upstreams, relay, self._replayer, self._decoder, self._room)
        self._endpoints = Endpoints(options, monitor, pool, lambda: self.draining, secret, self._decoder, self._room)

        self._exchanges: set[Exchange] = set()
        self._chores: list[asyncio.Task[None]] = []
        self._counting: dict[asyncio.Task[None], int] = {}  # requests that are counted late, by their bytes

    @property
    def in_flight(self) -> int:
        """Number of requests that are being relayed."""
        return len(self._exchanges)

    @property
    def watched(self) -> bool:
        """True where a load balancer has asked for readiness within the last minute."""
        return self._endpoints.watched

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """Serve one request, or the life of the server."""
        if scope["type"] == "http":
            await self._serve(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            await send({"type": "websocket.close", "code": 1003, "reason": "not relayed"})

    def stop(self) -> None:
        """End all that is in flight now, streams with an error that the client understands."""
        for exchange in tuple(self._exchanges):
            exchange.stop()

    async def _live(self, receive: Receive, send: Send) -> None:
        loop = asyncio.get_running_loop()
        await receive()
        # The scorers start beside the server: until they are up, requests go through as they are.
        chores = (self.pool.start(), self._measure_lag(), self._publish(), self._give_back())
        self._chores = [loop.create_task(chore) for chore in chores]
        await send({"type": "lifespan.startup.complete"})
        await receive()
        running = (*self._chores, *self._counting)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await self.monitor.publish()
        await self.pool.stop()
        self._replayer.close()
        self._decoder.close()
        await self._client.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _measure_lag(self) -> None:
        while True:
            began = monotonic()
            await asyncio.sleep(_LAG_EVERY)
            self.monitor.lag(max(0.0, monotonic() - began - _LAG_EVERY))

    async def _publish(self) -> None:
        while True:
            await asyncio.sleep(_PUBLISH_EVERY)
            await self.monitor.publish()

    async def _give_back(self) -> None:
        while True:
            await asyncio.sleep(_GIVE_BACK_EVERY)
            if self._room.is_worth_giving_back:
                await asyncio.to_thread(self._room.give_back)

    async def _serve(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        path: bytes = scope.get("raw_path") or scope["path"].encode()
        is_ours = self._endpoints.serves(scope["method"], path)
        exchange = Exchange(scope, receive, send, self.monitor.begin(counted=not is_ours))
        tap = None

        try:
            refusal = self._refusal(exchange, is_ours=is_ours)
            if refusal is not None:
                exchange.record.answer = replace(exchange.record.answer, status="refused")
                await exchange.refuse(refusal.status, refusal.message, refusal.headers)
            elif is_ours:
                await self._endpoints.answer(exchange, path, self._forwarder.sidecar)
            else:
                self._exchanges.add(exchange)
                full = len(self._exchanges) > self.options.connections
                tap = await self._forwarder.relay(exchange, path, full=full)

        except asyncio.CancelledError:
            if exchange.stopped is None:
                raise
            await _end(exchange)
        except ClientGone:
            exchange.record.gone = "request"
        except Unacceptable as exc:
            answer = exchange.record.answer
            reason = Reason.TOO_LARGE if exc.status == 413 and not answer.reason else answer.reason
            exchange.record.answer = replace(answer, status="refused", reason=reason)
            await exchange.refuse(exc.status, exc.message)
        except Failed as exc:
            exchange.warn(exc.message)
            await exchange.refuse(exc.status, exc.message, [(b"retry-after", b"1")] if exc.status == 503 else ())
        except Broken as exc:
            exchange.warn(f"the answer of {exchange.record.provider} broke off: {exc}")
            # An answer that is not ended: the server closes the connection, and the client sees what we saw.

        finally:
            self._exchanges.discard(exchange)
            self._finish(exchange, tap)

    def _refusal(self, exchange: Exchange, *, is_ours: bool) -> Refusal | None:
        """Why a request is not let in; None where it is, or where a page of our own decides."""
        refusal = self._admission.to_any(exchange.scope["method"], exchange.names)
        if refusal is not None or is_ours:
            return refusal
        return self._admission.to_relay(exchange.scope.get("client"), exchange.names)

    def _finish(self, exchange: Exchange, tap: Tap | None) -> None:
        exchange.finish()
        record = exchange.record
        record.total = monotonic() - exchange.started
        if exchange.audit is None:
            asyncio.get_running_loop().call_soon(self._record, exchange, tap)
        elif exchange.stopped is not None:
            exchange.audit.cancel()
            exchange.audit = None
            self._record(exchange, tap)
        else:
            exchange.audit.add_done_callback(lambda _: self._record(exchange, tap))

    def _record(self, exchange: Exchange, tap: Tap | None) -> None:
        """Count a request, later than its last byte: nobody waits for that."""
        if tap is not None:
            exchange.record.usage = tap.usage()
        if exchange.audit is not None and not exchange.audit.cancelled():
            note(exchange.record, exchange.audit.result())
        self.monitor.add(exchange.record)
        job = exchange.uncounted
        if job is not None and sum(self._counting.values()) + len(job.body) <= _COUNTED_LATE:
            task = asyncio.get_running_loop().create_task(self._count(exchange.record, job))
            self._counting[task] = len(job.body)
            task.add_done_callback(lambda done: self._counting.pop(done, None))

    async def _count(self, record: RequestRecord, job: Job) -> None:
        """Count a request after its end: it went up without a decision, and so uncounted."""
        answer = await self._forwarder.count_later(job)
        if answer.before:
            self.monitor.counted(record.number, answer)


async def _end(exchange: Exchange) -> None:
    """End a request whose client left, or that the server which goes down cuts off."""
    task = asyncio.current_task()
    assert task is not None
    task.uncancel()
    if exchange.stopped is Stop.CLIENT_LEFT:
        exchange.record.gone = "waiting" if exchange.phase is Phase.WAITING else "streaming"
    else:
        await exchange.end_stream()
