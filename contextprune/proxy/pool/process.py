"""One scorer process as the front sees it: how it is started, its pipe, and its death.

The pipe is a socket that the process has as its standard input. All goes through asyncio: bodies are written in pieces
as far as the other end reads, and read straight into a buffer of the message's size.
"""

from __future__ import annotations

import asyncio
import subprocess
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from contextprune.proxy.job import PREFIX, unpack
from contextprune.proxy.pool.launch import Begun

PIECE = 256 << 10  # bytes handed to the transport at once
_LARGEST_MESSAGE = 1 << 30


class Spawned(asyncio.BufferedProtocol):
    """A process of its own, from its start to its death. It is used on one event loop, by one thread.

    place   its number among its kind
    heard   called with each message: the process, its head, its parts
    gone    called once, when the pipe is closed, whoever closed it
    """

    def __init__(
        self,
        place: int,
        heard: Callable[[Spawned, dict[str, Any], list[bytes | None]], None],
        gone: Callable[[Spawned], None],
    ) -> None:
        self.place = place
        self._heard, self._gone = heard, gone
        self._process: subprocess.Popen[bytes] | None = None
        self._transport: asyncio.Transport | None = None
        self._outbox: deque[memoryview] = deque()
        self._paused = False
        self._head = 0  # bytes of the head of the message that is being read; 0 while its prefix is
        self._buffer = memoryview(bytearray(PREFIX.size))
        self._filled = 0

    async def start(self, told: Mapping[str, Any], begun: Begun | None = None) -> None:
        """Start the process, or take one that has begun. `told` are the arguments of `worker.main`. Raises OSError."""
        if begun is None:
            begun = await asyncio.to_thread(Begun, told)
        self._process, pipe = begun.take()
        try:
            await asyncio.get_running_loop().create_connection(lambda: self, sock=pipe)
        except BaseException:
            pipe.close()
            self.kill()
            raise

    @property
    def pid(self) -> int:
        """The id of the process, 0 before its start."""
        return self._process.pid if self._process else 0

    def send(self, pieces: Sequence[bytes]) -> None:
        """Send a message, after those before it; returns at once."""
        self._outbox.extend(
            memoryview(piece)[at : at + PIECE] for piece in pieces for at in range(0, len(piece), PIECE)
        )
        self._pump()

    def kill(self) -> None:
        """Kill it, however it hangs; `gone` is called soon after."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
        if self._transport is not None:
            self._transport.abort()

    async def end(self, patience: float) -> None:
        """Close the pipe, at which the process exits, and wait until it has; kill it after `patience` seconds."""
        if self._transport is not None:
            self._transport.abort()
        if self._process is not None:
            try:
                await asyncio.to_thread(self._process.wait, patience)
            except subprocess.TimeoutExpired:
                self._process.kill()
                await asyncio.to_thread(self._process.wait)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The pipe is open."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=PIECE)
        self._pump()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's own signature
        """The pipe is closed."""
        self._outbox.clear()
        self._transport = None
        self._gone(self)

    def pause_writing(self) -> None:
        """The process reads more slowly than the front writes."""
        self._paused = True

    def resume_writing(self) -> None:
        """It has caught up."""
        self._paused = False
        self._pump()

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - asyncio's own signature
        """Where the next bytes go."""
        return self._buffer[self._filled :]

    def buffer_updated(self, nbytes: int) -> None:
        """Bytes have come."""
        self._filled += nbytes
        if self._filled < len(self._buffer):
            return
        whole, head = self._buffer, self._head
        if head:
            self._expect(0, PREFIX.size)
            self._heard(self, *unpack(whole[:head], whole[head:]))
            return
        head, rest = PREFIX.unpack(whole)
        if not 0 < head + rest <= _LARGEST_MESSAGE:
            self.kill()  # not a message of ours: something has written into the pipe
            return
        self._expect(head, head + rest)

    def _expect(self, head: int, size: int) -> None:
        self._head, self._filled = head, 0
        self._buffer = memoryview(bytearray(size))

    def _pump(self) -> None:
        while self._outbox and self._transport is not None and not self._paused:
            self._transport.write(self._outbox.popleft())
