"""A provider that answers at once, for measuring what stands in front of it: an ASGI app, served by uvicorn.

It checks nothing. A body that asks for a stream gets events at a fixed pace; whatever a client behind a proxy waits
longer for is the proxy's doing.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

EVENTS = 40
PACE = 0.02  # seconds between two events: a quick model writes 50 tokens a second
_COMPLETION = {
    "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "mock",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Done."}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12},
}  # fmt: skip
_BODY = json.dumps(_COMPLETION).encode()


async def app(_scope: Message, receive: Receive, send: Send) -> None:
    """Read the whole request, then answer."""
    tail = b""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return
        tail = (tail + message.get("body", b""))[-200:]
        if not message.get("more_body"):
            break

    if b'"stream":true' in tail:
        await _stream(send)
        return
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(_BODY)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": _BODY})


async def _stream(send: Send) -> None:
    loop = asyncio.get_running_loop()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
    began = loop.time()
    for event in range(EVENTS):
        delay = began + event * PACE - loop.time()
        if delay > 0:
            await asyncio.sleep(delay)
        await send({"type": "http.response.body", "body": event_of(event), "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def event_of(number: int) -> bytes:
    """The bytes of one event of every stream."""
    return b'data: {"id":"chatcmpl-1","choices":[{"index":0,"delta":{"content":"word %d"}}]}\n\n' % number


def serve(app: Any, port: int) -> None:
    """Serve an ASGI app on a loopback port until the process is stopped, as quickly as uvicorn can."""
    import uvicorn  # noqa: PLC0415 - only processes that serve need it

    uvicorn.run(app, host="127.0.0.1", port=port, log_level="error", access_log=False)


if __name__ == "__main__":
    serve(app, int(sys.argv[1]))
