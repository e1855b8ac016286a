"""When either side stops, the other one learns of it."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
import pytest

from tests.proxy.in_process import Running, Scripted, edits, running, until
from tests.proxy.provider import providing

CHAT = {"model": "m", "messages": [{"role": "user", "content": "x"}]}
STREAMING = {**CHAT, "stream": True}


@contextmanager
def sent(proxy: Running, path: str, body: bytes, *more: str) -> Iterator[socket.socket]:
    """A connection on which a request was sent."""
    host, port = proxy.url.removeprefix("http://").split(":")
    head = "\r\n".join([f"POST {path} HTTP/1.1", f"host: {host}", f"content-length: {len(body)}", *more])
    with socket.create_connection((host, int(port)), timeout=60) as link:
        link.sendall(f"{head}\r\n\r\n".encode() + body)
        yield link


@contextmanager
def streaming(proxy: Running, path: str, body: object) -> Iterator[Iterator[bytes]]:
    """The chunks of an answer."""
    with httpx2.Client(timeout=60) as client, client.stream("POST", proxy.url + path, json=body) as answer:
        yield answer.iter_raw()


def test_a_client_that_leaves_while_the_upstream_is_silent_ends_the_request_there() -> None:
    with providing() as provider, running(provider, Scripted()) as proxy:
        body = json.dumps(CHAT).encode()
        with sent(proxy, "/v1/messages", body, "x-scenario: hang"):
            until(lambda: len(provider.requests) == 1)
            assert not provider.gone
        until(lambda: bool(provider.gone))
        record = proxy.records()[0]
        assert record.gone == "waiting"
        assert proxy.app.in_flight == 0


def test_a_client_that_leaves_a_stream_ends_it_upstream() -> None:
    with providing(pause=0.02, events=100_000) as provider, running(provider, Scripted()) as proxy:
        with sent(proxy, "/v1/messages", json.dumps(STREAMING).encode()) as link:
            assert link.recv(4096).startswith(b"HTTP/1.1 200 OK\r\n")
            assert not provider.gone
        until(lambda: bool(provider.gone))
        assert proxy.records()[0].gone == "streaming"


def test_a_client_that_leaves_while_a_scorer_works_asks_nobody_upstream() -> None:
    scorers = Scripted(seconds=600)
    with running(scorers=scorers) as proxy:
        with sent(proxy, "/v1/messages", json.dumps(CHAT).encode()):
            until(lambda: bool(scorers.jobs))
        assert proxy.records()[0].gone == "waiting"
        assert proxy.provider.requests == []


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/files"])
def test_a_client_that_leaves_in_the_middle_of_its_body_is_forgotten(path: str) -> None:
    with running(scorers=Scripted()) as proxy:
        host, port = proxy.url.removeprefix("http://").split(":")
        link = socket.create_connection((host, int(port)))
        link.sendall(f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nabc".encode())
        until(lambda: proxy.app.in_flight == 1)
        link.close()
        assert proxy.records()[0].gone == "request"
        assert proxy.app.in_flight == 0


def test_aborts_leave_nothing_behind() -> None:
    with providing(pause=0.01, events=1000) as provider, running(provider, Scripted()) as proxy:
        for round_ in range(30):
            with sent(proxy, "/v1/messages", json.dumps(STREAMING).encode()) as link:
                if round_ % 2:
                    link.recv(100)
        until(lambda: proxy.app.in_flight == 0 and proxy.monitor.in_flight == 0)
        until(lambda: len(proxy.app._client._pool.connections) == 0)


def test_a_stream_that_breaks_upstream_breaks_for_the_client_with_what_had_come() -> None:
    with running(scorers=Scripted()) as proxy:
        with sent(proxy, "/v1/messages", json.dumps(STREAMING).encode(), "x-scenario: cut") as link:
            got = link.makefile("rb").read()
        head, _, chunks = got.partition(b"\r\n\r\n")
        assert b"transfer-encoding: chunked" in head
        assert not chunks.endswith(b"0\r\n\r\n")
        assert all(event in chunks for event in bytes(proxy.provider.sent[-1]).split(b"\n\n"))
        assert proxy.records()[0].upstream == 200


def test_a_stream_that_stalls_is_closed_after_the_idle_time() -> None:
    with running(scorers=Scripted(), idle_seconds=0.2) as proxy, pytest.raises(httpx2.RemoteProtocolError):
        proxy.post("/v1/messages", STREAMING, headers={"x-scenario": "stall"})


@pytest.mark.parametrize(
    ("path", "event"),
    [
        ("/v1/messages", b'event: error\ndata: {"type": "error", "error": {"type": "overloaded_error"'),
        ("/v1/chat/completions", b'data: {"error": {"message": "contextprune: this proxy is shutting down'),
        ("/v1/responses", b'event: error\ndata: {"type": "error", "code": "overloaded"'),
    ],
)
def test_a_stream_that_outlasts_the_drain_ends_with_an_error_of_its_provider(path: str, event: bytes) -> None:
    with providing(pause=0.02, events=100_000) as provider:
        body = {"stream": True, "input": "x"} if path == "/v1/responses" else STREAMING
        with running(provider, Scripted(), drain_seconds=0.3) as proxy, streaming(proxy, path, body) as chunks:
            got = next(chunks)
            proxy.stop()
            got += b"".join(chunks)
        told, _, said = got.rpartition(b"\n\n")[0].rpartition(b"\n\n")
        assert said.startswith(event)
        assert bytes(provider.sent[-1]).startswith(told)


def test_a_stream_that_ends_within_the_drain_is_whole() -> None:
    with providing(pause=0.01, events=100_000) as provider:
        with running(provider, Scripted()) as proxy, streaming(proxy, "/v1/messages", STREAMING) as chunks:
            got = next(chunks)
            proxy.stop()
            until(lambda: proxy.app.draining)
            provider.events = 0  # now the stream ends
            got += b"".join(chunks)
        assert got == bytes(provider.sent[-1])


def test_a_request_that_waits_when_the_drain_ends_is_refused_with_words() -> None:
    with running(scorers=Scripted(), drain_seconds=0.2) as proxy:
        with sent(proxy, "/v1/messages", json.dumps(CHAT).encode(), "x-scenario: hang") as link:
            until(lambda: len(proxy.provider.requests) == 1)
            proxy.stop()
            got = link.makefile("rb").read()
        assert got.startswith(b"HTTP/1.1 503 ")
        assert b"shutting down" in got


def test_a_slow_client_does_not_fill_the_memory_of_the_proxy() -> None:
    body = bytes(24 << 20)
    with running(scorers=edits(b"", b"")) as proxy, sent(proxy, "/v1/files", body) as link:
        link.settimeout(60)
        got = len(link.recv(65536))
        for _ in range(50):
            assert proxy.get("/livez").status_code == 200
        assert proxy.app.in_flight == 1  # it waits for the client, and holds the rest back upstream
        record = next(iter(proxy.app._exchanges)).record
        assert record.bytes_out < 16 << 20
        while got < len(body):
            got += len(link.recv(1 << 20))
