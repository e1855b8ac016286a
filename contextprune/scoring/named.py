"""Records, rows and lines that hold what the user or the call named.

An agent that asks for order 8841 needs the record of that order, whatever a scorer makes of its words. A name counts
where it is rare in its block, and with it stays what it belongs to: the whole record of JSON, or what stands under the
heading that holds it, as far as that is short.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import takewhile

from contextprune.context import BLOCKS, Context, Kind, Reading, Span, Syntax, Unit, blocks_of
from contextprune.text.longest import asks_for_times, longest_times
from contextprune.text.named import names_of_call, names_of_goal, offsets_of, words_of_goal
from contextprune.text.stages import slowest_stage
from contextprune.text.views import is_code
from contextprune.text.work_done import most_work, spilled

MOST, SHARE = 3, 0.02  # spans that may hold a name, in number or as a share of the block's, before it names none
READ = 600  # characters of a span in which a time is looked for
LEAST_FOR_WORDS = 24  # spans of a result in which a plain word of the goal may be rare; by hand
MOST_FOR_WORDS = 6  # spans that may hold a plain word of the goal; by hand
RECORD_CHARACTERS = 2400  # of a record that stays with the name in it; by hand, some 600 tokens
RECORD_LINES = 16  # under one head: more are a table or a section
BLOCK_SHARE, BLOCK_CHARACTERS = 0.15, 1200  # of a block's characters that may stay by names, and in any case; by hand

TRACES = frozenset({Reading.TRACE, Reading.ASKED_TRACE})
_MEMBERS = frozenset({Syntax.JSON_ITEM, Syntax.JSON_PAIR})


def named(context: Context, spans: Sequence[Span], movable: Collection[int]) -> set[int]:
    """The spans among the segments `movable` that hold what was named, with the records that they belong to.

    Of work under way, whose results share a budget, only what the user named counts, and without the rest of a record.
    """
    goal = names_of_goal(context.query)
    by_words = context.reading in (Reading.SINGLE_RESULT, Reading.ARRIVAL)
    stays: set[int] = set()

    for block in blocks_of(spans):
        index = spans[block.start].segment
        segment = context.segments[index]
        if len(block) < 2 or segment.kind not in BLOCKS or index not in movable:
            continue

        at_work = context.reading in TRACES
        result = segment.kind is Kind.TOOL_RESULT
        call = context.call_of(index) if result and not at_work else None
        names = dict.fromkeys([*goal, *(names_of_call(call.text) if call else ())])
        limit = max(MOST, int(SHARE * len(block)))
        holding = _holding(segment.text, spans, block, names, limit, in_code=context.reading is Reading.SINGLE_RESULT)
        room = max(BLOCK_CHARACTERS, int(BLOCK_SHARE * len(segment.text)))
        room -= _take(stays, spans, block, holding, room, with_record=not at_work)

        if by_words and result and len(block) >= LEAST_FOR_WORDS:
            words = [word for word in words_of_goal(context.query) if word not in names]
            limit = min(MOST_FOR_WORDS, max(MOST, int(SHARE * len(block))))
            holding = _holding(_lowered(segment.text), spans, block, words, limit)
            _take(stays, spans, block, holding, min(room, BLOCK_CHARACTERS), with_record=True)
    return stays


def longest(context: Context, spans: Sequence[Span], movable: Collection[int]) -> set[int]:
    """Where the goal asks what is slow: the spans with the longest times, or the most work, of results in `movable`."""
    if context.reading in TRACES or not asks_for_times(context.query):
        return set()
    stays: set[int] = set()
    for block in blocks_of(spans):
        index = spans[block.start].segment
        if context.segments[index].kind is Kind.TOOL_RESULT and index in movable:
            lines = [i for i in block if spans[i].unit is not Unit.SENTENCE and not is_code(spans[i])]
            texts = [spans[i].text[:READ] for i in lines]
            told = (*longest_times(texts), *slowest_stage(texts), *most_work(texts), *spilled(texts))
            stays.update(lines[k] for k in told)
    return stays


def _lowered(text: str) -> str:
    """The text in small letters, each in its place: one letter of Unicode grows when it is made small."""
    return text.replace("\u0130", "I").lower()


def _take(
    stays: set[int], spans: Sequence[Span], block: range, holding: Iterator[int], room: int, *, with_record: bool
) -> int:
    """Let spans stay, each with its record where both fit in `room` characters; how many they take."""
    size = 0
    for i in holding:
        for record in (_short(_record(spans, i, block), spans) if with_record else [i], [i]):
            more = sum(len(spans[j].text) for j in record if j not in stays)
            if size + more <= room:
                stays.update(record)
                size += more
                break
    return size


def _holding(
    text: str, spans: Sequence[Span], block: range, names: Iterable[str], limit: int, *, in_code: bool = False
) -> Iterator[int]:
    """The spans of a block that hold a name which stands in `text` no more than `limit` times, name by name."""
    starts = [spans[i].start for i in block]
    for name in names:
        holding = {block.start + bisect_right(starts, at) - 1 for at in offsets_of(text, name, limit)}
        yield from sorted(
            i for i in holding if spans[i].unit is not Unit.SENTENCE and (in_code or not is_code(spans[i]))
        )


def _record(spans: Sequence[Span], i: int, block: range) -> Iterator[int]:
    """Span `i` and then what it belongs to: the JSON record around it, what stands under it, its record."""
    yield i
    span = spans[i]
    if span.syntax in _MEMBERS:
        opening = next((a for a in span.anchors if a < i), None)
        if opening is None or (span.syntax is Syntax.JSON_ITEM and "{" in span.text):
            return
        closing = max(spans[opening].anchors)
        short = spans[closing].end - spans[opening].start <= RECORD_CHARACTERS
        yield from (j for j in range(opening, closing + 1) if j != i and (short or opening in spans[j].anchors))
    elif i > block.start:  # the first line of a block is the heading of everything
        titled = span.text.startswith("#")
        below = range(i + 1, block.stop)
        yield from takewhile(lambda j: (titled and spans[j].text[:1] != "#") or i in spans[j].anchors, below)
        yield from _members(spans, i, block)


def _members(spans: Sequence[Span], i: int, block: range) -> Sequence[int]:
    """The lines around span `i` that need the same head, where so few do that they are one record and no table."""
    head = max((a for a in spans[i].anchors if a < i), default=None)
    if head is None:
        return ()

    low = high = i
    while low - 1 > head and head in spans[low - 1].anchors and high - low < RECORD_LINES:
        low -= 1
    while high + 1 < block.stop and head in spans[high + 1].anchors and high - low < RECORD_LINES:
        high += 1
    return [j for j in range(low, high + 1) if j != i] if high - low < RECORD_LINES else ()


def _short(indices: Iterator[int], spans: Sequence[Span]) -> list[int]:
    """As many of these spans, in order, as a record may have characters, and the first in any case."""
    size = 0
    chosen: list[int] = []
    for i in indices:
        size += len(spans[i].text)
        if size > RECORD_CHARACTERS and chosen:
            break
        chosen.append(i)
    return chosen
