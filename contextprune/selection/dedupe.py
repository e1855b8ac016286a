"""Which spans stand for which: exact copies and copies that differ in white space or case, across blocks.

The later copy refers to the earlier one. Only runs worth a marker count, so that a brace is no copy of another brace;
what differs between two readings of a file is in no run and so stays a span of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from contextprune.context import Context, Kind, Span
from contextprune.selection.targets import MIN_RUN
from contextprune.text.views import NUMBERED

LOOSE = frozenset({Kind.DOCUMENT, Kind.EXAMPLE})
"""Kinds in which copies may differ in case and white space; in tools' results these may matter."""


def duplicates(
    context: Context, spans: Sequence[Span], costs: Sequence[int], movable: Collection[int], *, exact: bool = False
) -> dict[int, int]:
    """For each redundant span the index of the earlier span that it repeats; that one is never itself redundant.

    `movable` are the segments whose spans may go; protected spans may well be referred to. `exact`: see `copy_key`.
    """
    if not spans or spans[0].segment == spans[-1].segment:
        return {}
    kinds = [segment.kind for segment in context.segments]
    keys = [copy_key(span.text, kinds[span.segment], exact=exact) for span in spans]
    return repeats(keys, [span.segment for span in spans], costs, movable)


def repeats(
    keys: Sequence[str], owners: Sequence[int], costs: Sequence[int], movable: Collection[int]
) -> dict[int, int]:
    """The same for spans of which only their keys and the blocks that own them are known.

    keys     what a span has in common with its copies (`copy_key`); "" repeats nothing
    owners   the number of the block that each span belongs to
    costs    tokens of each span
    movable  blocks whose spans may go
    """
    first: dict[str, int] = {}
    copies: dict[int, int] = {}
    run: list[tuple[int, int]] = []

    for i, key in enumerate(keys):
        source = first.get(key) if key else None
        if run and source is not None and owners[i] == owners[run[-1][0]]:
            after = run[-1][1] + 1
            if after < i and keys[after] == key and after not in copies:
                source = after  # a line that stands often in the copied text: the one that follows is meant

        if run and not (source is not None and _follows(i, source, run, owners)):
            _close(run, costs, copies)
            run = []

        if source is None:
            first.setdefault(key, i)
        elif owners[i] in movable and owners[source] != owners[i]:
            run.append((i, source))

    _close(run, costs, copies)
    return copies


def copy_key(text: str, kind: Kind, *, exact: bool = False) -> str:
    """What a span has in common with its copies; in documents and examples, case and white space do not count.

    `exact`: copies are equal byte for byte, but for a line break at the end, which the last line of a text may lack.
    """
    if exact:
        return text.rstrip("\r\n") if text.strip() else ""
    key = sameness(text)
    return " ".join(key.split()).casefold() if kind in LOOSE else key


def sameness(text: str) -> str:
    """What two copies of a span have in common: no white space at the ends, no numbers before the lines of a view.

    An edit further up moves every number below it; the numbers beside a reference still tell where one is.
    """
    if NUMBERED.match(text):
        lines = text.splitlines(keepends=True)
        text = "".join([line[match.end() :] if (match := NUMBERED.match(line)) else line for line in lines])
    return text.strip()


def _follows(i: int, source: int, run: Sequence[tuple[int, int]], owners: Sequence[int]) -> bool:
    """Tell whether `i` continues the run and `source` the earlier copy: the same blocks, next in order or nearly so."""
    last, previous = run[-1]
    return owners[i] == owners[last] and owners[source] == owners[previous] and abs(source - previous) <= 3


def _close(run: Sequence[tuple[int, int]], costs: Sequence[int], copies: dict[int, int]) -> None:
    if sum(costs[i] for i, _ in run) >= MIN_RUN:
        copies.update(run)
