"""The proxy's own pages and its side-car.

Anybody may ask for its health; for all else `admission` decides.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from time import monotonic
from typing import Any
from urllib.parse import parse_qs, unquote_to_bytes

from contextprune.proxy.admission import Admission
from contextprune.proxy.dashboard import respond as dashboard
from contextprune.proxy.exchange import Exchange
from contextprune.proxy.forward import short_hash
from contextprune.proxy.inherited import CHALLENGE, PROOF, prove
from contextprune.proxy.job import Answer, Reason, Task
from contextprune.proxy.options import Options
from contextprune.proxy.pool.base import Pool
from contextprune.proxy.telemetry.monitor import Monitor
from contextprune.proxy.telemetry.prometheus import CONTENT_TYPE
from contextprune.proxy.telemetry.usage import Tap
from contextprune.proxy.wire.body import MOST_PIECES, Decoder, NoRoom, Unacceptable, declared, pieces, too_large
from contextprune.proxy.wire.credentials import fingerprint
from contextprune.proxy.wire.headers import Headers
from contextprune.proxy.wire.room import Room

COMPRESS, RETRIEVE, USAGE = b"/v1/compress", b"/v1/retrieve/", b"/v1/usage"
GUARDRAIL = b"/beta/litellm_basic_guardrail_api"
"""The path that LiteLLM's generic guardrail calls."""

PROBE = b"x-contextprune-probe"
"""Header of requests that only try the side-car, as `contextprune doctor` does."""

_OPEN = (b"/livez", b"/readyz")
_PAGES = (b"/", b"/stats", b"/metrics")
_BELOW = b"/requests/"
_WATCHED = 60.0  # seconds for which a load balancer counts as present
_NO_USAGE = "the body is a JSON object with a session_id and the usage of an answer, as its provider wrote it"
_STATUS: Mapping[str, int] = {Reason.NOT_FOUND: 404, Reason.DENIED: 404, Reason.PAYLOAD: 400}
_ABSENT = "no original is kept under this key for this credential"  # the same words for another's: a key tells nothing
_WORDS: Mapping[Task, Mapping[str, str]] = {
    Task.COMPRESS: {
        Reason.PAYLOAD: "the body is no JSON object with a list of messages, as POST /v1/compress takes it, or its "
        "config names a session_id that is no short text, or a frozen_message_count that is no number of messages"
    },
    Task.RETRIEVE: {
        Reason.NOT_FOUND: _ABSENT,
        Reason.DENIED: _ABSENT,
        Reason.PAYLOAD: "lines are counted from 1 and written like lines=12, lines=12-40 or lines=12-40,60",
    },
}
_LATER: Mapping[Task, str] = {
    Task.COMPRESS: "nothing was compressed ({reason}); use the messages as they are",
    Task.RETRIEVE: "the original cannot be read now ({reason}); ask again",
}

Sidecar = Callable[[Exchange, Task, bytes], Awaitable[Answer]]


class Endpoints:
    """Answers requests that are not for a provider."""

    def __init__(
        self,
        options: Options,
        monitor: Monitor,
        pool: Pool,
        draining: Callable[[], bool],
        secret: bytes = b"",
        decoder: Decoder | None = None,
        room: Room | None = None,
    ) -> None:
        self._options, self._monitor, self._pool, self._draining = options, monitor, pool, draining
        self._secret, self._admission = secret, Admission(options)
        self._decoder, self._room = decoder or Decoder(options.max_decoded), room or Room(options.buffered)
        self._last_probe = -_WATCHED
        self._was_ready = False

    def serves(self, method: str, path: bytes) -> bool:
        """True where the proxy itself answers requests for a path."""
        if path.startswith(b"/v1/"):
            return _is_sidecar(path) and (path != USAGE or method == "POST")  # OpenAI has a page of that name
        if path.startswith(_BELOW):
            return method in ("GET", "HEAD")
        return path in _OPEN or path in _PAGES or path == GUARDRAIL

    @property
    def watched(self) -> bool:
        """True where readiness was asked for lately."""
        return monotonic() - self._last_probe < _WATCHED

    async def answer(self, exchange: Exchange, path: bytes, sidecar: Sidecar) -> None:
        """Answer a request for one of them."""
        method = exchange.scope["method"]
        if path in _OPEN:
            await self._health(exchange, path)
        elif _is_sidecar(path):
            if await self._admitted(exchange):
                await self._sidecar(exchange, path, sidecar)
        elif method not in ("GET", "HEAD"):
            await exchange.refuse(405, "this page can only be read", [(b"allow", b"GET, HEAD")])
        elif await self._admitted(exchange):
            await self._page(exchange, path)

    async def _health(self, exchange: Exchange, path: bytes) -> None:
        draining = self._draining()
        if path == b"/livez":
            await _send_json(exchange, 200, {"status": "alive"})
            return
        self._last_probe = monotonic()
        # A scorer that is started anew changes nothing: what was sent is replayed without it, at once. Where none can
        # start, waiting would not help.
        self._was_ready = self._was_ready or self._pool.ready or bool(self._pool.status().trouble)
        state = "draining" if draining else "ready" if self._was_ready else "starting"
        values = {"status": state, "scorers": "ready" if self._pool.ready else "degraded"}
        await _send_json(exchange, 200 if state == "ready" else 503, values, self._proof(exchange))

    def _proof(self, exchange: Exchange) -> Headers:
        """The proof that this is the proxy that was started, for the program that started it."""
        host, port = exchange.scope.get("server") or ("", None)
        challenge = exchange.names.get(CHALLENGE.encode(), b"")
        proof = prove(self._secret, challenge, host, port) if port else b""
        return [(PROOF.encode(), proof)] if proof else []

    async def _admitted(self, exchange: Exchange) -> bool:
        """True where this client may see it; if not, it has been refused."""
        refusal = self._admission.to_page(exchange.scope.get("client"), exchange.names)
        if refusal is not None:
            await exchange.refuse(refusal.status, refusal.message, refusal.headers)
        return refusal is None

    async def _page(self, exchange: Exchange, path: bytes) -> None:
        self._monitor.pool = self._pool.status()
        if path == b"/metrics":
            await exchange.answer(200, [(b"content-type", CONTENT_TYPE.encode())], self._monitor.metrics())
            return
        query = exchange.scope["query_string"].decode("latin-1")
        response = await dashboard.respond(path.decode("latin-1"), query, self._monitor)
        if response is None:
            await exchange.refuse(404, "there is no such page; the dashboard is at /")
            return
        status, headers, body = response
        await exchange.answer(status, list(headers), body)

    async def _sidecar(self, exchange: Exchange, path: bytes, sidecar: Sidecar) -> None:
        method, record = exchange.scope["method"], exchange.record
        if path == USAGE:
            await self._usage(exchange)
            return

        retrieves = path.startswith(RETRIEVE)
        if PROBE not in exchange.names:  # else it is counted nowhere, as our other pages are
            record.route = "retrieve" if retrieves else "compress"
        if method != ("GET" if retrieves else "POST"):
            await exchange.refuse(405, "use POST /v1/compress and GET /v1/retrieve/{key}")
            return
        if retrieves:
            task, body = Task.RETRIEVE, _retrieve_request(path, exchange.scope["query_string"])
        else:
            task, body = Task.COMPRESS, await self._body(exchange)

        answer = await sidecar(exchange, task, body)
        if answer.body is not None:
            await exchange.answer(200, [(b"content-type", b"application/json")], answer.body)
            return
        status = _STATUS.get(answer.reason, 503)
        words = _WORDS[task].get(answer.reason) or _LATER[task]
        message = words.format(reason=answer.reason)
        await exchange.refuse(status, message, [(b"retry-after", b"1")] if status == 503 else ())

    async def _usage(self, exchange: Exchange) -> None:
        """Take note of what a provider said of its tokens to a gateway that calls the side-car."""
        exchange.record.route = "usage"
        body = await self._body(exchange)
        try:
            session = json.loads(body)["session_id"]
        except (ValueError, RecursionError, LookupError, TypeError):
            session = None
        tap = Tap("application/json")
        tap.feed(body)
        usage = tap.usage()
        if not isinstance(session, str) or not session.strip() or usage is None:
            await exchange.refuse(400, _NO_USAGE)
            return
        exchange.record.session = short_hash(session, fingerprint(exchange.headers))
        exchange.record.usage = usage
        await _send_json(exchange, 200, {"session_id": session, "applied": True})

    async def _body(self, exchange: Exchange) -> bytes:
        options = self._options
        incoming = exchange.incoming(options.body_seconds, self._room)
        length = declared(exchange.names) or 0
        if length > options.max_body:
            await incoming.discard()
            raise too_large(length, options.max_body)
        try:
            received = await incoming.read(options.max_body)
        except NoRoom:
            raise Unacceptable(503, "too many bodies are held at once (buffered); try again") from None
        exchange.watch()
        exchange.record.bytes_in = len(received)

        encoding = exchange.names.get(b"content-encoding", b"").decode("latin-1")
        try:
            body = (await self._decoder.decode(received, encoding) if encoding else received) or b""
        except TimeoutError:
            raise Unacceptable(503, "too many compressed bodies are being read; try again") from None
        if pieces(body) > MOST_PIECES:
            raise Unacceptable(413, f"the body has more than {MOST_PIECES:,} messages and blocks")
        return body


def _is_sidecar(path: bytes) -> bool:
    return path in (COMPRESS, USAGE, GUARDRAIL) or path.startswith(RETRIEVE)


async def _send_json(exchange: Exchange, status: int, values: Mapping[str, Any], further: Headers = ()) -> None:
    headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store"), *further]
    await exchange.answer(status, headers, json.dumps(values).encode())


def _retrieve_request(path: bytes, query: bytes) -> bytes:
    """Body of a job of `Task.RETRIEVE`: the key, and which part of its text is wanted."""
    fields = parse_qs(query.decode("latin-1"), keep_blank_values=False, max_num_fields=20)
    key = unquote_to_bytes(path.removeprefix(RETRIEVE)).decode("utf-8", "replace")
    return json.dumps({name: values[-1] for name, values in fields.items()} | {"key": key}).encode()
