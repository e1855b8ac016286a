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
from contextprune.proxy.pool.launch import Launched

PIECE = 256 << 10  # bytes handed to the transport at once
_LARGEST_MESSAGE = 1 << 30


class ScorerProcess(asyncio.BufferedProtocol):
    """A process of its own, from its start to its death. It is used on one event loop, by one thread.

    number      its number in the pool
    on_message  called with each message: the process, its head, its parts
    on_closed   called once, when the pipe is closed, whoever closed it
    """

    def __init__(
        self,
        number: int,
        on_message: Callable[[ScorerProcess, dict[str, Any], list[bytes | None]], None],
        on_closed: Callable[[ScorerProcess], None],
    ) -> None:
        self.number = number
        self._on_message, self._on_closed = on_message, on_closed
        self._process: subprocess.Popen[bytes] | None = None
        self._transport: asyncio.Transport | None = None
        self._outbox: deque[memoryview] = deque()
        self._paused = False
        self._head = 0  # bytes of the head of the message that is being read; 0 while its prefix is
        self._buffer = memoryview(bytearray(PREFIX.size))
        self._filled = 0

    async def start(self, arguments: Mapping[str, Any], launched: Launched | None = None) -> None:
        """Start the process with the `arguments` of `worker.main`, or claim one that was launched. Raises OSError."""
        if launched is None:
            launched = await asyncio.to_thread(Launched, arguments)
        self._process, pipe = launched.claim()
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
        """Kill it, however it hangs; `on_closed` is called soon after."""
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
        """Begin to write: the pipe is open."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=PIECE)
        self._pump()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's own signature
        """Report that the pipe is closed."""
        self._outbox.clear()
        self._transport = None
        self._on_closed(self)

    def pause_writing(self) -> None:
        """Write no more: the process reads more slowly than the front writes."""
        self._paused = True

    def resume_writing(self) -> None:
        """Go on writing: it has caught up."""
        self._paused = False
        self._pump()

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - asyncio's own signature
        """Give the room for the next bytes."""
        return self._buffer[self._filled :]

    def buffer_updated(self, nbytes: int) -> None:
        """Take `nbytes` more bytes; a whole message is reported."""
        self._filled += nbytes
        if self._filled < len(self._buffer):
            return
        message, head = self._buffer, self._head
        if head:
            self._expect(0, PREFIX.size)
            self._on_message(self, *unpack(message[:head], message[head:]))
            return

        head, size_of_parts = PREFIX.unpack(message)
        if not 0 < head + size_of_parts <= _LARGEST_MESSAGE:
            self.kill()  # not a message of ours: something has written into the pipe
            return
        self._expect(head, head + size_of_parts)

    def _expect(self, head: int, size: int) -> None:
        self._head, self._filled = head, 0
        self._buffer = memoryview(bytearray(size))

    def _pump(self) -> None:
        while self._outbox and self._transport is not None and not self._paused:
            self._transport.write(self._outbox.popleft())
