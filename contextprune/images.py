"""Facts of an image's data: its size, from the header alone, and which images look alike.

Agents take the same screenshot again and again, in bytes that differ with each encoding. Pixels are decoded for
`fingerprint` and `pixels` alone, and only where pillow is installed; without it images are alike if their data is.
"""

from __future__ import annotations

import base64
import binascii
import struct
import zlib
from collections.abc import Callable
from hashlib import blake2b
from io import BytesIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image as Picture
    from PIL.ImageFile import ImageFile

MAX_PIXELS = 50_000_000
"""More are never decoded: a small file can unpack into any number of them."""

_FORMATS = ("PNG", "JPEG", "GIF", "WEBP")  # those that the providers take; pillow's rarer decoders stay out of reach
_HEADER = 48  # base64 characters: 36 bytes, the longest header but JPEG's
_JPEG_SEARCHED = 1 << 16  # base64 characters; thumbnails and profiles may stand before the frame header

_GRID = 8  # rows and columns of the difference hash: 64 bits
_CELLS = 32  # rows and columns whose shades are compared
_FLIPS = 4  # bits of the hash that may differ
_SHADE = 4  # of 255 that a cell may differ by


def size(source: str) -> tuple[int, int] | None:
    """Width and height in pixels of base64 data or a `data:` address; None for what cannot be read.

    Reads the headers of PNG, JPEG, GIF and WebP: some dozen bytes, of a JPEG at most 48 KiB.
    """
    start = _start(source)
    head = b"" if start is None else _decoded(source[start : start + _HEADER])
    if start is not None and head.startswith(b"\xff\xd8"):
        pixels = _jpeg(_decoded(source[start : start + _JPEG_SEARCHED]))
    else:
        pixels = _png(head) or _gif(head) or _webp(head)
    return pixels if pixels is not None and min(pixels) > 0 else None


def fingerprint(source: str) -> int | None:
    """The look of an image, for `look_alike`: a difference hash of 64 bits above the shades of 32 x 32 cells.

    None for an address or a file id, for data that is no image or has too many pixels, and where pillow is not
    installed.
    The hash is dHash: each bit says whether a cell of a 9 x 8 grid is darker than its right neighbour
    (N. Krawetz, "Kind of Like That", 2013).
    """
    drawn = _drawn(source, _small)
    if drawn is None:
        return None
    shades = _shades(drawn, _CELLS, _CELLS)
    return _difference_hash(drawn) << 8 * len(shades) | int.from_bytes(shades, "big")


def look_alike(image: str | int | None, against: str | int | None) -> bool:
    """Whether two images look alike, given by source or, where many are compared, by fingerprint.

    Up to 4 of 64 bits may differ: saving a screenshot again as JPEG or WebP, or at half its size, flips 2 at most,
    other pages of the same window differ in 8 and more. The hash alone is blind to a changed line of text, so no cell
    may differ by more than 4 of 255 shades either: encoding moves them by 4 at most, a changed line by 5 to 28.
    """
    if image is None or against is None:
        return False
    if image == against:
        return True

    first = fingerprint(image) if isinstance(image, str) else image
    second = fingerprint(against) if isinstance(against, str) else against
    if first is None or second is None:
        return False

    bits = 8 * _CELLS * _CELLS
    if (first >> bits ^ second >> bits).bit_count() > _FLIPS:
        return False
    cells = (print_.to_bytes(bits // 8 + _GRID, "big")[_GRID:] for print_ in (first, second))
    return all(abs(a - b) <= _SHADE for a, b in zip(*cells, strict=True))


def pixels(source: str) -> bytes:
    """A hash of an image to the pixel, 16 bytes: equal for equal screens in any lossless encoding.

    Where the image cannot be decoded (see `fingerprint`) it is the hash of the source itself.
    """
    drawn = _drawn(source, _exact)
    if drawn is None:
        return blake2b(source.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    return blake2b(drawn.tobytes(), digest_size=16, key=f"{drawn.width}x{drawn.height}".encode()).digest()


def _drawn(source: str, draw: Callable[[ImageFile], Picture]) -> Picture | None:
    """The image as `draw` unpacks it; None where that cannot be."""
    try:
        from PIL import Image  # noqa: PLC0415 - an extra
    except ImportError:
        return None
    measured = size(source)
    if measured is None or measured[0] * measured[1] > MAX_PIXELS:
        return None
    broken = (OSError, EOFError, SyntaxError, ValueError, OverflowError, IndexError, struct.error, zlib.error)
    try:
        with Image.open(BytesIO(_decoded(source[_start(source) :])), formats=_FORMATS) as picture:
            return draw(picture) if picture.width * picture.height <= MAX_PIXELS else None
    except (*broken, Image.DecompressionBombError, Image.DecompressionBombWarning):
        return None


def _small(picture: ImageFile) -> Picture:
    """Shades, or colours where some are transparent; a JPEG need not be unpacked to its full size."""
    picture.draft("RGB", (_CELLS * 8, _CELLS * 8))
    return picture.convert("RGBA" if picture.has_transparency_data else "L")


def _exact(picture: ImageFile) -> Picture:
    return picture.convert("RGBA")


def _difference_hash(picture: Picture) -> int:
    shades = _shades(picture, _GRID + 1, _GRID)
    bits = 0
    for row in range(0, len(shades), _GRID + 1):
        for at in range(row, row + _GRID):
            bits = bits << 1 | (shades[at] < shades[at + 1])
    return bits


def _shades(picture: Picture, width: int, height: int) -> bytes:
    """Mean shade of each cell, over white: a transparent pixel has no colour."""
    from PIL import Image  # noqa: PLC0415 - as above

    small = picture.resize((width, height), Image.Resampling.BOX)
    if small.mode == "L":
        return small.tobytes()
    page = Image.new("RGBA", small.size, "white")
    page.alpha_composite(small)
    return page.convert("L").tobytes()


def _start(source: str) -> int | None:
    """Start of the base64 text; None in an address."""
    if not source.startswith("data:"):
        return None if "://" in source[:12] else 0
    comma = source.find(",", 0, 256)
    return comma + 1 if comma > 0 and source[:comma].endswith(";base64") else None


def _decoded(data: str) -> bytes:
    try:
        return base64.b64decode(data[: len(data) // 4 * 4])
    except (binascii.Error, ValueError):
        return b""


def _png(head: bytes) -> tuple[int, int] | None:
    return struct.unpack_from(">II", head, 16) if head.startswith(b"\x89PNG") and len(head) >= 24 else None


def _gif(head: bytes) -> tuple[int, int] | None:
    return struct.unpack_from("<HH", head, 6) if head.startswith((b"GIF87a", b"GIF89a")) and len(head) >= 10 else None


def _webp(head: bytes) -> tuple[int, int] | None:
    """The three forms of a first chunk (RFC 9649, section 2): lossy, lossless, extended."""
    if head[:4] != b"RIFF" or head[8:12] != b"WEBP" or len(head) < 30:
        return None
    if head[12:16] == b"VP8 " and head[23:26] == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", head, 26)
        return width & 0x3FFF, height & 0x3FFF
    if head[12:16] == b"VP8L" and head[20] == 0x2F:
        bits = int.from_bytes(head[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if head[12:16] == b"VP8X":
        return int.from_bytes(head[24:27], "little") + 1, int.from_bytes(head[27:30], "little") + 1
    return None


def _jpeg(data: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # a fill byte
            at += 1
            continue
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):  # a frame header, not a table
            height, width = struct.unpack_from(">HH", data, at + 5)
            return width, height
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return None
