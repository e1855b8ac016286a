"""A provider on loopback, in a thread of the bench: it keeps what came, and answers after a while as Anthropic does.

Each session has a prompt cache of its own, so that a session's bill does not depend on the ones before it.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from contextprune.bench.disturbances.cache import PromptCache, pieces_of
from contextprune.bench.proxy.processes import free_port
from contextprune.money.tariff import Bill

SECONDS = 0.5  # that an answer takes: far less than a real one, so that there is little time for late work
LABEL = b"x-bench-request"  # names the session and the request
PATIENCE = 30.0

Message = MutableMapping[str, Any]


@dataclass(frozen=True, slots=True)
class Arrived:
    """A request as it came in: its body, its bill, and for how many seconds it was answered."""

    body: Any
    bill: Bill
    seconds: float


@dataclass(slots=True)
class Provider:
    """The requests that came, by their labels, and a cache for each session."""

    port: int
    seconds: float = SECONDS
    arrived: dict[str, Arrived] = field(default_factory=dict)
    _caches: dict[str, PromptCache] = field(default_factory=dict)

    async def app(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        """Read a request, keep it, and answer with the usage that the cache gives."""
        began, parts, more = time.perf_counter(), [], True
        while more:
            message = await receive()
            parts.append(message.get("body", b""))
            more = message.get("more_body", False)

        label = dict(scope["headers"]).get(LABEL, b"").decode()
        body = json.loads(b"".join(parts) or b"{}")
        bill = self._caches.setdefault(label.partition(" ")[0], PromptCache()).send(pieces_of(body))
        await asyncio.sleep(self.seconds)
        self.arrived[label] = Arrived(body, bill, time.perf_counter() - began)

        answer = json.dumps(_answer(bill)).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(answer))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})


@contextmanager
def provide(seconds: float = SECONDS) -> Iterator[Provider]:
    """A provider that listens."""
    import uvicorn  # noqa: PLC0415 - of the extra `proxy`

    provider = Provider(free_port(), seconds)
    config = uvicorn.Config(
        provider.app, "127.0.0.1", provider.port, interface="asgi3", log_level="error", lifespan="off"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        end = time.monotonic() + PATIENCE
        while not server.started and time.monotonic() < end:
            time.sleep(0.01)
        yield provider
    finally:
        server.should_exit = True
        thread.join(PATIENCE)


def _answer(bill: Bill) -> dict[str, Any]:
    usage = {
        "input_tokens": bill.fresh,
        "cache_creation_input_tokens": bill.written,
        "cache_read_input_tokens": bill.read,
        "output_tokens": 2,
    }
    content = [{"type": "text", "text": "Done."}]
    return {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5", "content": content,
            "stop_reason": "end_turn", "stop_sequence": None, "usage": usage}  # fmt: skip
