"""Upstreams that fail are errors that say what to look at; nobody waits for ever."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from contextprune.proxy.options import Options
from contextprune.proxy.wire.client import Broken, Client, Failed, Reply
from contextprune.proxy.wire.headers import upward
from contextprune.proxy.wire.routes import Upstreams
from tests.proxy.provider import providing

CHAT = b'{"messages": [{"role": "user", "content": "x"}], "stream": true}'


async def asked(url: str, scenario: str = "", **told: float) -> tuple[Reply, Client]:
    options = Options(upstream_openai=url, upstream_anthropic=url, **told)  # type: ignore[arg-type]
    upstreams = Upstreams(options)
    client = Client(options, upstreams)
    route = upstreams.route("POST", b"/v1/chat/completions", b"", [])
    given = [(b"x-scenario", scenario.encode())] if scenario else []
    headers = upward(given, route.upstream.authority, length=len(CHAT))
    return await client.open(b"POST", route, headers, CHAT), client


async def read(url: str, scenario: str = "", **told: float) -> tuple[int, bytes]:
    reply, client = await asked(url, scenario, **told)
    try:
        return reply.status, await reply.read(1 << 20)
    finally:
        await reply.close()
        await client.close()


@contextmanager
def deaf() -> Iterator[str]:
    """A port where connections are neither taken nor refused."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen(0)
        full = [socket.socket() for _ in range(4)]
        for one in full:
            one.setblocking(False)
            one.connect_ex(sock.getsockname())
        yield f"http://127.0.0.1:{sock.getsockname()[1]}"
        for one in full:
            one.close()


def test_an_answer_comes_as_it_is() -> None:
    with providing() as provider:
        status, body = asyncio.run(read(provider.url))
        assert status == 200
        assert body == bytes(provider.sent[0])


def test_connections_are_used_again() -> None:
    async def twice(url: str) -> int:
        reply, client = await asked(url)
        await reply.read(1 << 20)
        pool = client._pool
        for _ in range(3):
            route = Upstreams(Options(upstream_openai=url, upstream_anthropic=url)).route("GET", b"/x", b"", [])
            await (await client.open(b"GET", route, upward([], b"h", length=None), None)).read(10)
        count = len(pool.connections)
        await client.close()
        return count

    with providing() as provider:
        assert asyncio.run(twice(provider.url)) == 1


def test_a_port_where_nobody_listens_is_a_502() -> None:
    with pytest.raises(Failed, match="cannot be reached") as caught:
        asyncio.run(read("http://127.0.0.1:9"))
    assert caught.value.status == 502


def test_a_connection_that_does_not_come_about_is_a_504() -> None:
    with deaf() as url, pytest.raises(Failed, match=r"no connection within 0\.2 seconds") as caught:
        asyncio.run(read(url, connect_seconds=0.2))
    assert caught.value.status == 504


def test_an_upstream_that_never_answers_is_a_504() -> None:
    with providing() as provider, pytest.raises(Failed, match=r"did not answer within 0\.2 seconds") as caught:
        asyncio.run(read(provider.url, "hang", first_byte_seconds=0.2))
    assert caught.value.status == 504


@pytest.mark.parametrize("scenario", ["garbage", "drop"])
def test_an_upstream_that_speaks_no_http_is_a_502(scenario: str) -> None:
    with providing() as provider, pytest.raises(Failed, match="without an answer, or gave no HTTP") as caught:
        asyncio.run(read(provider.url, scenario))
    assert caught.value.status == 502


def test_an_answer_that_stops_in_the_middle_is_broken() -> None:
    with providing() as provider, pytest.raises(Broken):
        asyncio.run(read(provider.url, "cut"))


def test_an_answer_that_stalls_is_given_up_after_the_idle_time() -> None:
    with providing() as provider, pytest.raises(Broken):
        asyncio.run(read(provider.url, "stall", idle_seconds=0.2, first_byte_seconds=30))


def test_a_host_that_is_not_on_the_list_is_refused() -> None:
    async def elsewhere() -> None:
        options = Options(upstream_openai="http://127.0.0.1:9")
        client = Client(options, Upstreams(Options(upstream_openai="http://127.0.0.1:10")))
        route = Upstreams(options).route("GET", b"/v1/models", b"", [])
        await client.open(b"GET", route, [], None)

    with pytest.raises(Failed, match="none of the configured upstreams"):
        asyncio.run(elsewhere())


def test_a_redirect_is_handed_on_and_never_followed() -> None:
    with providing() as provider:
        status, _ = asyncio.run(read(provider.url, "302"))
        assert status == 302
        assert len(provider.requests) == 1
