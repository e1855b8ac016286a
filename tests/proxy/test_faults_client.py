"""Clients that leave, dawdle, or send what nobody should: nothing is left behind, and nobody else notices."""

from __future__ import annotations

import asyncio
import gc
import gzip
import json
import os
import socket
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import brotli
import httpx2
import psutil
import pytest

from tests.nightly import NIGHTLY
from tests.proxy.in_process import Running, Scripted, running, until
from tests.proxy.pool.running_pool import log
from tests.proxy.provider import Provider, providing
from tests.proxy.raw_http import link_to
from tests.proxy.serve_process import Served, ask, figures, later, outcome, question, serving

CHAT = {"model": "m", "messages": [{"role": "user", "content": "x"}]}
ABORTS = 100 if NIGHTLY else 24  # clients that leave
SINGLE_BYTES = 50  # that each slow reader takes
MB = 1 << 20


def head(path: str, length: int, *more: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "host: x", f"content-length: {length}", *more]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


BODY = json.dumps(CHAT).encode()
STREAMING = json.dumps({**CHAT, "stream": True}).encode()


def _in_headers(link: socket.socket, _: Provider) -> None:
    link.sendall(b"POST /v1/messages HTTP/1.1\r\nhost: x\r\nx-")


def _in_body(link: socket.socket, _: Provider) -> None:
    link.sendall(head("/v1/messages", 1000) + b"abc")


def _in_streamed_body(link: socket.socket, _: Provider) -> None:
    link.sendall(head("/v1/files", 200_000) + bytes(100_000))


def _at_once(link: socket.socket, _: Provider) -> None:
    link.sendall(head("/v1/messages", len(STREAMING)) + STREAMING)


def _waiting(link: socket.socket, provider: Provider) -> None:
    before = len(provider.requests)
    link.sendall(head("/v1/messages", len(BODY), "x-scenario: hang") + BODY)
    until(lambda: len(provider.requests) > before)


def _streaming(link: socket.socket, provider: Provider) -> None:
    _at_once(link, provider)
    link.recv(100)


def _idle(link: socket.socket, _: Provider) -> None:
    link.sendall(b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n")
    link.recv(1000)


Phase = Callable[[socket.socket, Provider], None]
PHASES: list[Phase] = [
    _in_headers, _in_body, _in_streamed_body, _at_once, _waiting, _streaming, _idle,
]  # fmt: skip


def test_after_many_clients_that_left_in_each_phase_nothing_is_left() -> None:
    with providing(pause=0.01, events=10_000) as provider, running(provider, Scripted(seconds=0.01)) as proxy:
        loop = proxy.app._chores[0].get_loop()
        for phase in PHASES:
            _leave(proxy, phase)
        _until_quiet(proxy)
        gc.collect()
        tasks, descriptors = _tasks(loop), psutil.Process().num_fds()
        for phase in PHASES:
            for _ in range(ABORTS // len(PHASES) + 1):
                _leave(proxy, phase)
        _until_quiet(proxy)
        # every request that reached the provider and had not ended is ended there, too
        until(lambda: _tasks(loop) <= tasks + 2)
        until(lambda: psutil.Process().num_fds() <= descriptors + 4)
        assert proxy.get("/v1/models").content == b"pong"


def _until_quiet(proxy: Running) -> None:
    """Wait until nothing is under way, neither here nor upstream."""
    until(lambda: proxy.app.in_flight == 0 and proxy.monitor.in_flight == 0)
    until(lambda: len(proxy.app._client._pool.connections) == 0)


def _leave(proxy: Running, phase: Phase) -> None:
    with link_to(proxy.url) as link:
        phase(link, proxy.provider)


def _tasks(loop: asyncio.AbstractEventLoop) -> int:
    with suppress(RuntimeError):  # the set changed while it was looked at
        return len(asyncio.all_tasks(loop))
    return 1 << 30


@pytest.mark.parametrize("phase", [_waiting, _streaming])
def test_the_provider_learns_that_a_client_left_in_the_middle_of_its_answer(phase: Phase) -> None:
    with providing(pause=0.01, events=100_000) as provider, running(provider, Scripted()) as proxy:
        for clients in range(1, 6):
            _leave(proxy, phase)
            until(lambda count=clients: len(provider.gone) == count)  # type: ignore[misc]
            assert len(provider.requests) == clients
            assert provider.sent[-1].count(b"\n\n") < provider.events  # it would have gone on for a long while


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, Provider]]:
    with (
        providing() as provider,
        serving(provider, tmp_path_factory.mktemp("store") / "originals.sqlite3") as found,
    ):
        yield found, provider
        assert found.process.poll() is None
        assert figures(found)["restarts"] == 0


def memory(served: Served) -> int:
    """Bytes that the front holds."""
    return int(served.front.memory_info().rss)


def under_way(served: Served) -> int:
    """Requests of which the front has not sent the whole answer."""
    return int(served.get("/stats").json()["in_flight"])


def test_readers_of_single_bytes_hold_up_nobody_and_fill_no_memory(served: tuple[Served, Provider]) -> None:
    proxy, _ = served
    body = os.urandom(32 * MB)
    links = [link_to(proxy.url) for _ in range(8)]
    before = memory(proxy)
    try:
        senders = [threading.Thread(target=_send, args=(link, head("/v1/files", len(body)) + body)) for link in links]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join(60)
        for _ in range(SINGLE_BYTES):
            assert all(link.recv(1) for link in links)
            assert proxy.post("/v1/chat/completions", CHAT).status_code == 200
        assert under_way(proxy) == len(links)  # all others were answered while these held theirs
        grown = memory(proxy) - before
        assert grown < 80 * MB, grown  # of the 256 MB that are under way
    finally:
        for link in links:
            link.close()
    assert proxy.post("/v1/chat/completions", CHAT).status_code == 200


def _send(link: socket.socket, data: bytes) -> None:
    with suppress(OSError):
        link.sendall(data)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "gzip-many"])
def test_a_bomb_goes_up_as_it_came_and_fills_no_memory(served: tuple[Served, Provider], encoding: str) -> None:
    proxy, provider = served
    packers: dict[str, Callable[[], bytes]] = {
        "gzip": lambda: gzip.compress(bytes(400 * MB), 1),
        "deflate": lambda: zlib.compress(bytes(400 * MB), 1),
        "br": lambda: brotli.compress(bytes(100 * MB), quality=1),
        "gzip-many": lambda: gzip.compress(b'{"a": 1}' * MB) * 200,
    }
    bomb = packers[encoding]()
    before = memory(proxy)
    headers = {"content-encoding": encoding.partition("-")[0], "x-scenario": "418"}
    got = proxy.post("/v1/messages", content=bomb, headers=headers)
    assert (got.status_code, got.headers["x-contextprune-reason"]) == (418, "too_large")
    assert memory(proxy) - before < 150 * MB  # 64 MB may be unpacked
    assert provider.requests[-1].body == bomb


DEEP = b'{"model": "m", "messages": ' + b"[" * 200_000 + b"]" * 200_000 + b"}"
NASTY: dict[str, bytes] = {
    "nothing": b"",
    "no json": b"\x00\xff\xfe not JSON",
    "deep": DEEP,
    "a number of a million digits": b'{"model": "m", "messages": [{"role": "user", "content": ' + b"9" * MB + b"}]}",
    "keys twice": b'{"messages": [{"role": "user", "content": "a"}], "messages": [{"role": "user", "content": "b"}]}',
    "half a pair": b'{"messages": [{"role": "user", "content": "\\ud800 and \\udc00"}]}',
    "no number": b'{"messages": [{"role": "user", "content": "x"}], "temperature": NaN}',
    "a mark in front": b'\xef\xbb\xbf{"messages": [{"role": "user", "content": "x"}]}',
    "utf-16": '{"messages": [{"role": "user", "content": "x"}]}'.encode("utf-16"),
    "nul": b'{"messages": [{"role": "user", "content": "a\\u0000b"}]}\x00',
    "strange roles": b'{"messages": [7, null, {"role": {}}, {"role": "tool", "content": [[[]]]}]}',
    "many keys": b"{" + b",".join(b'"%d":0' % i for i in range(300_000)) + b"}",
    "a wide list": b'{"messages": [' + b"0," * MB + b"0]}",
}


@pytest.mark.parametrize("name", NASTY)
def test_what_nobody_can_read_is_relayed_to_the_last_byte(served: tuple[Served, Provider], name: str) -> None:
    proxy, provider = served
    for path in ("/v1/chat/completions", "/v1/messages", "/v1/responses"):
        got = proxy.post(path, content=NASTY[name], headers={"x-scenario": "418"})
        assert got.status_code == 418  # the provider's own answer
        assert got.headers["x-contextprune-status"] in ("passed", "noop")
        assert provider.requests[-1].body == NASTY[name]


def test_ten_thousand_messages_are_answered_and_the_next_turn_begins_with_the_same_bytes(
    served: tuple[Served, Provider],
) -> None:
    proxy, provider = served
    body = question("ten thousand")
    turns = [{"role": "user", "content": "go on"}, {"role": "assistant", "content": "It is request 7."}]
    body["messages"] = [*turns * 5000, *body["messages"]]
    ask(proxy, body)
    ask(proxy, later(body, log("more", 150)))
    ask(proxy, later(later(body, log("more", 150)), log("and more", 150)))
    first, second, third = (request.json["messages"] for request in provider.requests[-3:])
    assert len(first) == 10_003
    assert second[: len(first)] == first
    assert third[: len(second)] == second
    assert figures(proxy)["restarts"] == 0


def test_thirty_megabytes_go_through_untouched_and_fill_no_memory(served: tuple[Served, Provider]) -> None:
    proxy, provider = served
    text = log("thirty", 400_000)
    body = json.dumps(question("thirty", [text])).encode()
    assert len(body) > 20 * MB
    before = memory(proxy)
    for content in (body, iter([body[:MB], body[MB:]])):
        got = proxy.post("/v1/chat/completions", content=content)
        assert got.status_code == 200
        assert outcome(got) == ("passed", "too_large")
        assert provider.requests[-1].body == body
        provider.requests[-1].body = b""
    assert memory(proxy) - before < 100 * MB
    over = proxy.post("/v1/chat/completions", content=bytes(33 * MB))
    assert over.status_code == 413


def test_while_megabytes_are_decided_others_are_answered(tmp_path: Path) -> None:
    """The scorers are held in the middle of a decision, so a front that decided itself would be through before them."""
    body = question("much", [log(f"much.{i}", 3000) for i in range(12)])
    assert len(json.dumps(body)) > 2_000_000
    got: list[httpx2.Response] = []
    # A deadline of minutes: nothing is late, and no scorer that is held is taken to hang.
    with providing() as provider, serving(provider, tmp_path / "originals.sqlite3", "--deadline", "170") as proxy:
        large = threading.Thread(target=lambda: got.append(proxy.post("/v1/chat/completions", body)))
        scorers = proxy.scorers
        for scorer in scorers:
            scorer.suspend()
        try:
            large.start()
            until(lambda: figures(proxy)["in_flight"] > 0)
            for _ in range(10):
                assert proxy.post("/v1/chat/completions", CHAT).status_code == 200
            assert not got
            assert not any(b"much.11" in request.body for request in provider.requests)
        finally:
            for scorer in scorers:
                scorer.resume()
        large.join()

    assert got[0].status_code == 200
    assert outcome(got[0]) == ("applied", "")
    sent = next(request.json for request in provider.requests if b"much.11" in request.body)
    assert [m["role"] for m in sent["messages"]] == [m["role"] for m in body["messages"]]


def test_two_hundred_clients_at_once_are_all_answered(served: tuple[Served, Provider]) -> None:
    proxy, _ = served

    async def crowd() -> list[int]:
        limits = httpx2.Limits(max_connections=200)
        async with httpx2.AsyncClient(timeout=60, limits=limits, verify=False) as client:
            asked = [client.post(f"{proxy.url}/v1/chat/completions", json=question(f"crowd {i}")) for i in range(200)]
            return [got.status_code for got in await asyncio.gather(*asked)]

    assert asyncio.run(crowd()) == [200] * 200
