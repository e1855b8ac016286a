"""What identifies a conversation: its messages, calls and results, chained by hashes as provider caches are keyed.

System texts, tool schemas, what a harness adds to the user's words, reasoning, breakpoints of the cache and the name of
the model are left out: clients change them from request to request, and the conversation is still the same.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from hashlib import blake2b
from typing import TypeAlias

from contextprune._version import __version__
from contextprune.context import Context, Kind, Segment
from contextprune.policy import Policy
from contextprune.session.requests import boundaries
from contextprune.text.harness import own_words

Link: TypeAlias = bytes
"""The hash of a conversation up to a segment. Reasoning has the link of what stands before it."""
Key: TypeAlias = bytes
"""Names a segment: its link, or where links leave it out, a hash of its link and its text."""

_EDITABLE = frozenset({Kind.TOOL_RESULT, Kind.DOCUMENT, Kind.EXAMPLE})
"""Of these a lock says something; on all others it comes and goes with the breakpoint."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """The part of a context that identifies it and that is decided; all else is counted and sent as it is.

    segments   without asides; positions: where each stands in the context
    ends       how many of them each request sent
    asides     where the others stand
    """

    segments: Sequence[Segment]
    positions: Sequence[int]
    ends: Sequence[int]
    asides: Sequence[int]

    @property
    def sent(self) -> int:
        """How many segments earlier requests have sent."""
        return max((end for end in self.ends if end < len(self.segments)), default=0)

    def before_each(self, aside_tokens: Mapping[int, int]) -> list[int]:
        """The tokens of the asides before each segment, and behind the last one, of their tokens by position."""
        tokens = [0] * (len(self.segments) + 1)
        for position, count in aside_tokens.items():
            tokens[bisect_left(self.positions, position)] += count
        return tokens


def conversation_of(context: Context) -> Conversation:
    """The conversation in a context."""
    asides = [i for i, segment in enumerate(context.segments) if is_aside(segment)]
    left_out = frozenset(asides)
    positions = [i for i in range(len(context.segments)) if i not in left_out]
    ends = [bisect_left(positions, end) for end in boundaries(context)]
    return Conversation([context.segments[i] for i in positions], positions, ends, asides)


LASTING = "sent"
"""The seed of conversations of which what was sent stays sent, whatever has decided it."""


def seed(policy: Policy, *names: str) -> str:
    """All that decides besides the conversation, as a text that is the same in every process: sets have no order.

    The version of the package counts, too, so that what another one decided is decided again.
    """
    values = ((f.name, getattr(policy, f.name)) for f in fields(policy))
    parts = (f"{name}={sorted(value) if isinstance(value, frozenset) else value!r}" for name, value in values)
    return "\0".join((__version__, *parts, *names))


def is_aside(segment: Segment) -> bool:
    """Tell whether a segment is no part of the conversation: the head of a request, or a text of the harness alone."""
    if segment.kind is Kind.USER:
        return not own_words(segment.text)
    return segment.kind in (Kind.SYSTEM, Kind.TOOLS)


def chain(segments: Iterable[Segment], seed: str, links: Sequence[Link] = ()) -> list[Link]:
    """The links of the segments before these, and the link of each of these; none of them is an aside.

    `seed` names what keeps conversations apart that look alike; `links` were made with the same one.
    """
    chained = list(links)
    last = chained[-1] if chained else blake2b(_bytes(seed), digest_size=16).digest()
    for segment in segments:
        if segment.kind is not Kind.REASONING:
            last = blake2b(last + _content(segment), digest_size=16).digest()
        chained.append(last)
    return chained


def key_of(link: Link, segment: Segment) -> Key:
    """The key of a segment that has this link."""
    if segment.kind is not Kind.REASONING:
        return link
    return blake2b(link + _bytes(segment.text), digest_size=16, person=b"reasoning").digest()


def block_key(root: Link, segment: Segment) -> Key:
    """Names a block by what it is alone, wherever it stands in the conversation that began with `root`."""
    return blake2b(root + _content(segment), digest_size=16, person=b"block").digest()


def alike(a: Segment, b: Segment) -> bool:
    """Tell whether `chain` and `key_of` take both for equal; much faster, since equal texts are often one object."""
    return (
        a.kind is b.kind
        and (a.text == b.text or (a.kind is Kind.USER and own_words(a.text) == own_words(b.text)))
        and (a.pair or "") == (b.pair or "")
        and (a.name or "") == (b.name or "")
        and a.failed is b.failed
        and (a.editable is b.editable or _is_free(a) is _is_free(b))
        and (a.source or "") == (b.source or "")
    )


def shared(before: Sequence[Segment], now: Sequence[Segment]) -> int:
    """How many segments from the first on a ledger cannot tell apart."""
    pairs = enumerate(zip(before, now, strict=False))
    return next((i for i, (a, b) in pairs if not alike(a, b)), min(len(before), len(now)))


def _content(segment: Segment) -> bytes:
    """What of a segment counts, as bytes that no two different segments share."""
    flags = "01"[segment.failed] + "01"[_is_free(segment)]
    head = _bytes("\0".join((segment.kind.value, segment.pair or "", segment.name or "", flags)))
    text = _bytes(own_words(segment.text) if segment.kind is Kind.USER else segment.text)
    source = _bytes(segment.source or "")
    return b"".join(part for field in (head, text, source) for part in (len(field).to_bytes(8, "big"), field))


def _is_free(segment: Segment) -> bool:
    return segment.editable and segment.kind in _EDITABLE


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
