"""The tenant of a request, told by its credentials, which are forgotten at once: what goes on is a fingerprint."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

CREDENTIALS = (b"authorization", b"x-api-key", b"api-key", b"x-goog-api-key")
"""The headers that say who pays for a request."""


def fingerprint(headers: Iterable[tuple[bytes, bytes]], secret: bytes = b"") -> str:
    """The tenant of a request: 32 hexadecimal digits, "" where it carries no credential.

    headers   names in lower case, and values, as ASGI has them
    secret    at most 64 bytes that make the fingerprint useless to whoever sees it

    Only credentials count, never a name that a client may choose. All of them count: a request that shows another
    tenant's key beside one of its own is neither tenant.
    """
    shown = sorted(
        (name, value.strip())
        for name, value in headers
        if name in CREDENTIALS and value.strip().lower() not in (b"", b"bearer", b"basic")
    )
    if not shown:
        return ""

    hashed = blake2b(key=secret, digest_size=16, person=b"contextprune")
    for name, value in shown:
        hashed.update(b"%b\0%d\0%b" % (name, len(value), value))
    return hashed.hexdigest()
