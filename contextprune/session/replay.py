"""A recorded conversation sent again, request by request, as an agent would have sent it.

One pruner sees every prefix in turn, so what it remembers from one call serves the next, as it would in use.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b
from time import perf_counter
from typing import Protocol

from contextprune.context import Context, Ref, Segment
from contextprune.money.tariff import Piece
from contextprune.session.requests import boundaries


class Sent(Protocol):
    """What was decided about one request; `pruner.Pruned` is one."""

    @property
    def edits(self) -> Mapping[Ref, str]:
        """New text by ref."""

    @property
    def sizes(self) -> tuple[tuple[int, int], ...]:
        """Tokens of each segment, before and after."""

    @property
    def epoch(self) -> bool:
        """Whether old blocks were decided anew."""


class Sender(Protocol):
    """Decides what of a context is sent: a `Pruner` called without a budget, or whatever it is measured against."""

    def __call__(self, context: Context, /, *, cold: bool = False) -> Sent:
        """Decide about one request; `cold` says that the provider's cache has expired since the one before."""
        ...


@dataclass(frozen=True, slots=True)
class Request:
    """One call of the model, without and with the pruner.

    end       segments of the conversation that it sends
    before    the pieces as recorded: identity and tokens of each segment
    after     the pieces as the pruner would have sent them
    epoch     old blocks were decided anew for this request
    edits     the new text of each segment that differs
    seconds   what the pruner took
    cold      the provider's cache had expired when it was sent
    """

    end: int
    before: tuple[Piece, ...]
    after: tuple[Piece, ...]
    epoch: bool
    edits: Mapping[Ref, str]
    seconds: float
    cold: bool = False


def replay(context: Context, pruner: Sender, cold: Collection[int] = ()) -> Iterator[Request]:
    """Every request of a recorded conversation, in order. Raises StoreError where an original cannot be kept.

    `cold` names the requests, each by the segments that it sends, before which the provider's cache had expired.
    """
    hashes: dict[str, bytes] = {}
    recorded = [_identity(segment, None, hashes) for segment in context.segments]
    for end in boundaries(context):
        prefix = replace(context, segments=context.segments[:end], query="", asked=False)
        start = perf_counter()
        sent = pruner(prefix, cold=end in cold)
        seconds = perf_counter() - start
        before = tuple((recorded[i], tokens) for i, (tokens, _) in enumerate(sent.sizes))
        after = tuple(
            (_identity(segment, sent.edits[segment.ref], hashes), tokens) if segment.ref in sent.edits else piece
            for segment, piece, (_, tokens) in zip(prefix.segments, before, sent.sizes, strict=True)
        )
        yield Request(end, before, after, sent.epoch, sent.edits, seconds, end in cold)


def _identity(segment: Segment, text: str | None, hashes: dict[str, bytes]) -> bytes | int:
    """Equal where a provider's cache would find equal bytes.

    A text is known by its hash, an image by the hash of its source, what has neither by its tokens. They are remembered
    in `hashes`, so that a session costs what is new in it.
    """
    shown = text if text is not None else segment.text or segment.source or ""
    if not shown and text is None and segment.cost is not None:
        return segment.cost
    if shown not in hashes:
        hashes[shown] = blake2b(shown.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    return hashes[shown]
