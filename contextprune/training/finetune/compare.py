"""What two scorers leave in sight of what an agent used later, on sessions that neither was trained on.

At a few points of each session the results before it are cut to a share of their tokens; then hindsight looks whether
what the agent used from there on, and only results had shown, still stands there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from contextprune.audit.recordings import Recording
from contextprune.context import BLOCKS, Context, Kind
from contextprune.errors import BudgetError
from contextprune.policy import Budget, Policy
from contextprune.pruner import Pruner
from contextprune.scoring.base import Scorer
from contextprune.storage.store import MemoryStore
from contextprune.text.later_use import LINE, leaves, needed
from contextprune.text.quotes import quoted_lines

SHARE = 0.3  # of the tokens of the results that may stay
POINTS = (0.3, 0.5, 0.7, 0.9)  # of a session's calls
MOST_POINTS = 80  # of all sessions together
LONGEST = 400_000  # characters before a point: more says the same and takes minutes


@dataclass(frozen=True, slots=True)
class Point:
    """A point of a session: the context before it, and what was used after it that only results show.

    edits   for each edit, the lines that it quotes
    """

    context: Context
    values: tuple[str, ...]
    lines: tuple[str, ...]
    edits: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class InSight:
    """What was used, and what of it stays in sight; `share` is of the tokens of all results.

    edits   those whose quoted lines all stay
    """

    values: int = 0
    values_used: int = 0
    lines: int = 0
    lines_used: int = 0
    edits: int = 0
    edits_used: int = 0
    before: int = 0
    after: int = 0

    @property
    def share(self) -> float:
        """Share of the results' tokens that is left."""
        return self.after / self.before if self.before else 1.0

    def __add__(self, more: InSight) -> InSight:
        return InSight(*(getattr(self, name) + getattr(more, name) for name in self.__slots__))


def points_of(recordings: Sequence[Recording]) -> list[Point]:
    """The points of all sessions at which something is used later, `MOST_POINTS` at most."""
    return list(islice((point for recording in recordings for point in _points(recording.context)), MOST_POINTS))


def measure(points: Sequence[Point], scorer: Scorer, progress: Callable[[int], None] = lambda _: None) -> InSight:
    """What stays in sight at all points under a scorer."""
    pruner = Pruner(Policy(), scorer, store=MemoryStore())
    total = InSight()
    for number, point in enumerate(points, start=1):
        total += _at(point, pruner)
        progress(number)
    return total


def _points(context: Context) -> Iterator[Point]:
    calls = [i for i, segment in enumerate(context.segments) if segment.kind is Kind.TOOL_CALL]
    for share in POINTS if calls else ():
        at = calls[int(len(calls) * share)]
        before, after = context.segments[:at], context.segments[at:]
        results = "\n".join(segment.text for segment in before if segment.kind in BLOCKS)
        if len(results) > LONGEST:
            return

        elsewhere = "\n".join(segment.text for segment in before if segment.kind not in BLOCKS)
        later = [segment.text for segment in after if segment.kind is Kind.TOOL_CALL]
        values, lines = needed(results, elsewhere, [text for call in later for text in leaves(call)])
        quoted = (tuple(line for line in quoted_lines(call) if len(line) >= LINE) for call in later)
        edits = tuple(
            lines for lines in quoted if lines and all(line in results and line not in elsewhere for line in lines)
        )
        if values or lines:
            yield Point(replace(context, segments=before), values, lines, edits)


def _at(point: Point, pruner: Pruner) -> InSight:
    uncut = pruner(point.context, Budget(ratio=1.0))
    results = [i for i, segment in enumerate(point.context.segments) if segment.kind in BLOCKS]
    before = sum(uncut.sizes[i][0] for i in results)
    total = sum(size for size, _ in uncut.sizes)
    try:
        cut = pruner(point.context, Budget(tokens=int(total - before * (1 - SHARE))))
    except BudgetError as refused:  # what is protected takes more
        cut = pruner(point.context, Budget(tokens=refused.needed))

    segments = point.context.segments
    text = "\n".join(cut.edits.get(segments[i].ref, segments[i].text) for i in results)
    return InSight(
        sum(value in text for value in point.values), len(point.values),
        sum(line in text for line in point.lines), len(point.lines),
        sum(all(line in text for line in lines) for lines in point.edits), len(point.edits),
        before, sum(cut.sizes[i][1] for i in results),
    )  # fmt: skip
