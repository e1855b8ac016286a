"""Decompression in small steps, so that neither a bomb nor a long stream holds up the loop or fills the memory.

What is packed badly costs time instead: a frame may be empty, and each needs a decompressor of its own. So frames are
counted, and so are the seconds of work.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec
from time import thread_time
from typing import Any, Protocol

_STEP = 8 << 10  # packed bytes that are gathered before they are unpacked: a tenth of a millisecond's work
_PIECE = 64 << 10  # unpacked bytes at a time
LARGEST = 64 << 20  # unpacked bytes of one stream; more is no answer
MOST_FRAMES = 2000  # frames or members of one stream; the decompressor of each takes up to 80 microseconds to make
SECONDS = 2.0  # of this thread's own work on one stream: 64 MiB of JSON take a tenth of that
_GZIP, _ZLIB, _BARE = 16 + zlib.MAX_WBITS, zlib.MAX_WBITS, -zlib.MAX_WBITS


class Damaged(Exception):  # noqa: N818 - says what it is
    """The stream is not what its encoding says, or has more frames than a stream may have."""


class _Engine(Protocol):
    """Packed bytes in, unpacked pieces of a bounded size out. Raises Damaged."""

    def __call__(self, packed: bytes) -> Iterator[bytes]: ...
    @property
    def ended(self) -> bool: ...


class Unpacker:
    """One stream. `failed` becomes true where it is damaged or grows beyond all bounds; then nothing comes any more.

    limit     bytes of all that comes out
    seconds   of work on it, in the CPU time of the thread that does it
    """

    __slots__ = ("_engine", "_left", "_packed", "_seconds", "failed")

    def __init__(self, engine: _Engine | None, limit: int = LARGEST, seconds: float = SECONDS) -> None:
        self._engine = engine
        self._packed = bytearray()
        self._left, self._seconds = limit, seconds
        self.failed = False

    @property
    def ended(self) -> bool:
        """True where all that came is complete: the end of a compressed stream has been seen."""
        return not self.failed and not self._packed and (self._engine is None or self._engine.ended)

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Unpack as far as is possible by now."""
        if self._engine is None:
            yield chunk
            return
        for start in range(0, len(chunk), _STEP):
            self._packed += chunk[start : start + _STEP]
            if len(self._packed) >= _STEP:
                yield from self.finish()

    def finish(self) -> Iterator[bytes]:
        """Unpack what was held back."""
        packed = bytes(self._packed)
        self._packed.clear()
        if self._engine is None or self.failed or not packed:
            return
        ends = thread_time() + self._seconds
        try:
            for piece in self._engine(packed):
                self._left -= len(piece)
                if self._left < 0 or thread_time() > ends:
                    self.failed = True
                    return
                if piece:
                    yield piece
        except Damaged:
            self.failed = True
        self._seconds = ends - thread_time()
        self.failed = self.failed or self._seconds < 0


def unpacker(encoding: str, limit: int = LARGEST) -> Unpacker | None:
    """Make an unpacker for a content-encoding, up to `limit` bytes; None where it cannot be unpacked here."""
    name = encoding.strip().casefold()
    if name in ("", "identity"):
        return Unpacker(None)
    make = _ENGINES.get(name)
    engine = make() if make else None
    return Unpacker(engine, limit) if engine else None


class _Inflate:
    """gzip, in as many members as there are; zlib, and the bare deflate that some send under the latter's name."""

    __slots__ = ("_inflate", "_members", "_undecided", "_window", "ended")

    def __init__(self, window: int) -> None:
        self._members = 1
        self._window = window
        self._inflate = zlib.decompressobj(window)
        self._undecided = b"" if window == _ZLIB else None
        self.ended = False

    def __call__(self, packed: bytes) -> Iterator[bytes]:
        if self._undecided is not None:
            packed = self._undecided + packed
            if len(packed) < 2:
                self._undecided = packed
                return
            if packed[0] & 0x0F != 8 or int.from_bytes(packed[:2], "big") % 31:
                self._inflate = zlib.decompressobj(_BARE)
            self._undecided = None
        while packed:
            if self._inflate.eof:
                self._members += 1
                if self._window != _GZIP or self._members > MOST_FRAMES:
                    raise Damaged
                self._inflate = zlib.decompressobj(_GZIP)
            yield from self._member(packed)
            packed = self._inflate.unused_data
        self.ended = self._inflate.eof

    def _member(self, packed: bytes) -> Iterator[bytes]:
        try:
            piece = self._inflate.decompress(packed, _PIECE)
            while piece or self._inflate.unconsumed_tail:
                yield piece
                if self._inflate.eof:  # from here on its tail is what stands behind the member, and stays there
                    return
                piece = self._inflate.decompress(self._inflate.unconsumed_tail, _PIECE)
        except zlib.error as exc:
            raise Damaged from exc


class _Brotli:
    """Brotli 1.2 and later: earlier ones cannot be bounded, and are not used."""

    __slots__ = ("_brotli", "_stream")

    def __init__(self) -> None:
        import brotli  # noqa: PLC0415 - an extra

        self._brotli: Any = brotli
        self._stream: Any = brotli.Decompressor()

    @property
    def ended(self) -> bool:
        return bool(self._stream.is_finished())

    def __call__(self, packed: bytes) -> Iterator[bytes]:
        try:
            piece = self._stream.process(packed, output_buffer_limit=_PIECE)
            while piece or not self._stream.can_accept_more_data():
                yield piece
                piece = self._stream.process(b"", output_buffer_limit=_PIECE)
        except (self._brotli.error, TypeError) as exc:  # TypeError: before 1.2
            raise Damaged from exc


class _Zstd:
    """Zstandard, in as many frames as there are."""

    __slots__ = ("_frames", "_stream", "_zstandard", "ended")

    def __init__(self) -> None:
        import zstandard  # noqa: PLC0415 - an extra

        self._zstandard = zstandard
        self._frames = 0
        self._stream = self._new()
        self.ended = False

    def _new(self) -> Any:
        self._frames += 1
        if self._frames > MOST_FRAMES:
            raise Damaged
        return self._zstandard.ZstdDecompressor(max_window_size=8 << 20).decompressobj()

    def __call__(self, packed: bytes) -> Iterator[bytes]:
        try:
            for start in range(0, len(packed), 64):  # it cannot be bounded: at most 2 MiB come of 64 bytes
                pending = packed[start : start + 64]
                while pending:
                    if self._stream.eof:
                        self._stream = self._new()
                    yield self._stream.decompress(pending)
                    pending = self._stream.unused_data if self._stream.eof else b""
        except self._zstandard.ZstdError as exc:
            raise Damaged from exc
        self.ended = self._stream.eof


_ENGINES: Mapping[str, Callable[[], _Engine | None]] = {
    "gzip": lambda: _Inflate(_GZIP),
    "x-gzip": lambda: _Inflate(_GZIP),
    "deflate": lambda: _Inflate(_ZLIB),
    "br": lambda: _Brotli() if find_spec("brotli") else None,
    "zstd": lambda: _Zstd() if find_spec("zstandard") else None,
}
