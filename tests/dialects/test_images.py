"""What images cost, from their headers alone."""

from __future__ import annotations

import base64

import pytest

from contextprune.dialects.images import anthropic_image


def _block(data: bytes) -> dict[str, object]:
    return {"type": "image", "source": {"type": "base64", "data": base64.b64encode(data).decode()}}


def _png(width: int, height: int) -> bytes:
    sizes = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    return b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + sizes + b"\x08\x06\x00\x00\x00" * 9


def _jpeg(width: int, height: int) -> bytes:
    sizes = height.to_bytes(2, "big") + width.to_bytes(2, "big")
    return b"\xff\xd8\xff\xe0\x00\x10" + b"\x00" * 14 + b"\xff\xc0\x00\x11\x08" + sizes + b"\x00" * 40


@pytest.mark.parametrize("draw", [_png, _jpeg])
def test_the_size_in_the_header_gives_the_cost(draw: object) -> None:
    assert callable(draw)
    assert anthropic_image(_block(draw(300, 200))) == 80
    assert anthropic_image(_block(draw(4000, 3000))) == 1600


@pytest.mark.parametrize("data", [b"", b"\x89PNG", b"\xff\xd8\xff\xe0\x00\x00", b"GIF89a" + b"\x00" * 40])
def test_an_unreadable_header_costs_the_most(data: bytes) -> None:
    assert anthropic_image(_block(data)) == 1600


def test_a_source_that_holds_no_base64_costs_the_most() -> None:
    assert anthropic_image({"source": {"type": "base64", "data": "ä" * 40}}) == 1600
    assert anthropic_image({"source": {"type": "url", "url": "x"}}) == 1600
    assert anthropic_image({}) == 1600
