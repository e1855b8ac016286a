from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterator
from functools import partial

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from contextprune.proxy.wire.decompress import MOST_FRAMES, Unpacker, unpacker


def bare(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


PACKERS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "plain": ("", bytes),
    "identity": ("Identity", bytes),
    "gzip": ("gzip", gzip.compress),
    "zlib": ("deflate", zlib.compress),
    "bare deflate": ("deflate", bare),
    "brotli": ("br", partial(brotli.compress, quality=5)),
    "zstd": ("zstd", zstandard.ZstdCompressor().compress),
}
PACKED = [name for name, (encoding, _) in PACKERS.items() if encoding in ("gzip", "deflate", "br", "zstd")]
every_packer = pytest.mark.parametrize("name", PACKERS)


def unpacked(encoding: str, packed: bytes, step: int) -> tuple[bytes, bool, bool]:
    unpack = unpacker(encoding)
    assert unpack
    out = b"".join(piece for i in range(0, len(packed), step) for piece in unpack.feed(packed[i : i + step]))
    out += b"".join(unpack.finish())
    return out, unpack.failed, unpack.ended


@every_packer
@given(data=st.binary(max_size=3000), step=st.integers(1, 500))
def test_what_was_packed_comes_out_however_it_is_split(name: str, data: bytes, step: int) -> None:
    encoding, pack = PACKERS[name]
    assert unpacked(encoding, pack(data), step) == (data, False, True)


@every_packer
def test_long_streams_come_out_whole(name: str) -> None:
    encoding, pack = PACKERS[name]
    data = b"".join(b"line %d of a long answer\n" % i for i in range(100_000))
    assert unpacked(encoding, pack(data), 4096) == (data, False, True)


@pytest.mark.parametrize("name", ["gzip", "zstd"])
def test_a_stream_of_several_members_is_one_text(name: str) -> None:
    encoding, pack = PACKERS[name]
    for step in (1, 7, 4096):
        assert unpacked(encoding, pack(b"one ") + pack(b"two ") + pack(b"three"), step) == (
            b"one two three",
            False,
            True,
        )


@pytest.mark.parametrize("name", ["gzip", "zstd"])
def test_members_that_grow_much_are_unpacked_one_after_the_other(name: str) -> None:
    encoding, pack = PACKERS[name]
    text = b'{"a": 1}' * 100_000
    for step in (1000, 1 << 20):
        assert unpacked(encoding, pack(text) * 3, step) == (text * 3, False, True)


def test_what_stands_behind_a_stream_that_grows_much_is_a_failure() -> None:
    got, failed, ended = unpacked("deflate", zlib.compress(bytes(1 << 20)) + b"rest", 1 << 20)
    assert (len(got), failed, ended) == (1 << 20, True, False)


@pytest.mark.parametrize("name", PACKED)
@given(data=st.binary(min_size=1, max_size=500))
def test_a_stream_that_was_cut_off_has_not_ended(name: str, data: bytes) -> None:
    encoding, pack = PACKERS[name]
    out, _, ended = unpacked(encoding, pack(data)[:-1], 64)
    assert data.startswith(out)
    assert not ended


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
@given(garbage=st.binary(min_size=1, max_size=300))
def test_garbage_never_raises(encoding: str, garbage: bytes) -> None:
    unpacked(encoding, garbage, 50)


@pytest.mark.parametrize("name", PACKED)
def test_rubbish_behind_the_end_is_a_failure(name: str) -> None:
    encoding, pack = PACKERS[name]
    assert not unpacked(encoding, pack(b"text") + b"rubbish" * 20, 4096)[2]


@pytest.mark.parametrize("name", PACKED)
def test_a_bomb_comes_in_small_pieces_and_ends(name: str) -> None:
    encoding, pack = PACKERS[name]
    unpack = unpacker(encoding)
    assert unpack
    whole = largest = 0
    for piece in [*unpack.feed(pack(bytes(80 << 20))), *unpack.finish()]:
        whole += len(piece)
        largest = max(largest, len(piece))
    assert unpack.failed
    assert whole <= 64 << 20
    assert largest <= 2 << 20
    assert list(unpack.feed(pack(b"more"))) + list(unpack.finish()) == []


@pytest.mark.parametrize("encoding", ["compress", "gzip, br", "nonsense", "\xff"])
def test_an_unknown_encoding_is_not_unpacked(encoding: str) -> None:
    assert unpacker(encoding) is None


TINY = {
    "an empty zstd frame": ("zstd", zstandard.ZstdCompressor().compress(b"")),
    "a zstd frame to be skipped": ("zstd", b"\x50\x2a\x4d\x18\0\0\0\0"),
    "an empty gzip member": ("gzip", gzip.compress(b"")),
}


@pytest.mark.parametrize("name", TINY)
def test_a_stream_of_very_many_frames_fails_since_each_costs_a_decompressor(name: str) -> None:
    encoding, frame = TINY[name]
    assert unpacked(encoding, frame * (MOST_FRAMES - 1), 4096)[1] is False
    assert unpacked(encoding, frame * 100_000, 4096)[1] is True


def test_a_stream_fails_once_its_work_has_taken_too_long() -> None:
    class Slow:
        ended = True

        def __call__(self, packed: bytes) -> Iterator[bytes]:
            yield packed * 2

    unpack = Unpacker(Slow(), seconds=0.0)
    assert list(unpack.feed(bytes(100_000))) == []
    assert unpack.failed
