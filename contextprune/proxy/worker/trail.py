"""The trail of a conversation: by it the front tells whether a client repeats what it sent before.

A client that changes its system prompt, loads a tool or leaves out old messages loses the provider's cache, with or
without us. The trail tells that from a loss of ours, without a text in it.
"""

from __future__ import annotations

from hashlib import blake2b

from contextprune.context import Context, Kind, Segment
from contextprune.session.requests import boundaries

LATEST = 64  # ends of requests that a trail has; a next request looks for the last few of them
_SIZE = 4  # bytes of a hash
_UNCACHED = "x-anthropic-billing-header:"
"""How Claude Code begins a system block with a value for each request, which the provider leaves out of its cache."""


def trail_of(context: Context) -> str:
    """Hashes of all that the client sent up to the end of each request, in hexadecimal, the last one's last.

    Eight characters each, of the latest `LATEST`. Breakpoints of the cache and prices of images are no part of it.
    """
    ends = boundaries(context)[-LATEST:]
    hashed, trail, start = blake2b(digest_size=_SIZE), [], 0
    for end in ends:
        for segment in context.segments[start:end]:
            if not _is_uncached(segment):
                hashed.update(_bytes(segment))
        start = end
        trail.append(hashed.copy().hexdigest())
    return "".join(trail)


def _is_uncached(segment: Segment) -> bool:
    return segment.kind is Kind.SYSTEM and segment.text.startswith(_UNCACHED)


def _bytes(segment: Segment) -> bytes:
    fields = (segment.kind.value, segment.name or "", segment.pair or "", segment.source or "", segment.text)
    return b"\0".join(field.encode("utf-8", "surrogatepass") for field in fields) + b"\1"
