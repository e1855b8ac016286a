"""Providers that hang, break off, speak nonsense or pack their answers: the client sees just that, and nothing is asked
twice.
"""

from __future__ import annotations

import gzip
import json
import socket
import struct
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import anthropic
import brotli
import httpx2
import openai
import pytest
import zstandard

from tests.proxy.in_process import Running, Scripted, edits, running, until

CHAT = {"model": "m", "messages": [{"role": "user", "content": "a long story"}]}
EVENT = b'data: {"choices": [{"index": 0, "delta": {"content": "word "}}]}\n\n'
Answer = Callable[["Upstream", socket.socket], None]


@dataclass
class Upstream:
    """A server that does with a connection whatever it is told to, once a request has come in."""

    answer: Answer
    url: str = ""
    asked: list[bytes] = field(default_factory=list)
    closed: list[float] = field(default_factory=list)
    whole: bool = True  # it reads the bodies

    def serve(self, link: socket.socket) -> None:
        with link, suppress(OSError, ValueError):
            link.settimeout(30)
            while request := self._request(link):
                self.asked.append(request)
                self.answer(self, link)

    def _request(self, link: socket.socket) -> bytes:
        got = b""
        while b"\r\n\r\n" not in got:
            more = link.recv(65536)
            if not more:
                return b""
            got += more
        head, _, body = got.partition(b"\r\n\r\n")
        names = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        while self.whole and len(body) < int(names.get(b"content-length", 0)):
            body += link.recv(65536)
        return head + b"\r\n\r\n" + body

    def until_closed(self, link: socket.socket) -> None:
        """Wait until the proxy hangs up, and note when."""
        with suppress(OSError):
            while link.recv(65536):
                pass
        self.closed.append(time.monotonic())


@contextmanager
def wild(answer: Answer, **told: Any) -> Iterator[tuple[Running, Upstream]]:
    """A proxy before such a server, which takes `long ` out of all that it sends."""
    upstream = Upstream(answer)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        upstream.url = f"http://127.0.0.1:{listener.getsockname()[1]}"

        def accept() -> None:
            with suppress(OSError):
                while True:
                    link, _ = listener.accept()
                    threading.Thread(target=upstream.serve, args=(link,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        urls: dict[str, Any] = {"upstream_openai": upstream.url, "upstream_anthropic": upstream.url}
        with running(scorers=edits(b"long ", b""), **urls, **told) as proxy:
            yield proxy, upstream
        listener.shutdown(socket.SHUT_RDWR)


def say(*pieces: bytes, then: Answer | None = None, pause: float = 0.0) -> Answer:
    """An answer in these pieces."""

    def answer(upstream: Upstream, link: socket.socket) -> None:
        for piece in pieces:
            link.sendall(piece)
            time.sleep(pause)
        if then is not None:
            then(upstream, link)

    return answer


def hang_up(_: Upstream, link: socket.socket) -> None:
    link.shutdown(socket.SHUT_RDWR)


def reset(_: Upstream, link: socket.socket) -> None:
    link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    link.close()


def silent(upstream: Upstream, link: socket.socket) -> None:
    upstream.until_closed(link)


def whole(body: bytes, *headers: bytes, status: bytes = b"200 OK") -> bytes:
    lines = [b"HTTP/1.1 " + status, *headers, b"content-length: %d" % len(body)]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def chunks(*pieces: bytes) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)


STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def read(proxy: Running, path: str = "/v1/chat/completions", body: Any = CHAT) -> tuple[int, bytes, bool]:
    """The status of an answer, its bytes as they came, and whether it came to its end."""
    got = b""
    with httpx2.Client(timeout=60) as client, client.stream("POST", proxy.url + path, json=body) as answer:
        try:
            for chunk in answer.iter_raw():
                got += chunk
        except httpx2.RemoteProtocolError:
            return answer.status_code, got, False
        return answer.status_code, got, True


def test_trailers_of_an_answer_are_dropped_and_frame_nothing() -> None:
    end = b"0\r\nx-checksum: 5d41\r\ncontent-length: 7\r\nset-cookie: a=1\r\n\r\n"
    head = STREAM.replace(b"content-type", b"trailer: x-checksum\r\ncontent-type")
    with wild(say(head + chunks(EVENT) + end)) as (proxy, upstream):
        host, port = proxy.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=60) as link:
            for _ in range(2):
                link.sendall(b"GET /v1/models HTTP/1.1\r\nhost: x\r\n\r\n")
                got = b""
                while not got.endswith(b"\r\n0\r\n\r\n"):
                    got += link.recv(1 << 16)
                assert b"trailer" not in got.lower()
                assert got.partition(b"\r\n\r\n")[2] == chunks(EVENT) + b"0\r\n\r\n"
        assert len(upstream.asked) == 2


def test_one_that_never_answers_is_given_up_once_and_its_connection_closed() -> None:
    with wild(silent, first_byte_seconds=0.5) as (proxy, upstream):
        client = anthropic.Anthropic(base_url=proxy.url, api_key="k", max_retries=0)
        asked: Any = {**CHAT, "max_tokens": 9}
        with pytest.raises(anthropic.InternalServerError, match="did not answer within") as caught:
            client.messages.create(**asked)
        assert caught.value.status_code == 504
        until(lambda: len(upstream.closed) == 1)
        assert len(upstream.asked) == 1
        assert b"a story" in upstream.asked[0]


def test_one_that_stops_in_the_middle_of_a_stream_is_no_end_of_the_stream() -> None:
    with wild(say(STREAM, chunks(EVENT), then=silent), idle_seconds=0.5) as (proxy, upstream):
        client = openai.OpenAI(base_url=f"{proxy.url}/v1", api_key="k", max_retries=0)
        asked: Any = {**CHAT, "stream": True}
        chunks_ = iter(client.chat.completions.create(**asked))
        assert next(chunks_).choices[0].delta.content == "word "
        with pytest.raises((openai.APIError, httpx2.HTTPError)):
            next(chunks_)
        until(lambda: len(upstream.closed) == 1)
        assert len(upstream.asked) == 1


@pytest.mark.parametrize("end", [reset, hang_up])
@pytest.mark.parametrize(
    "pieces",
    [
        (),
        (b"HTTP/1.1 200 OK\r\ncontent-",),
        (b"\x16\x03\x01\x02\x00 garbage \xff\xfe\r\n\r\n",),
        (b"HTTP/1.1 2OO OK\r\n\r\n",),
    ],
)
def test_one_that_breaks_off_before_its_answer_is_a_502_and_not_asked_again(
    pieces: tuple[bytes, ...], end: Answer
) -> None:
    with wild(say(*pieces, then=end)) as (proxy, upstream):
        got = proxy.post("/v1/chat/completions", CHAT)
        assert got.status_code == 502
        assert "openai closed the connection" in got.json()["error"]["message"]
        assert len(upstream.asked) == 1
        upstream.answer = say(whole(b"{}"))
        assert proxy.post("/v1/chat/completions", CHAT).content == b"{}"


@pytest.mark.parametrize(
    "answer",
    [
        say(STREAM, chunks(EVENT, EVENT), then=reset, pause=0.1),
        say(STREAM, chunks(EVENT, EVENT), then=hang_up),
        say(STREAM, chunks(EVENT, EVENT), b"zzz\r\nno chunk\r\n", then=hang_up),
        say(STREAM, chunks(EVENT, EVENT), b"ffffffffffffffffff\r\n", then=hang_up),
        say(b"HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n" + EVENT * 2, then=hang_up),
    ],
)
def test_what_breaks_off_breaks_off_for_the_client_with_all_that_had_come(answer: Answer) -> None:
    with wild(answer) as (proxy, upstream):
        status, got, complete = read(proxy)
        assert (status, got, complete) == (200, EVENT * 2, False)
        assert len(upstream.asked) == 1
        upstream.answer = say(whole(b"{}"))
        assert read(proxy) == (200, b"{}", True)


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\n" + b"x-long: " + b"a" * (2 << 20) + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 100_000,
        b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd",
        b"HTTP/1.1 200 OK\r\ncontent-length: -3\r\n\r\nabcd",
        b"HTTP/1.1 999 What\r\ncontent-length: 0\r\n\r\n",
        b"ICY 200 OK\r\n\r\n",
    ],
)
def test_an_answer_that_is_no_clear_http_is_a_502(head: bytes) -> None:
    with wild(say(head, then=hang_up)) as (proxy, upstream):
        assert proxy.post("/v1/chat/completions", CHAT).status_code == 502
        upstream.answer = say(whole(b"{}"))
        assert proxy.post("/v1/chat/completions", CHAT).content == b"{}"


def test_what_comes_before_the_answer_is_not_taken_for_it() -> None:
    early = b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n"
    with wild(say(b"HTTP/1.1 100 Continue\r\n\r\n", early, early, whole(b"{}"))) as (proxy, _):
        assert read(proxy) == (200, b"{}", True)


def test_an_answer_without_a_length_ends_with_its_connection() -> None:
    with wild(say(b"HTTP/1.0 200 OK\r\ncontent-type: application/json\r\n\r\n", b"{}" * 9, then=hang_up)) as (proxy, _):
        assert read(proxy) == (200, b"{}" * 9, True)


def test_an_answer_in_single_bytes_arrives_whole() -> None:
    data = STREAM + chunks(*(bytes([byte]) for byte in EVENT)) + b"0\r\n\r\n"
    with wild(say(*(data[i : i + 1] for i in range(len(data))))) as (proxy, _):
        assert read(proxy) == (200, EVENT, True)


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstandard.compress,
    "gzip, br": lambda data: brotli.compress(gzip.compress(data)),
    "unheard-of": lambda data: data[::-1],
}


@pytest.mark.parametrize("encoding", PACKERS)
def test_a_packed_answer_is_handed_on_as_packed_whole_and_in_a_stream(encoding: str) -> None:
    usage = {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}
    plain = json.dumps({"choices": [], "usage": usage, "model": "gpt-5"}).encode()
    packed, named = PACKERS[encoding](plain), b"content-encoding: " + encoding.encode()
    with wild(say(whole(packed, named, b"content-type: application/json"))) as (proxy, upstream):
        assert read(proxy) == (200, packed, True)
        record = proxy.records()[0]
        if encoding not in ("unheard-of", "gzip, br"):
            assert (record.usage.fresh, record.usage.output) == (7, 2)
        stream = PACKERS[encoding](EVENT * 50 + b"data: [DONE]\n\n")
        pieces = [stream[i : i + 7] for i in range(0, len(stream), 7)]
        head = STREAM.replace(b"content-type", named + b"\r\ncontent-type")
        upstream.answer = say(head, chunks(*pieces) + b"0\r\n\r\n")
        assert read(proxy, body={**CHAT, "stream": True}) == (200, stream, True)


@pytest.mark.parametrize("encoding", ["gzip", "br", "zstd", "deflate"])
def test_an_answer_that_lies_about_its_packing_is_handed_on(encoding: str) -> None:
    named = b"content-encoding: " + encoding.encode()
    with wild(say(whole(b"not packed at all", named, b"content-type: application/json"))) as (proxy, _):
        assert read(proxy) == (200, b"not packed at all", True)


def test_a_packed_bomb_is_handed_on_unopened() -> None:
    bomb = gzip.compress(bytes(200 << 20), 9)
    with wild(say(whole(bomb, b"content-encoding: gzip", b"content-type: application/json"))) as (proxy, _):
        assert read(proxy) == (200, bomb, True)
        assert proxy.records()[0].usage is None
        assert proxy.get("/livez").status_code == 200


def test_an_error_inside_a_stream_is_a_part_of_it() -> None:
    error = b'event: error\ndata: {"type": "error", "error": {"type": "overloaded_error", "message": "x"}}\n\n'
    with wild(say(STREAM, chunks(EVENT, error) + b"0\r\n\r\n")) as (proxy, upstream):
        assert read(proxy, "/v1/messages") == (200, EVENT + error, True)
        assert len(upstream.asked) == 1


def test_a_refusal_before_all_was_read_reaches_the_client() -> None:
    refusal = whole(b'{"error": "too large"}', b"connection: close", status=b"413 Payload Too Large")

    def answer(upstream: Upstream, link: socket.socket) -> None:
        link.sendall(refusal)
        link.shutdown(socket.SHUT_WR)
        upstream.until_closed(link)

    with wild(answer) as (proxy, upstream):
        upstream.whole = False
        for path, size in (("/v1/files", 4 << 20), ("/v1/chat/completions", 9 << 20)):
            got = proxy.post(path, content=b"x" * size)
            assert (got.status_code, got.content) == (413, b'{"error": "too large"}')


def test_a_connection_that_was_closed_meanwhile_costs_no_request() -> None:
    with wild(say(whole(b"{}"), then=hang_up)) as (proxy, upstream):
        for _ in range(30):
            assert proxy.post("/v1/chat/completions", CHAT).content == b"{}"
            time.sleep(0.01)
        assert len(upstream.asked) == 30


def test_a_provider_that_is_gone_and_comes_back_is_found_again() -> None:
    with running(scorers=Scripted(), connect_seconds=2) as proxy:
        host, port = proxy.provider.url.removeprefix("http://").split(":")
        with socket.create_server(("127.0.0.1", 0)) as listener:
            free = listener.getsockname()[1]
        with running(proxy.provider, Scripted(), upstream_openai=f"http://{host}:{free}", connect_seconds=2) as other:
            got = other.post("/v1/chat/completions", CHAT)
            assert (got.status_code, "cannot be reached" in got.text) == (502, True)
            forward = threading.Thread(target=_forward, args=(free, host, int(port)), daemon=True)
            forward.start()
            until(lambda: other.post("/v1/chat/completions", CHAT).status_code == 200)


def _forward(port: int, host: str, target: int) -> None:
    """Hand one connection on."""
    with socket.create_server(("127.0.0.1", port)) as listener:
        link, _ = listener.accept()
    with link, socket.create_connection((host, target)) as other:
        back = threading.Thread(target=_copy, args=(other, link), daemon=True)
        back.start()
        _copy(link, other)
        back.join(60)


def _copy(one: socket.socket, other: socket.socket) -> None:
    with suppress(OSError):
        while data := one.recv(65536):
            other.sendall(data)
        other.shutdown(socket.SHUT_WR)


def test_a_provider_that_reads_slowly_is_waited_for_only_so_long() -> None:
    with wild(lambda *_: time.sleep(20), body_seconds=0.5, first_byte_seconds=1.0) as (proxy, upstream):
        upstream.whole = False
        got = proxy.post("/v1/chat/completions", content=b"x" * (30 << 20))
        assert got.status_code == 504
        assert proxy.get("/livez").status_code == 200
