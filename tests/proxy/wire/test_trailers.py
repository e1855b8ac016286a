"""The fields behind the last chunk: from a raw upstream, through the real server, to a raw client."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import httpcore2
import pytest

from contextprune.proxy.options import Options
from contextprune.proxy.wire.client import Client
from contextprune.proxy.wire.headers import upward
from contextprune.proxy.wire.routes import Upstreams
from contextprune.proxy.wire.trailers import EXTENSION, Trailing, keep
from tests.proxy.in_process import Running, Scripted, running
from tests.proxy.provider import Provider

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
STREAM = CHUNKED + b"Content-Type: text/event-stream\r\n"
EVENT = b"data: {}\n\n"
FIELDS = b"X-Checksum: 5d41\r\nx-cost: 0.02\r\nX-Checksum: second\r\n"
GET = b"GET /v1/models HTTP/1.1\r\nhost: x\r\n\r\n"


@contextmanager
def answering(*pieces: bytes, seen: threading.Semaphore | None = None) -> Iterator[tuple[Provider, list[bytes]]]:
    """An upstream that answers every request with these bytes, and what it was sent.

    seen   released when another piece may be sent; None where all may
    """
    received: list[bytes] = []

    def talk(link: socket.socket) -> None:
        with link, suppress(ConnectionError):
            while b"\r\n\r\n" in (got := link.recv(1 << 20)):
                received.append(got)
                for at, piece in enumerate(pieces):
                    if seen is not None and at:
                        seen.acquire(timeout=10)
                    link.sendall(piece)

    def take() -> None:
        while True:
            try:
                link, _ = sock.accept()
            except OSError:
                return
            threading.Thread(target=talk, args=(link,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as sock:
        threading.Thread(target=take, daemon=True).start()
        try:
            yield Provider(url=f"http://127.0.0.1:{sock.getsockname()[1]}"), received
        finally:
            sock.shutdown(socket.SHUT_RDWR)


def got(proxy: Running, request: bytes = GET, end: bytes = b"\r\n\r\n", count: int = 2) -> tuple[bytes, bytes]:
    """The head and the rest of the answer, which ends where `end` comes for the `count`th time."""
    host, port = proxy.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as link:
        link.sendall(request)
        out = b""
        while out.count(end) < count and (more := link.recv(1 << 16)):
            out += more
    head, _, rest = out.partition(b"\r\n\r\n")
    return head, rest


def through(*pieces: bytes, request: bytes = GET) -> tuple[bytes, bytes]:
    """What a client gets of these bytes of an upstream."""
    with answering(*pieces) as (provider, _), running(provider, Scripted()) as proxy:
        return got(proxy, request)


def test_trailers_follow_the_same_bytes_with_their_names_values_and_order() -> None:
    head, rest = through(CHUNKED + b"\r\n", b"5\r\nhello\r\n", b"0\r\n" + FIELDS + b"\r\n")
    assert b"transfer-encoding: chunked" in head
    assert rest == b"5\r\nhello\r\n0\r\n" + FIELDS + b"\r\n"


def test_an_answer_without_trailers_ends_as_ever() -> None:
    head, rest = through(CHUNKED + b"\r\n", b"5\r\nhello\r\n", b"0\r\n\r\n")
    assert head.splitlines()[0] == b"HTTP/1.1 200 OK"
    assert b"trailer" not in head
    assert rest == b"5\r\nhello\r\n0\r\n\r\n"


def test_the_header_that_announces_them_goes_on_where_they_can_follow() -> None:
    announced = b"Trailer: X-Checksum, x-cost\r\n\r\n"
    head, _ = through(CHUNKED + announced, b"0\r\n" + FIELDS + b"\r\n")
    assert b"\r\ntrailer: X-Checksum, x-cost" in head
    head, _ = through(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n" + announced, b"\r\n\r\n")
    assert b"trailer" not in head


def test_a_stream_comes_chunk_for_chunk_before_its_trailers() -> None:
    pieces = (STREAM + b"\r\n", *[b"a\r\n" + EVENT + b"\r\n"] * 3, b"0\r\n", FIELDS[:20], FIELDS[20:], b"\r\n")
    seen = threading.Semaphore(0)
    with answering(*pieces, seen=seen) as (provider, _), running(provider, Scripted()) as proxy:
        host, port = proxy.url.removeprefix("http://").split(":")
        body = json.dumps({"messages": [{"role": "user", "content": "x"}], "stream": True}).encode()
        with socket.create_connection((host, int(port)), timeout=10) as link:
            link.sendall(b"POST /v1/messages HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
            assert link.recv(1 << 16).endswith(b"\r\n\r\n")
            for _ in range(3):
                seen.release()  # the next event is sent when the one before has arrived here
                assert link.recv(1 << 16) == b"a\r\n" + EVENT + b"\r\n"
            seen.release(4)
            assert link.recv(1 << 16) == b"0\r\n" + FIELDS + b"\r\n"
        assert proxy.records()[0].bytes_out == 3 * len(EVENT)


def test_a_connection_goes_on_after_trailers_on_both_sides() -> None:
    answer = CHUNKED + b"\r\n5\r\nhello\r\n0\r\n" + FIELDS + b"\r\n"
    with answering(answer) as (provider, received), running(provider, Scripted()) as proxy:
        _, rest = got(proxy, GET * 3, count=6)
        assert rest.count(b"0\r\n" + FIELDS + b"\r\n") == 3
        assert len(received) == 3
        assert len(proxy.app._client._pool.connections) == 1


@pytest.mark.parametrize(
    "forbidden",
    [
        b"Content-Type: text/html", b"Set-Cookie: a=1", b"Authorization: Bearer k", b"Content-Encoding: gzip",
        b"Content-Range: bytes 0-1/2", b"Trailer: x", b"Connection: close", b"Host: evil", b"Location: http://evil",
        b"Retry-After: 9", b"X-Contextprune-Status: applied", b"X-Hop: 1", b"X-Bell: \x07", b"Keep-Alive: timeout=5",
    ],
)  # fmt: skip
def test_what_may_be_no_trailer_is_left_out(forbidden: bytes) -> None:
    head = CHUNKED + b"Connection: keep-alive, x-hop\r\n\r\n"
    _, rest = through(head + b"5\r\nhello\r\n0\r\nX-A: 1\r\n" + forbidden + b"\r\nX-B: 2\r\n\r\n")
    assert rest == b"5\r\nhello\r\n0\r\nX-A: 1\r\nX-B: 2\r\n\r\n"


@pytest.mark.parametrize("framing", [b"Content-Length: 5", b"Transfer-Encoding: chunked"])
def test_framing_in_a_trailer_frames_nothing(framing: bytes) -> None:
    _, rest = through(CHUNKED + b"\r\n5\r\nhello\r\n0\r\n" + framing + b"\r\n\r\n")
    assert rest == b"5\r\nhello\r\n0\r\n\r\n"


def test_many_and_long_trailers_are_bounded() -> None:
    many = b"".join(b"x-%03d: %d\r\n" % (i, i) for i in range(500))
    _, rest = through(CHUNKED + b"\r\n5\r\nhello\r\n0\r\n" + many + b"\r\n")
    assert rest == b"5\r\nhello\r\n0\r\n" + many + b"\r\n"
    _, rest = through(CHUNKED + b"\r\n5\r\nhello\r\n0\r\nx: " + b"a" * (17 << 10) + b"\r\n\r\n")
    assert rest == b"5\r\nhello\r\n0\r\n\r\n"


def test_trailers_without_an_end_break_the_answer_off_before_they_fill_the_memory() -> None:
    with answering(CHUNKED + b"\r\n5\r\nhello\r\n0\r\n", *[b"x-pad: " + b"a" * 65_000 + b"\r\n"] * 40) as (provider, _):
        with running(provider, Scripted()) as proxy:
            _, rest = got(proxy)
        assert rest == b"5\r\nhello\r\n"


def test_a_client_of_http_1_0_gets_none() -> None:
    answer = CHUNKED + b"Trailer: X-Checksum\r\n\r\n5\r\nhello\r\n0\r\n" + FIELDS + b"\r\n"
    with answering(answer) as (provider, _), running(provider, Scripted()) as proxy:
        head, rest = got(proxy, b"GET /v1/models HTTP/1.0\r\nhost: x\r\n\r\n", b"never")
        assert b"trailer" not in head.lower()
        assert b"hello" in rest
        assert b"X-Checksum" not in rest


def test_a_request_for_the_head_alone_gets_no_end_of_a_body() -> None:
    with answering(CHUNKED + b"\r\n") as (provider, _), running(provider, Scripted()) as proxy:
        _, rest = got(proxy, b"HEAD /v1/models HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", b"never")
        assert rest == b""


def test_an_upstream_is_told_that_trailers_are_taken_where_the_client_takes_them() -> None:
    with answering(CHUNKED + b"\r\n0\r\n\r\n") as (provider, received), running(provider, Scripted()) as proxy:
        got(proxy, GET.replace(b"host", b"te: trailers\r\nconnection: te\r\nhost"))
        got(proxy)
        assert b"te: trailers\r\nconnection: te\r\n" in received[0]
        assert b"te:" not in received[1]


@pytest.mark.parametrize("path", [b"/v1/files", b"/v1/chat/completions"])
def test_trailers_of_a_request_are_read_and_never_become_headers(path: bytes) -> None:
    head = b"POST %b HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n" % path
    with running(scorers=Scripted()) as proxy:
        got(proxy, head + b"2\r\n{}\r\n0\r\nx-late: 1\r\nauthorization: Bearer forged\r\n\r\n", b"never")
        request = proxy.provider.requests[0]
        assert request.body == b"{}"
        assert not {"x-late", "authorization"} & {name for name, _ in request.headers}


def test_endless_trailers_of_a_request_end_its_connection() -> None:
    head = b"POST /v1/files HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nx-late: "
    with running(scorers=Scripted()) as proxy:
        host, port = proxy.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=10) as link:
            link.sendall(head)
            with pytest.raises(ConnectionError):
                link.sendall(b"a" * (64 << 20))
        assert proxy.records()[0].gone == "request"


def test_a_chunked_request_of_any_size_is_no_trailer() -> None:
    with running(scorers=Scripted()) as proxy:
        body = bytes(300 << 10)
        chunks = b"".join(b"%x\r\n" % len(body) + body + b"\r\n" for _ in range(4)) + b"0\r\n\r\n"
        head = b"POST /v1/files HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n"
        got(proxy, head + chunks, b"never")
        assert proxy.provider.requests[0].body == body * 4


def test_the_http_client_that_we_are_tested_with_is_one_whose_trailers_can_be_kept() -> None:
    async def taken(url: str) -> tuple[bool, list[tuple[bytes, bytes]]]:
        options = Options(upstream_openai=url, upstream_anthropic=url)
        upstreams = Upstreams(options)
        client = Client(options, upstreams)
        route = upstreams.route("GET", b"/v1/models", b"", {})
        reply = await client.open(b"GET", route, upward([], b"x", length=None), None)
        can = keep(reply._stream)
        await reply.read(100)
        await client.close()
        return can, list(reply.trailers)

    with answering(CHUNKED + b"\r\n5\r\nhello\r\n0\r\nX-A: 1\r\n\r\n") as (provider, _):
        assert asyncio.run(taken(provider.url)) == (True, [(b"X-A", b"1")])


def test_an_http_client_that_is_built_otherwise_goes_on_without_them() -> None:
    stream: Any = httpcore2.Response(200, content=b"hello").stream
    assert not keep(stream)
    assert not keep(object())


def test_a_server_that_is_built_otherwise_is_told_of_no_trailers() -> None:
    seen: list[Any] = []

    async def app(scope: Any, _receive: Any, send: Any) -> None:
        seen.append((scope, send))

    async def send(_message: Any) -> None: ...

    asyncio.run(Trailing(app)({"type": "http", "http_version": "1.1"}, None, send))
    assert seen == [({"type": "http", "http_version": "1.1"}, send)]
    assert EXTENSION not in seen[0][0].get("extensions", ())
