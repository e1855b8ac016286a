"""How texts are packed: bounded on the way in and on the way out."""

from __future__ import annotations

import pytest

from contextprune.storage import codec


def test_bytes_that_inflate_to_more_than_a_store_takes_are_damaged(monkeypatch: pytest.MonkeyPatch) -> None:
    body = codec.packed(b"x" * 1001)
    monkeypatch.setattr(codec, "MOST_BYTES", 1000)
    assert codec.unpacked(body) is None


@pytest.mark.parametrize("size", [0, 1, 999, 1000])
def test_what_was_packed_comes_back_up_to_the_bound(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codec, "MOST_BYTES", 1000)
    data = bytes(range(250)) * 4
    assert codec.unpacked(codec.packed(data[:size])) == data[:size]


BODY = codec.packed(b"text")


@pytest.mark.parametrize("body", [BODY[:-1], BODY + b"more", b"", b"text"])
def test_what_is_not_whole_is_damaged(body: bytes) -> None:
    assert codec.unpacked(body) is None
