"""Which spans stand for which: exact copies and copies that differ in white space or case, across blocks.

The later copy refers to the earlier one. Only runs worth a marker count, so that a brace is no copy of another brace;
what differs between two readings of a file is in no run and so stays a span of its own.
"""

from __future__ import annotations

from collections.abc import Sequence

from contextprune.context import Context, Kind, Span
from contextprune.text.views import NUMBERED

LOOSE = frozenset({Kind.DOCUMENT, Kind.EXAMPLE})
"""Kinds in which copies may differ in case and white space; in tools' results these may matter."""
MIN_RUN = 24  # tokens of consecutive equal spans before a reference pays for its marker


def duplicates(
    context: Context, spans: Sequence[Span], costs: Sequence[int], movable: Sequence[bool]
) -> dict[int, int]:
    """For each redundant span the index of the earlier span that it repeats; that one is never itself redundant.

    `movable` tells for each segment whether its spans may go; protected spans may well be referred to.
    """
    first: dict[str, int] = {}
    sames: list[str] = []
    found: dict[int, int] = {}
    run: list[tuple[int, int]] = []
    loose = [segment.kind in LOOSE for segment in context.segments]
    for i, span in enumerate(spans):
        key = sameness(span.text)
        if loose[span.segment]:
            key = " ".join(key.split()).casefold()
        sames.append(key)
        source = first.get(key) if key else None
        if run and source is not None:
            after = run[-1][1] + 1
            if after < i and sames[after] == key and after not in found:
                source = after  # a line that stands often in the copied text: the one that follows is meant
        if run and not (source is not None and _follows(i, source, run, spans)):
            _close(run, costs, found)
            run = []
        if source is None:
            first.setdefault(key, i)
        elif movable[span.segment] and spans[source].segment != span.segment:
            run.append((i, source))
    _close(run, costs, found)
    return found


def sameness(text: str) -> str:
    """What two copies of a span have in common: no white space at the ends, no numbers before the lines of a view.

    An edit further up moves every number below it; the numbers beside a reference still tell where one is.
    """
    if NUMBERED.match(text):
        lines = text.splitlines(keepends=True)
        text = "".join([line[match.end() :] if (match := NUMBERED.match(line)) else line for line in lines])
    return text.strip()


def _follows(i: int, source: int, run: Sequence[tuple[int, int]], spans: Sequence[Span]) -> bool:
    """Whether `i` continues the run and `source` the earlier copy: the same segments, next in order or nearly so."""
    last, previous = run[-1]
    return (
        spans[i].segment == spans[last].segment
        and spans[source].segment == spans[previous].segment
        and abs(source - previous) <= 3
    )


def _close(run: Sequence[tuple[int, int]], costs: Sequence[int], found: dict[int, int]) -> None:
    if sum(costs[i] for i, _ in run) >= MIN_RUN:
        found.update(run)
