"""Bounds of a connection: headers in time and in size, and trailers that never become headers."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress

import pytest

from tests.proxy.in_process import Running, Scripted, running, until
from tests.proxy.raw_http import link_to, talk


def test_headers_that_come_too_slowly_are_not_waited_for() -> None:
    with running(scorers=Scripted(), header_seconds=0.3) as proxy:
        got = talk(proxy, b"GET /livez HT", b"TP/1.1\r\n", b"host: x\r\n", every=0.05)
        assert got.startswith(b"HTTP/1.1 408 ")
        assert talk(proxy) == b""  # a connection on which nothing comes


def test_headers_that_are_too_large_are_refused() -> None:
    with running(scorers=Scripted()) as proxy:
        got = talk(proxy, b"GET /livez HTTP/1.1\r\nhost: x\r\nx-pad: " + b"a" * (100 << 10))
        assert got.startswith(b"HTTP/1.1 431 ") or got == b"reset"


@pytest.mark.parametrize("field", [b"/?q=%b HTTP/1.1\r\nhost: x", b"/livez HTTP/1.1\r\nhost: x\r\nx-pad: %b"])
def test_a_large_header_is_refused_also_where_it_comes_in_one_read(field: bytes) -> None:
    with running(scorers=Scripted()) as proxy:
        got = talk(proxy, b"GET " + field % (b"a" * (70 << 10)) + b"\r\n\r\n")
        assert got.startswith(b"HTTP/1.1 431 ") or got == b"reset"
        assert not proxy.provider.requests


@pytest.mark.parametrize("coding", [b"gzip, chunked", b"gzip\r\ntransfer-encoding: chunked"])
def test_a_coding_between_neighbours_that_nobody_here_undoes_is_refused(coding: bytes) -> None:
    head = b"POST /v1/files HTTP/1.1\r\nhost: x\r\ntransfer-encoding: %b\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
    smuggled = b"GET /v1/models HTTP/1.1\r\nhost: x\r\n\r\n"
    with running(scorers=Scripted()) as proxy:
        assert talk(proxy, head % coding + smuggled).startswith((b"HTTP/1.1 501 ", b"HTTP/1.1 400 "))
        assert not proxy.provider.requests


def test_a_large_body_is_no_large_header() -> None:
    with running(scorers=Scripted(), header_seconds=0.3) as proxy:
        body = bytes(300 << 10)
        head = b"POST /v1/files HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body)
        got = talk(proxy, head + body[:100_000], body[100_000:], every=0.4)
        assert got.startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("path", [b"/v1/files", b"/v1/chat/completions"])
def test_trailers_of_a_request_are_read_and_never_become_headers(path: bytes) -> None:
    head = b"POST %b HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n" % path
    with running(scorers=Scripted()) as proxy:
        talk(proxy, head + b"2\r\n{}\r\n0\r\nx-late: 1\r\nauthorization: Bearer forged\r\n\r\n")
        request = proxy.provider.requests[0]
        assert request.body == b"{}"
        assert not {"x-late", "authorization"} & {name for name, _ in request.headers}


@pytest.mark.parametrize("stream", [b"true", b"false"])
def test_a_client_of_http_1_0_gets_an_answer_that_ends_with_the_connection_and_no_chunks(stream: bytes) -> None:
    body = b'{"model": "m", "stream": %b, "messages": [{"role": "user", "content": "hello"}]}' % stream
    head = b"POST /v1/chat/completions HTTP/1.0\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    with running(scorers=Scripted()) as proxy:
        got = talk(proxy, head % len(body) + body)
        fields, _, rest = got.partition(b"\r\n\r\n")
        assert fields.startswith(b"HTTP/1.1 200 ")
        assert b"transfer-encoding" not in fields.lower()
        assert b"connection: close" in fields.lower()
        assert rest == bytes(proxy.provider.sent[0])
        assert (b"content-length" in fields.lower()) is (stream == b"false")


def test_a_page_is_given_to_a_client_of_http_1_0() -> None:
    with running(scorers=Scripted()) as proxy:
        for method in (b"GET", b"HEAD"):
            got = talk(proxy, b"%b /livez HTTP/1.0\r\n\r\n" % method)
            assert got.startswith(b"HTTP/1.1 200 ")
            assert got.endswith(b'{"status": "alive"}' if method == b"GET" else b"\r\n\r\n")


def test_endless_trailers_of_a_request_end_its_connection() -> None:
    head = b"POST /v1/files HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nx-late: "
    with running(scorers=Scripted()) as proxy:
        with pytest.raises(ConnectionError):
            talk(proxy, head, b"a" * (64 << 20))
        assert proxy.records()[0].gone == "request"


def test_a_chunked_request_of_any_size_is_no_trailer() -> None:
    with running(scorers=Scripted()) as proxy:
        body = bytes(300 << 10)
        chunks = b"".join(b"%x\r\n" % len(body) + body + b"\r\n" for _ in range(4)) + b"0\r\n\r\n"
        head = b"POST /v1/files HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n"
        talk(proxy, head + chunks)
        assert proxy.provider.requests[0].body == body * 4


def _unread(proxy: Running, size: int) -> socket.socket:
    """A client that sends so many bytes to a provider that sends them back, and reads nothing."""
    link = link_to(proxy.url)
    sent = b"POST /v1/files HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % size + bytes(size)
    threading.Thread(target=_send, args=(link, sent), daemon=True).start()
    return link


def _send(link: socket.socket, data: bytes) -> None:
    with suppress(OSError):
        link.sendall(data)


def test_a_client_that_takes_nothing_of_its_answer_is_left_and_the_provider_learns_it() -> None:
    with running(scorers=Scripted(), idle_seconds=0.5) as proxy:
        links = [_unread(proxy, 24 << 20) for _ in range(3)]
        until(lambda: len(proxy.provider.requests) == len(links))
        until(lambda: proxy.app.in_flight == 0 and len(proxy.app._client._pool.connections) == 0)
        records = proxy.records(len(links))
        assert all(0 < record.bytes_out < 24 << 20 for record in records)
        assert proxy.get("/v1/models").content == b"pong"
        for link in links:
            link.close()


def test_a_client_that_reads_slowly_is_not_left() -> None:
    with running(scorers=Scripted(), idle_seconds=0.6) as proxy:
        link = _unread(proxy, 12 << 20)
        received = 0
        while received < 12 << 20:
            time.sleep(0.05)
            piece = link.recv(1 << 20)
            assert piece
            received += len(piece)
        link.close()


def test_pages_that_are_asked_for_and_not_read_keep_no_connection_open() -> None:
    with running(scorers=Scripted(), idle_seconds=0.4) as proxy:
        for listener in proxy.server.servers[0].sockets:  # what it accepts has as little room
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        link = socket.socket()
        link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        with link_to(proxy.url) as other:
            link.connect(other.getpeername())
        asked = b"GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n" * 300
        threading.Thread(target=_send, args=(link, asked), daemon=True).start()
        until(lambda: len(proxy.server.server_state.connections) == 1)
        until(lambda: len(proxy.server.server_state.connections) == 0)
        assert link.recv(100).startswith(b"HTTP/1.1 200 ")
        link.close()
