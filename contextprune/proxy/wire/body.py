"""A request's body within bounds: of size, of time, and of what it may grow to when it is decompressed."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import Any

from contextprune.proxy.wire.decompress import unpacker
from contextprune.proxy.wire.room import Room

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]

LEAST_RATE = 32 << 10  # bytes a second, on the average, after the first `body_seconds`
LONGEST = 300.0  # seconds that a client may be slow with a body of any size, beyond the first `body_seconds`
_RATIO, _RATIO_FROM = 100, 1 << 20  # JSON grows by ten; what grows a hundredfold beyond a megabyte is a bomb
_AT_ONCE = 4 << 10  # packed bytes that are unpacked on the loop: at the worst frames of 9 bytes, some 40 milliseconds
_DECODERS = 2  # threads
DECODE_SECONDS = 5.0
_BEYOND = 4 << 20  # bytes over the limit, of which one piece has at most half, so that it is seen to be passed
_LEFTOVER_SECONDS = 2.0  # for reading on after a refusal: a client that still writes would miss the answer


_ENCODED = re.compile(rb"[A-Za-z0-9+/=_-]{4096,}")  # images and files in a body; prose and code have blanks


def text_size(body: bytes, enough: int) -> int:
    """Bytes of a body without the images and files encoded in it, which nobody reads; at once where it has `enough`."""
    if len(body) <= enough:
        return len(body)
    return len(body) - sum(found.end() - found.start() for found in _ENCODED.finditer(body))


MOST_PIECES = 20_000
"""Messages and blocks of a body that is to be read: more than any model's window has, and beyond what is linear."""


def pieces(body: bytes) -> int:
    """About how many messages, blocks and items a body has, without reading it: names in texts are not counted."""
    return body.count(b'"role"') + body.count(b'"type"')


class ClientGone(Exception):  # noqa: N818 - says what happened
    """The client hung up before its request was complete."""


class NoRoom(Exception):  # noqa: N818 - says what is wrong
    """The bodies that are held already leave no room for this one; `chunks` still has all of it."""


class Unacceptable(Exception):  # noqa: N818 - says what it is
    """A body beyond the bounds, with the status and the words for the client."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


class Incoming:
    """The body of one request, read as it comes. `size` is what was received so far, in bytes on the wire.

    `seconds` is how long the client may be slow in all, beyond the time that its bytes take at the least rate; time
    in which nobody read does not count against it. What `read` holds takes `room`, until `release`.
    """

    __slots__ = ("_buffered", "_charged", "_receive", "_room", "_waited", "ended", "seconds", "size")

    def __init__(self, receive: Receive, seconds: float, room: Room | None = None) -> None:
        self._receive, self._room, self._charged = receive, room, 0
        self._buffered: list[bytes] = []
        self._waited = 0.0
        self.seconds = seconds
        self.ended = False
        self.size = 0

    async def next(self) -> bytes:
        """Read the next bytes, b"" at the end. Raises ClientGone, and Unacceptable where they come too slowly."""
        if self.ended:
            return b""
        began = monotonic()
        left = self.seconds + min(self.size / LEAST_RATE, LONGEST) - self._waited
        try:
            async with asyncio.timeout(max(0.0, left)):
                message = await self._receive()
        except TimeoutError:
            raise Unacceptable(
                408, f"the body came too slowly: {self.size:,} bytes in {self._waited + left:.0f} seconds"
            ) from None
        self._waited += monotonic() - began
        if message["type"] == "http.disconnect":
            raise ClientGone
        chunk: bytes = message.get("body", b"")
        self.ended = not message.get("more_body", False)
        self.size += len(chunk)
        return chunk

    async def first(self) -> bytes | None:
        """Read the whole body where it comes in one piece; None where it does not, and `chunks` has all of it."""
        chunk = await self.next()
        if self.ended:
            return chunk
        self._buffered.append(chunk)
        return None

    async def read(self, limit: int) -> bytes:
        """Read the whole body. Raises Unacceptable above `limit` bytes, NoRoom, and what `next` raises."""
        while not self.ended:
            chunk = await self.next()
            self._buffered.append(chunk)
            if self.size > limit:
                await self.discard()
                raise too_large(self.size, limit)
            if self._room is not None and not self._room.take(len(chunk)):
                raise NoRoom
            self._charged += len(chunk)
        chunks, self._buffered = self._buffered, []
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    async def chunks(self, limit: int | None = None) -> AsyncIterator[bytes]:
        """Read everything that was not handed out before. Raises as `read` does."""
        while self._buffered:
            yield self._buffered.pop(0)
        while not self.ended:
            chunk = await self.next()
            if limit is not None and self.size > limit:
                raise too_large(self.size, limit)
            if chunk:
                yield chunk

    def release(self) -> None:
        """Free the room that it takes."""
        if self._room is not None:
            self._room.free(self._charged)
        self._charged = 0

    async def discard(self) -> None:
        """Read on for a moment, so that a client in the middle of writing can read the refusal."""
        self._buffered.clear()
        try:
            async with asyncio.timeout(_LEFTOVER_SECONDS):
                while not self.ended:
                    await self.next()
        except (TimeoutError, Unacceptable, ClientGone):
            self.ended = True


def too_large(size: int, limit: int) -> Unacceptable:
    """The refusal of a body of `size` bytes."""
    return Unacceptable(413, f"the body has {size:,} bytes or more; at most {limit:,} are taken (max_body)")


class Decoder:
    """Decodes bodies in threads of its own, so that nothing else waits for theirs. Belongs to one event loop.

    limit     bytes of a decoded body
    seconds   that a body waits for its turn and for its end
    """

    def __init__(self, limit: int, seconds: float = DECODE_SECONDS) -> None:
        self._limit, self._seconds = limit, seconds
        self._threads = ThreadPoolExecutor(_DECODERS, "contextprune-decode")

    async def decode(self, body: bytes, encoding: str) -> bytes | None:
        """Decode `body` from its content-encoding; None where it cannot be read, or takes more work than bodies do.

        Raises Unacceptable for what grows beyond all measure, TimeoutError where too many others are before it.
        """
        if len(body) <= _AT_ONCE:
            return _unpacked(body, encoding, self._limit)
        async with asyncio.timeout(self._seconds):
            return await asyncio.get_running_loop().run_in_executor(
                self._threads, _unpacked, body, encoding, self._limit
            )

    def close(self) -> None:
        """End the threads, once they have done what they do."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _unpacked(body: bytes, encoding: str, limit: int) -> bytes | None:
    unpack = unpacker(encoding, limit + _BEYOND)
    if unpack is None:
        return None
    out: list[bytes] = []
    size = 0
    for pieces in (unpack.feed(body), unpack.finish()):
        for piece in pieces:
            size += len(piece)
            if size > limit or (size > _RATIO_FROM and size > _RATIO * len(body)):
                raise Unacceptable(413, f"the body of {len(body):,} bytes grows beyond bounds when it is decompressed")
            out.append(piece)
    return b"".join(out) if unpack.ended else None


def declared(headers: Mapping[bytes, bytes]) -> int | None:
    """Length that the client announces; None where it does not."""
    value = headers.get(b"content-length", b"")
    return int(value) if value.isdigit() and len(value) <= 18 else None


def has_body(headers: Mapping[bytes, bytes]) -> bool:
    """True where a body follows the headers."""
    return b"transfer-encoding" in headers or bool(declared(headers))
