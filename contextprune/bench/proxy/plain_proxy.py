"""The baseline of the proxy's benchmark: the reverse proxy that anybody would write in forty lines.

Starlette and httpx, on the same server as ours. It reads the body whole, sends it on and streams what comes back.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2 as httpx
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

from contextprune.bench.proxy.upstream import serve

NOT_FORWARDED = {"host", "connection", "content-length", "transfer-encoding"}


@asynccontextmanager
async def opened(app: Starlette) -> AsyncIterator[None]:
    """Keep one client of the upstream in the second argument, with a pool of connections, while the app runs."""
    async with httpx.AsyncClient(base_url=sys.argv[2], timeout=600) as app.state.client:
        yield


async def relay(request: Request) -> StreamingResponse:
    """Send a request on and stream the answer back."""
    client: httpx.AsyncClient = request.app.state.client
    headers = [(key, value) for key, value in request.headers.items() if key not in NOT_FORWARDED]
    url = httpx.URL(path=request.url.path, query=request.url.query.encode())
    forwarded = client.build_request(request.method, url, headers=headers, content=await request.body())
    response = await client.send(forwarded, stream=True)
    kept = {key: value for key, value in response.headers.items() if key not in {"connection", "transfer-encoding"}}
    return StreamingResponse(
        response.aiter_raw(), response.status_code, kept, background=BackgroundTask(response.aclose)
    )


app = Starlette(routes=[Route("/{path:path}", relay, methods=["GET", "POST"])], lifespan=opened)

if __name__ == "__main__":
    serve(app, int(sys.argv[1]))
