"""What earlier requests sent of a conversation, found in the ledger: it takes no scorer and decides nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from contextprune.context import BLOCKS, Kind, Segment
from contextprune.session.identity import Conversation, Key, Link, block_key, key_of
from contextprune.session.ledger import Entry, Ledger

Placed: TypeAlias = tuple[tuple[int, str, int], ...]
"""(segment, what is sent from now on, tokens) of each segment that changed."""

REFERS = " as above"  # in the marker of a copy, which says nothing once what it stands for has changed


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a ledger knows of a conversation.

    entries   by segment, of the longest beginning of which it knows all
    size      segments of that beginning
    reused    entries of blocks behind it that were sent shortened elsewhere in the same conversation
    """

    entries: Mapping[int, Entry]
    size: int
    reused: Mapping[int, Entry] = field(default_factory=dict)


def find_recorded(
    ledger: Ledger,
    conversation: Conversation,
    links: Sequence[Link],
    start: int = 0,
    *,
    reuse: bool = False,
    in_memory: bool = False,
) -> Recorded:
    """What the ledger knows of the segments from `start` on. Raises StoreError where notes cannot be read.

    reuse       look for single blocks, too, where the client has changed a message that it had sent before
    in_memory   where notes cannot be read, what is in memory will do
    """
    segments = conversation.segments
    linked = [i for i in range(start, len(segments)) if segments[i].kind is not Kind.REASONING]
    entries = ledger.find([links[i] for i in linked], in_memory=in_memory)
    size = linked[len(entries)] if len(entries) < len(linked) else len(segments)
    recorded = dict(zip(linked, entries, strict=False))
    if size >= conversation.sent or not reuse:
        return Recorded(recorded, size)

    blocks = {block_key(links[0], segments[i]): i for i in range(size, conversation.sent) if segments[i].kind in BLOCKS}
    reused = {blocks[key]: entry for key, entry in ledger.blocks(list(blocks)).items()}
    return Recorded(recorded, size, reused)


def is_confirmed(ledger: Ledger, conversation: Conversation, links: Sequence[Link]) -> bool:
    """Tell whether the notes still say what is in memory of the segments with these links. Raises StoreError."""
    linked = zip(links, conversation.segments, strict=False)
    return ledger.agrees([link for link, segment in linked if segment.kind is not Kind.REASONING])


def block_entries(conversation: Conversation, links: Sequence[Link], entries: Mapping[int, Entry]) -> dict[Key, Entry]:
    """Of new entries those that hold wherever the block stands, by its own key."""
    return {
        block_key(links[0], conversation.segments[at]): replace(entry, changed=None)
        for at, entry in entries.items()
        if entry.text is not None and REFERS not in entry.text and conversation.segments[at].kind in BLOCKS
    }


def sent_texts(conversation: Conversation, links: Sequence[Link], recorded: Recorded) -> list[str | None]:
    """What was sent instead of each segment; None where it stood as it is, and where nothing is recorded of it."""
    segments = conversation.segments
    texts: list[str | None] = [None] * len(segments)
    positions = {key_of(links[i], segments[i]): i for i in range(recorded.size)}
    for at, entry in sorted({**recorded.entries, **recorded.reused}.items()):
        texts[at] = entry.text
        for key, text, _ in entry.changed or ():
            if key in positions:
                texts[positions[key]] = text
    return texts


def unknown_blocks(conversation: Conversation, recorded: Recorded, sent: range) -> int:
    """How many blocks that earlier requests `sent` are not known at all."""
    entries = recorded.entries.keys() | recorded.reused.keys()
    return sum(conversation.segments[at].kind in BLOCKS and at not in entries for at in sent)


def named(changed: Placed, links: Sequence[Link], segments: Sequence[Segment]) -> tuple[tuple[Key, str, int], ...]:
    """Changes by the keys of segments, which stay when others come or go before them."""
    return tuple((key_of(links[at], segments[at]), text, tokens) for at, text, tokens in changed)


def placed(changed: Sequence[tuple[Key, str, int]], links: Sequence[Link], segments: Sequence[Segment]) -> Placed:
    """Changes by the positions of segments, as far as the segments are still there."""
    if not changed:
        return ()
    positions = {key_of(link, segment): at for at, (link, segment) in enumerate(zip(links, segments, strict=False))}
    return tuple((positions[key], text, tokens) for key, text, tokens in changed if key in positions)
