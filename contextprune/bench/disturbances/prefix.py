"""The prefix check: what a client sends again must go up in the bytes in which it went up before.

Blocks are compared one by one, as far as the client's own two requests begin with the same ones. Reminders are left
out, since they come and go with the client.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from contextprune.bench.disturbances.cache import blocks_of, bytes_of, is_reminder
from contextprune.bench.disturbances.requests import Body

Pairs: TypeAlias = Sequence[tuple[str, str]]
"""(as the client sent it, as it went up) of each block of a request."""


@dataclass(frozen=True, slots=True)
class Altered:
    """The first block of a request that went up in other bytes than before.

    at       its number among the blocks of the messages, reminders not counted
    before, after   its length in characters, in the request before this one and in this one
    original        its length as the client sends it
    """

    at: int
    before: int
    after: int
    original: int

    @property
    def shortened(self) -> bool:
        """True where it became shorter, as in an epoch and at a second chance; False where an original came back."""
        return self.after < self.before

    def __str__(self) -> str:
        return f"block {self.at}: {self.before:,} -> {self.after:,} of {self.original:,} characters"


def pairs_of(client: Body, upstream: Mapping[str, Any]) -> Pairs:
    """The blocks of a request as the client sent them and as they went up. Raises ValueError where some are missing."""
    pairs = zip(blocks_of(client), blocks_of(upstream), strict=True)
    return [
        (f"{role} {bytes_of(block)}", f"{sent_role} {bytes_of(sent)}")
        for (role, block), (sent_role, sent) in pairs
        if not is_reminder(block)
    ]


def altered(before: Pairs, now: Pairs) -> Altered | None:
    """The first block that both requests of the client begin with and that went up in other bytes; None without one."""
    for at, ((block, earlier), (again, sent)) in enumerate(zip(before, now, strict=False)):
        if block != again:
            break
        if earlier != sent:
            return Altered(at, len(earlier), len(sent), len(block))
    return None
