"""A glance at a body that is relayed unread: whether it is JSON with a context for a model in it.

It is fed the pieces on their way, holds none of them, and reads no more than it needs for a sentence in a header.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_CONTEXT = re.compile(rb'"(?:messages|contents|input)"\s*:\s*["\[{]')
_OVERLAP = 64  # bytes: a name and what follows it may come in two pieces
_LOOKED_AT = 4 << 20  # bytes: what comes behind them is not looked at


class Glance:
    """Looks for a context while a body passes. `seen` is true once there is one."""

    __slots__ = ("_end", "_size", "seen")

    def __init__(self, *, seen: bool = False) -> None:
        self.seen = seen
        self._end = b""
        self._size = 0

    def feed(self, chunk: bytes) -> None:
        """Look at the next piece."""
        if self.seen or self._size > _LOOKED_AT:
            return
        self._size += len(chunk)
        text = self._end + chunk
        self.seen = _CONTEXT.search(text) is not None
        self._end = text[-_OVERLAP:]


def glance_at(headers: Mapping[bytes, bytes]) -> Glance | None:
    """A glance at a body with these headers, None where it is no JSON. Of a packed one the worst is supposed."""
    kind = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if kind != b"application/json" and not kind.endswith(b"+json"):
        return None
    packed = headers.get(b"content-encoding", b"").strip().lower() not in (b"", b"identity")
    return Glance(seen=packed)
