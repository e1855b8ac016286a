"""How the stores name, pack and check what they keep: the same way in each of them."""

from __future__ import annotations

import zlib
from base64 import b32encode
from contextlib import suppress
from hashlib import blake2b

from contextprune.errors import StoreError

MOST_BYTES = 256 << 20
"""Of one text. Whoever can write to a store could otherwise have a megabyte inflated to gigabytes."""


def key_of(secret: bytes, text: str) -> str:
    """The key of a text: 12 characters of a-z and 2-7, a hash that nobody can compute without the secret."""
    return b32encode(blake2b(as_bytes(text), key=secret, digest_size=8).digest()).decode().lower()[:12]


def tenant_id(secret: bytes, tenant: str) -> bytes:
    """8 bytes under which a store adds up what a tenant holds: nobody learns from them who that is."""
    return blake2b(as_bytes(tenant), key=secret, digest_size=8, person=b"tenant").digest()


def as_bytes(text: str) -> bytes:
    """A text as it is kept; lone surrogates come back as they were."""
    return text.encode("utf-8", "surrogatepass")


def packed(data: bytes) -> bytes:
    """The same in fewer bytes. Raises StoreError for more than `MOST_BYTES`."""
    if len(data) > MOST_BYTES:
        raise StoreError(f"a text of {len(data):,} bytes is more than the {MOST_BYTES:,} that a store takes")
    return zlib.compress(data, 1)


def unpacked(body: bytes) -> bytes | None:
    """What was packed; None where it is damaged, or more than `MOST_BYTES`."""
    with suppress(zlib.error, TypeError):
        inflating = zlib.decompressobj()
        data = inflating.decompress(body, MOST_BYTES + 1)
        if inflating.eof and not inflating.unused_data and len(data) <= MOST_BYTES:
            return data
    return None


def checksum(secret: bytes, key: str, data: bytes) -> bytes:
    """16 bytes that hold for these bytes under this key alone."""
    return blake2b(key.encode() + b"\0" + data, key=secret, digest_size=16).digest()


def opened(secret: bytes, key: bytes, body: object) -> bytes | None:
    """The value in the body of a note, a checksum and what was packed; None where it is damaged."""
    if not isinstance(body, bytes):
        return None
    data = unpacked(body[16:])
    return data if data is not None and checksum(secret, key.hex(), data) == body[:16] else None
