"""What the network of neural.v2 reads of a context: one sequence of word pieces, the texts in it, and features.

The texts stand in a fixed order: the goal, the latest calls, the header of each block, then the spans block by block.
Between texts that must not see one another stands a gap, as wide as the convolutions reach.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from contextprune.context import Context, Kind, Span
from contextprune.scoring.features import FEATURES
from contextprune.scoring.reading import header
from contextprune.scoring.signals import RECENT_CALLS

HEAD, TAIL = 64, 32  # pieces of a text that are read at its two ends
RECENT_HEAD, RECENT_TAIL = 32, 64  # of the latest calls, of which the last say most
GAP = 6  # pieces: two convolutions of seven reach three pieces each
UNKNOWN = 100  # [UNK], for a text without pieces
GOAL, RECENT, HEADER, SPAN = range(4)
"""Kinds of texts."""

Array: TypeAlias = np.ndarray[Any, Any]
Encode: TypeAlias = Callable[[Sequence[str]], list[list[int]]]
"""Texts -> the ids of their pieces, without those that say nothing."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """T pieces, N texts (the goal, the latest calls, B headers, S spans).

    ids       [T] rows of the table; gaps between texts, before the first and behind the last
    starts    [N] first piece of each text; ends [N] the piece after its last one
    kinds     [N] GOAL, RECENT, HEADER or SPAN
    blocks    [S] number of the block of each span, rising from 0
    features  [S, FEATURES]
    """

    ids: Array
    starts: Array
    ends: Array
    kinds: Array
    blocks: Array
    features: Array


def inputs_of(
    context: Context, spans: Sequence[Span], read: Sequence[int], rows: Sequence[Sequence[float]], encode: Encode,
    gap: int,
) -> Inputs:  # fmt: skip
    """Make the inputs for the spans with the indices `read`, in order.

    rows   features of all spans
    gap    id of the piece that stands between texts
    """
    texts, blocks = texts_of(context, spans, read, encode)
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    pieces = np.fromiter((piece for text in texts for piece in text), np.int32, int(lengths.sum()))
    features = np.array([rows[i] for i in read], np.float32).reshape(-1, FEATURES)
    return joined(pieces, lengths, blocks, features, gap)


def texts_of(
    context: Context, spans: Sequence[Span], read: Sequence[int], encode: Encode
) -> tuple[list[list[int]], Array]:
    """Pieces of the goal, the latest calls, the headers and spans, each cut to what is read; [S] block numbers."""
    segments = [spans[i].segment for i in read]
    headed = list(dict.fromkeys(segments))
    numbers = {segment: number for number, segment in enumerate(headed)}
    encoded = encode(
        [
            context.query,
            recent_text(context),
            *(header(context, segment) for segment in headed),
            *(spans[i].text for i in read),
        ]
    )

    texts = [_ends(ids, HEAD, TAIL) or [UNKNOWN] for ids in encoded]
    texts[RECENT] = _ends(encoded[RECENT], RECENT_HEAD, RECENT_TAIL) or [UNKNOWN]
    return texts, np.array([numbers[segment] for segment in segments], np.int32)


def joined(pieces: Array, lengths: Array, blocks: Array, features: Array, gap: int) -> Inputs:
    """Put gaps between the texts whose pieces stand one after another: goal, latest calls, headers, spans by block.

    pieces   [P] ids; lengths [N] how many of them each text has, none has none
    """
    lengths = lengths.astype(np.int64)
    first_span = len(lengths) - len(blocks)
    apart = np.ones(len(lengths), np.int64)  # whether a gap stands before a text
    apart[first_span + 1 :] = blocks[1:] != blocks[:-1]

    before = np.cumsum(apart * GAP)
    starts = before + np.cumsum(lengths) - lengths
    ends = starts + lengths
    ids = np.full(int(ends[-1]) + GAP, gap, np.int32)
    ids[np.arange(len(pieces)) + np.repeat(before, lengths)] = pieces

    kinds = np.full(len(lengths), SPAN, np.int8)
    kinds[:HEADER] = (GOAL, RECENT)
    kinds[HEADER:first_span] = HEADER
    return Inputs(ids, starts, ends, kinds, blocks.astype(np.int64), features.astype(np.float32))


def recent_text(context: Context) -> str:
    """The latest calls and what came with them, oldest first: what the agent was about when it got its results."""
    turns = sorted({s.turn for s in context.segments if s.kind is Kind.TOOL_CALL})[-RECENT_CALLS:]
    spoken = (Kind.TOOL_CALL, Kind.ASSISTANT)
    if not turns:
        return ""
    return "\n".join(s.text for s in context.segments if s.turn >= turns[0] and s.kind in spoken)


def _ends(ids: list[int], head: int, tail: int) -> list[int]:
    return ids if len(ids) <= head + tail else [*ids[:head], *ids[len(ids) - tail :]]
