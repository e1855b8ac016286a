"""A provider of our own on loopback: real HTTP, real rules, and every way to misbehave that a test asks for.

A request says by the header `x-scenario` what shall go wrong; without it the provider answers as the real ones do.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import struct
import threading
import time
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import h11

from tests.proxy.provider_rules import CHECKS, Memory, Refused, events, reply

LIMIT = 64 << 20


@dataclass
class Received:
    """One request as it came in."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name), None)


@dataclass
class Provider:
    """What it got, and how it behaves.

    pause      seconds between the events of a stream
    events     at least so many events a stream has (the last one of the reply comes again as comments)
    requests   all that was received, refused ones included
    sent       the bytes of each response's body, whole, by request
    gone       when clients left in the middle of a response (monotonic seconds)
    """

    url: str = ""
    pause: float = 0.0
    events: int = 0
    requests: list[Received] = field(default_factory=list)
    sent: list[bytearray] = field(default_factory=list)
    gone: list[float] = field(default_factory=list)
    refused: int = 0
    memory: Memory = field(default_factory=Memory)

    async def connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection, request after request."""
        link = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
        try:
            while (request := await _request(link, reader, writer)) is not None:
                self.requests.append(request)
                self.sent.append(bytearray())
                await self._answer(link, writer, request, len(self.requests))
                if link.our_state is not h11.DONE or link.their_state is not h11.DONE:
                    break
                link.start_next_cycle()
        except (ConnectionError, h11.RemoteProtocolError):
            self.gone.append(time.monotonic())
        finally:
            writer.close()

    async def _answer(self, link: h11.Connection, writer: asyncio.StreamWriter, request: Received, number: int) -> None:
        scenario = request.header("x-scenario") or ""
        if scenario in RAW:
            await RAW[scenario](self, writer)
            return
        status, headers, chunks = self._reply(request, scenario, number)
        if scenario == "encoded":
            packed = gzip.compress(b"".join(chunks))
            headers, chunks = [*headers, ("content-encoding", "gzip")], iter((packed,))
        whole = not any(name == "content-type" and "event-stream" in value for name, value in headers)
        if whole:
            body = b"".join(chunks)
            headers, chunks = [*headers, ("content-length", str(len(body)))], iter((body,))
        writer.write(link.send(h11.Response(status_code=status, headers=headers)) or b"")
        for k, chunk in enumerate(self._stretched(chunks, whole=whole)):
            if scenario == "stall" and k == 2:
                await _until_gone(writer)
                raise ConnectionResetError
            if scenario == "cut" and k == 2:
                _reset(writer)
                raise ConnectionResetError
            self.sent[number - 1] += chunk
            writer.write(link.send(h11.Data(data=chunk)) or b"")
            await writer.drain()
            if not whole:
                await asyncio.sleep(self.pause)
            if writer.transport.is_closing():
                raise ConnectionResetError
        writer.write(link.send(h11.EndOfMessage()) or b"")
        await writer.drain()

    def _stretched(self, chunks: Iterator[bytes], *, whole: bool) -> Iterator[bytes]:
        count = 0
        for chunk in chunks:
            yield chunk
            count += 1
            while not whole and count < self.events - 3:
                yield f": still here {count}\n\n".encode()
                count += 1

    def _reply(
        self, request: Received, scenario: str, number: int
    ) -> tuple[int, list[tuple[str, str]], Iterator[bytes]]:
        headers = [("x-request-id", f"req_{number}"), ("x-ratelimit-remaining-tokens", "1000"), ("date", "now")]
        as_json = [*headers, ("content-type", "application/json")]
        if scenario.isdigit():
            error = json.dumps({"type": "error", "error": {"type": "test", "message": scenario}}).encode()
            return int(scenario), [*as_json, ("retry-after", "7")], iter((error,))
        path = request.target.partition("?")[0]
        if path not in CHECKS or request.method != "POST":
            return 200, [*headers, ("content-type", "application/octet-stream")], iter((request.body or b"pong",))
        try:
            body = json.loads(_plain(request))
            CHECKS[path](body)
        except (Refused, ValueError, KeyError) as exc:
            self.refused += 1
            told = {"type": "invalid_request_error", "message": str(exc)}
            return 400, as_json, iter((json.dumps({"type": "error", "error": told}).encode(),))
        if path.endswith(("count_tokens", "input_tokens")):
            return 200, as_json, iter((json.dumps({"input_tokens": len(request.body) // 4}).encode(),))
        said = reply(path, body, self.memory, number)
        if body.get("stream"):
            return 200, [*headers, ("content-type", "text/event-stream; charset=utf-8")], events(path, said)
        return 200, as_json, iter((json.dumps(said).encode(),))


async def _hang(provider: Provider, writer: asyncio.StreamWriter) -> None:
    await _until_gone(writer)
    provider.gone.append(time.monotonic())


async def _garbage(_provider: Provider, writer: asyncio.StreamWriter) -> None:
    writer.write(b"\x00\xff not HTTP at all\r\n\r\n")
    await writer.drain()
    writer.close()


async def _drop(_provider: Provider, writer: asyncio.StreamWriter) -> None:
    _reset(writer)


RAW = {"hang": _hang, "garbage": _garbage, "drop": _drop}
"""Scenarios below HTTP. `hang`: no answer; `garbage`: no HTTP; `drop`: the connection is reset.

The others: `stall` and `cut` stop a stream after two events, `encoded` answers in gzip, a number is a status.
"""


async def _until_gone(writer: asyncio.StreamWriter) -> None:
    while not writer.transport.is_closing():
        await asyncio.sleep(0.005)
        sock = writer.transport.get_extra_info("socket")
        state = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
        if state not in (1, 2):  # neither ESTABLISHED nor SYN_SENT: the peer has closed
            return


def _reset(writer: asyncio.StreamWriter) -> None:
    sock = writer.transport.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def _request(link: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Received | None:
    head: h11.Request | None = None
    body = bytearray()
    async for event in _events(link, reader, writer):
        if isinstance(event, h11.Request):
            head = event
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage) and head is not None:
            headers = [(name.decode(), value.decode("latin-1")) for name, value in head.headers]
            return Received(head.method.decode(), head.target.decode("latin-1"), headers, bytes(body))
    return None


async def _events(
    link: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> AsyncIterator[Any]:
    while True:
        event = link.next_event()
        if event is h11.NEED_DATA:
            if link.they_are_waiting_for_100_continue:
                writer.write(link.send(h11.InformationalResponse(status_code=100, headers=[])) or b"")
            link.receive_data(await reader.read(1 << 16))
        elif isinstance(event, h11.ConnectionClosed):
            return
        else:
            yield event


def _plain(request: Received) -> bytes:
    encoding = request.header("content-encoding")
    return zlib.decompress(request.body, 47) if encoding else request.body  # gzip or zlib, by what it begins with


@contextmanager
def providing(**settings: Any) -> Iterator[Provider]:
    """A provider on a free port, in a thread of its own."""
    provider = Provider(**settings)
    started = threading.Event()
    stop: list[Callable[[], object]] = []

    async def serve() -> None:
        server = await asyncio.start_server(provider.connection, "127.0.0.1", 0, limit=LIMIT)
        provider.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        done = asyncio.Event()
        loop = asyncio.get_running_loop()
        stop.append(lambda: loop.call_soon_threadsafe(done.set))
        started.set()
        await done.wait()
        server.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    started.wait(60)
    try:
        yield provider
    finally:
        stop[0]()
        thread.join(60)
