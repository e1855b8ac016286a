"""What comes before all else in the results of tools: failures, what belongs to them, and then their repetitions.

Where a budget is small, one line of each failure is worth more than all that belongs to one of them; where there are
very many, the first of each form tell what the others tell again.
"""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Collection, Iterator, Mapping, Sequence
from enum import IntEnum

from contextprune.context import Context, Kind, Reading, Span, blocks_of
from contextprune.text.failure_lines import tells_failure
from contextprune.text.failure_steps import of_expiry, of_same_id, under_way
from contextprune.text.failure_surroundings import belonging, neighbours, tells_success
from contextprune.text.reports import records_of_report
from contextprune.text.templates import templates
from contextprune.text.traces import Part

ALIKE_FAILURES = 3  # of one form that come first, with what belongs to them; by hand
ALIKE_FAILURES_KEPT = 20  # of one form that come before anything else at all, and the last one; by hand
FEW_FAILURES = 10  # of a block up to which the lines beside each come before anything else, too; by hand
TRACED_FAILURES = 3  # of a block of which the step that failed, and what has the same id, stay near, too; by hand
STREAM = 5  # failures one after the other, from which on words that open all of them are a runner's; by hand
NEIGHBOURS = 2  # lines before and after a failure; as the script of twenty lines of `bench field` takes
TRACES = frozenset({Reading.TRACE, Reading.ASKED_TRACE})


class Rank(IntEnum):
    """In which order spans come that come before all others."""

    FAILURE = 0
    DETAIL = 1  # belongs to a failure
    NEAR = 2  # stands beside one
    REPETITION = 3  # the same form of failure again, and frames of libraries


def detail(distance: int) -> float:
    """The rank of what belongs to a failure: the nearest to it first."""
    return Rank.DETAIL + min(distance, 50) / 100


def ranks(
    context: Context, spans: Sequence[Span], failures: Collection[int], parts: Mapping[int, Part]
) -> dict[int, float]:
    """The rank of each span that comes before all others; `parts` are those of traces, piece by piece."""
    ranked: dict[int, float] = {}
    single = context.reading not in TRACES
    for block in blocks_of(spans):
        if context.segments[spans[block.start].segment].kind is Kind.TOOL_RESULT:
            lines = [i for i in block if i in failures and i not in parts]
            text = context.segments[spans[block.start].segment].text
            ranked |= _ranks_of_block(text, spans, block, lines, single=single)
    for i, part in parts.items():
        ranked[i] = min(Rank(part), ranked.get(i, Rank.REPETITION))
    return ranked


def _ranks_of_block(
    text: str, spans: Sequence[Span], block: range, failures: Sequence[int], *, single: bool
) -> dict[int, float]:
    """Failures by how often their form came before, then what belongs to the first ones of each form.

    Where several results share a budget (not `single`), what was under way is in the calls.
    """
    keys = templates([" ".join(spans[i].text.split())[:300] for i in failures])
    times: Tally[bytes] = Tally()
    last = dict(zip(keys, failures, strict=True))
    ranked: dict[int, float] = {}
    for i, key in zip(failures, keys, strict=True):
        times[key] += 1
        if times[key] <= ALIKE_FAILURES:
            ranked[i] = Rank.FAILURE
        elif times[key] <= ALIKE_FAILURES_KEPT or last[key] == i:
            ranked[i] = Rank.REPETITION

    ranked |= dict(_of_streams(spans, failures, ranked))
    first = [i for i, rank in ranked.items() if rank == Rank.FAILURE]
    traced = first[:TRACED_FAILURES] if single else []
    for j, rank in _around(text, spans, block, first, traced):
        ranked.setdefault(j, rank)
    return ranked


def _of_streams(
    spans: Sequence[Span], failures: Sequence[int], ranked: Mapping[int, float]
) -> Iterator[tuple[int, float]]:
    """The ranks of failures of which each says so only by the words that open all lines of one after the other.

    A runner puts its name and "error" before each line of a report, blank ones too: the first one, and what fails
    without these words, come first, and the others belong to them.
    """
    for run in _runs(failures):
        lines = [spans[i].text.split() for i in run]
        shared = min(map(len, lines))
        if len(run) < STREAM or not shared or any(words[:shared] != lines[0][:shared] for words in lines):
            continue  # a stream has lines of these words alone

        distance = 0
        for i, words in zip(run[1:], lines[1:], strict=True):
            rest = " ".join(words[shared:])
            distance = 0 if tells_failure(rest) else distance + 1
            if distance and ranked.get(i) == Rank.FAILURE:
                yield i, detail(distance) if rest else Rank.REPETITION


def _runs(numbers: Sequence[int]) -> Iterator[list[int]]:
    """Numbers in order, in lists of those that follow one another."""
    run: list[int] = []
    for number in numbers:
        if run and number != run[-1] + 1:
            yield run
            run = []
        run.append(number)
    if run:
        yield run


def _around(
    text: str, spans: Sequence[Span], block: range, failures: Sequence[int], traced: Sequence[int]
) -> Iterator[tuple[int, float]]:
    """What belongs to the failures, then what was under way at those that are `traced`, or is near."""
    records = records_of_report(spans, block) if failures else {}
    for i in failures:
        of_record = (j for j in records.get(i, ()) if not tells_success(spans[j].text))
        for distance, j in enumerate((*belonging(spans, block, i), *of_record)):
            yield j, detail(distance)

    for i in traced:
        for j in (*under_way(spans, block, i), *of_same_id(text, spans, block, i), *of_expiry(spans, block, i)):
            yield j, Rank.NEAR
    if len(failures) <= FEW_FAILURES:
        for i in failures:
            for j in neighbours(spans, block, i, NEIGHBOURS):
                yield j, Rank.NEAR
