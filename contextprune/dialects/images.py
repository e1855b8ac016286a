"""What images and files cost in tokens, where the payload's text cannot tell.

Estimates from the providers' published rules; the base64 data is never decoded beyond its header.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

OPENAI_IMAGE = 765
"""A high-detail image of 1024 x 1024: four tiles of 170 and the base of 85."""

OPENAI_IMAGE_LOW = 85
"""Any image at low detail: the base alone."""

ANTHROPIC_IMAGE = 1600
"""The largest image after Anthropic's own downscaling; also what an unreadable or remote image is taken for."""

FILE = 2000
"""One page of a PDF, text and picture: a floor, since the number of pages is not known without decoding the file."""

_JPEG_SEARCHED = 1 << 16  # base64 characters; thumbnails and profiles may stand before the frame header


def openai_image(part: Mapping[str, Any]) -> int:
    """Tokens of a Chat `image_url` or a Responses `input_image` part."""
    image = part.get("image_url")
    detail = image.get("detail") if isinstance(image, Mapping) else part.get("detail")
    return OPENAI_IMAGE_LOW if detail == "low" else OPENAI_IMAGE


def anthropic_image(block: Mapping[str, Any]) -> int:
    """Tokens of an Anthropic `image` block: width x height / 750, at most what downscaling leaves."""
    source = block.get("source")
    data = source.get("data") if isinstance(source, Mapping) else None
    size = _size(data) if isinstance(data, str) else None
    return ANTHROPIC_IMAGE if size is None else max(1, min(ANTHROPIC_IMAGE, size[0] * size[1] // 750))


def sealed(ciphertext: str) -> int:
    """Tokens of encrypted reasoning: base64 holds 3 bytes in 4 characters, and a token is about 4 bytes of text."""
    return max(1, len(ciphertext) * 3 // 16)


def _size(data: str) -> tuple[int, int] | None:
    head = _decoded(data[:32])
    if head.startswith(b"\x89PNG") and len(head) == 24:
        return int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")
    if head.startswith(b"\xff\xd8"):
        return _jpeg_size(_decoded(data[:_JPEG_SEARCHED]))
    return None


def _decoded(data: str) -> bytes:
    try:
        return base64.b64decode(data[: len(data) // 4 * 4])
    except (binascii.Error, ValueError):
        return b""


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):  # a frame header, not a table
            return int.from_bytes(data[at + 7 : at + 9], "big"), int.from_bytes(data[at + 5 : at + 7], "big")
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return None
