"""The root of a conversation: a hash that stays the same over its turns and tells it from other conversations."""

from __future__ import annotations

from hashlib import blake2b

from contextprune.context import MODEL_MADE, Context, Kind


def root_of(context: Context) -> bytes:
    """A hash, 16 bytes, of the segments before the model's first reply.

    Instructions and tools are left out, since agents change them on the way, and the provider's cache with them.
    Stores keep notes under it, so it may not change.
    """
    root = blake2b(digest_size=16)
    for segment in context.segments:
        if segment.kind in MODEL_MADE:
            break
        if segment.kind not in (Kind.SYSTEM, Kind.TOOLS):
            for field in (segment.kind.value, segment.text, segment.source or ""):
                data = field.encode("utf-8", "surrogatepass")
                root.update(b"%d\0%b" % (len(data), data))
    return root.digest()
