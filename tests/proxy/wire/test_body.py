"""Bodies are read within bounds of size, of time, and of what they grow to."""

from __future__ import annotations

import asyncio
import gzip
import random
import tracemalloc
import zlib
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from contextprune.proxy.wire.body import ClientGone, Decoder, Incoming, Unacceptable, declared, has_body, text_size

JSON = b'{"messages": [' + b'{"role": "user", "content": "again and again"},' * 2000 + b"{}]}"
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": partial(brotli.compress, quality=5),
    "zstd": zstandard.compress,
    "x-gzip": gzip.compress,
}


def coming(*chunks: bytes, gone: bool = False, every: float = 0.0) -> Callable[[], Awaitable[dict[str, Any]]]:
    """A client that sends these, and then nothing more or leaves."""
    left = list(chunks)

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(every)
        if not left and gone:
            return {"type": "http.disconnect"}
        if not left:
            await asyncio.sleep(60)
        return {"type": "http.request", "body": left.pop(0), "more_body": bool(left) or gone}

    return receive


async def drained(incoming: Incoming, limit: int | None = None) -> bytes:
    return b"".join([chunk async for chunk in incoming.chunks(limit)])


def test_a_body_is_put_together() -> None:
    async def read() -> bytes | None:
        return await Incoming(coming(b"ab", b"", b"c"), 5).read(10)

    assert asyncio.run(read()) == b"abc"


@given(st.lists(st.sampled_from([b"A" * 5000, b"words of the user ", b'","', b"x" * 4095]), max_size=9))
def test_images_and_files_count_for_nothing_and_all_else_does(pieces: list[bytes]) -> None:
    body = b" ".join(pieces)
    assert text_size(body, 0) == len(body) - sum(len(piece) for piece in pieces if len(piece) == 5000)
    assert text_size(body, len(body)) == len(body)


def test_a_first_piece_that_is_not_all_is_not_lost() -> None:
    async def read() -> tuple[bytes | None, bytes]:
        incoming = Incoming(coming(b"ab", b"cd"), 5)
        return await incoming.first(), await drained(incoming)

    assert asyncio.run(read()) == (None, b"abcd")


def test_one_above_the_limit_is_refused_with_413() -> None:
    async def held() -> None:
        await Incoming(coming(b"ab", b"cd", b"e"), 5).read(3)

    async def streamed() -> None:
        await drained(Incoming(coming(b"ab", b"cd", b"e"), 5), 3)

    for read in (held, streamed):
        with pytest.raises(Unacceptable, match="at most 3 are taken") as caught:
            asyncio.run(read())
        assert caught.value.status == 413


def test_a_client_that_leaves_in_the_middle_is_known_to_be_gone() -> None:
    async def read() -> None:
        await Incoming(coming(b"ab", gone=True), 5).read(10)

    with pytest.raises(ClientGone):
        asyncio.run(read())


def test_one_that_comes_too_slowly_is_refused_with_408() -> None:
    async def read() -> None:
        await Incoming(coming(*[b"a"] * 100, every=0.02), 0.2).read(1000)

    with pytest.raises(Unacceptable, match="too slowly") as caught:
        asyncio.run(read())
    assert caught.value.status == 408


def test_time_in_which_nobody_reads_does_not_count() -> None:
    async def read() -> bytes:
        incoming = Incoming(coming(*[b"a"] * 20), 0.5)
        out = b""
        async for chunk in incoming.chunks():
            out += chunk
            await asyncio.sleep(0.04)
        return out

    assert asyncio.run(read()) == b"a" * 20


async def decode_body(body: bytes, encoding: str, limit: int) -> bytes | None:
    decoder = Decoder(limit)
    try:
        return await decoder.decode(body, encoding)
    finally:
        decoder.close()


@pytest.mark.parametrize("encoding", PACKERS)
def test_a_packed_body_is_unpacked(encoding: str) -> None:
    packed = PACKERS[encoding](JSON)
    assert asyncio.run(decode_body(packed, encoding.upper(), 1 << 20)) == JSON


@pytest.mark.parametrize("encoding", ["gzip, br", "aws-chunked", "gzip"])
def test_what_cannot_be_unpacked_is_none(encoding: str) -> None:
    assert asyncio.run(decode_body(b"no such thing", encoding, 1 << 20)) is None


@pytest.mark.parametrize("encoding", PACKERS)
def test_a_bomb_is_refused_before_it_fills_the_memory(encoding: str) -> None:
    packed = PACKERS[encoding](bytes(96 << 20))
    tracemalloc.start()
    with pytest.raises(Unacceptable, match="grows beyond bounds") as caught:
        asyncio.run(decode_body(packed, encoding, 64 << 20))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert caught.value.status == 413
    assert peak < 96 << 20


def test_a_body_within_the_ratio_but_above_the_limit_is_refused() -> None:
    with pytest.raises(Unacceptable):
        asyncio.run(decode_body(gzip.compress(JSON), "gzip", len(JSON) - 1))


def test_a_body_that_gets_no_turn_in_time_is_not_waited_for() -> None:
    async def decode() -> bytes | None:
        decoder = Decoder(64 << 20, seconds=0.0)
        try:
            return await decoder.decode(gzip.compress(random.randbytes(100_000)), "gzip")
        finally:
            decoder.close()

    with pytest.raises(TimeoutError):
        asyncio.run(decode())


def test_what_a_client_announces() -> None:
    assert declared({b"content-length": b"12"}) == 12
    assert declared({b"content-length": b"-1"}) is declared({b"content-length": b"9" * 30}) is declared({}) is None
    assert has_body({b"transfer-encoding": b"chunked"})
    assert not has_body({b"content-length": b"0"})
