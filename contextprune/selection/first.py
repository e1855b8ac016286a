"""What comes before all else in the results of tools: failures, what belongs to them, and then their repetitions.

Where a budget is small, one line of each failure is worth more than all that belongs to one of them; where there are
very many, the first of each form tell what the others tell again.
"""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Collection, Mapping, Sequence
from enum import IntEnum

from contextprune.context import Context, Kind, Span, blocks_of
from contextprune.text.failure_surroundings import belonging, neighbours
from contextprune.text.templates import templates
from contextprune.text.traces import Part

ALIKE_FAILURES = 3  # of one form that come first, with what belongs to them; by hand
ALIKE_FAILURES_KEPT = 20  # of one form that come before anything else at all, and the last one; by hand
FEW_FAILURES = 10  # of a block up to which the lines beside each come before anything else, too; by hand
NEIGHBOURS = 2  # lines before and after a failure; as the script of twenty lines of `bench field` takes


class Rank(IntEnum):
    """In which order spans come that come before all others."""

    FAILURE = 0
    DETAIL = 1  # belongs to a failure
    NEAR = 2  # stands beside one
    REPETITION = 3  # the same form of failure again, and frames of libraries


def ranks(
    context: Context, spans: Sequence[Span], failures: Collection[int], parts: Mapping[int, Part]
) -> dict[int, Rank]:
    """The rank of each span that comes before all others; `parts` are those of traces, piece by piece."""
    ranked: dict[int, Rank] = {}
    for block in blocks_of(spans):
        if context.segments[spans[block.start].segment].kind is Kind.TOOL_RESULT:
            lines = [i for i in block if i in failures and i not in parts]
            ranked |= _ranks_of_block(spans, block, lines)
    for i, part in parts.items():
        ranked[i] = min(Rank(part), ranked.get(i, Rank.REPETITION))
    return ranked


def _ranks_of_block(spans: Sequence[Span], block: range, failures: Sequence[int]) -> dict[int, Rank]:
    """Failures by how often their form came before, then what belongs to the first ones of each form."""
    keys = templates([" ".join(spans[i].text.split())[:300] for i in failures])
    times: Tally[bytes] = Tally()
    last = dict(zip(keys, failures, strict=True))
    ranked: dict[int, Rank] = {}
    for i, key in zip(failures, keys, strict=True):
        times[key] += 1
        if times[key] <= ALIKE_FAILURES:
            ranked[i] = Rank.FAILURE
        elif times[key] <= ALIKE_FAILURES_KEPT or last[key] == i:
            ranked[i] = Rank.REPETITION

    first = [i for i, rank in ranked.items() if rank is Rank.FAILURE]
    for i in first:
        for j in belonging(spans, block, i):
            ranked.setdefault(j, Rank.DETAIL)
    if len(first) <= FEW_FAILURES:
        for i in first:
            for j in neighbours(spans, block, i, NEIGHBOURS):
                ranked.setdefault(j, Rank.NEAR)
    return ranked
