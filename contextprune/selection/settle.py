"""Take steps until no more fits, and count exactly what that makes: a budget is there to be used.

A step that does not fit is left out, and the walk goes on. What a text counts differs a little from what was charged
for its parts; so steps are taken back where the sum exceeds the ceiling, and the room that is left then is filled.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from contextprune.plan import Decision
from contextprune.selection.decide import decide
from contextprune.selection.fill import Fill
from contextprune.selection.prepared import Prepared

RECOUNTS = 2  # times a text may be counted again before the rest of the room stays empty; by hand, for speed
MISFITS = 1_000  # spans that are tried in vain before the rest is left out; by hand, for speed
RECOUNTED_TOKENS = 50_000  # that may be counted again in any case; by hand: a twentieth of a second


def settle(prepared: Prepared, fill: Fill, order: Iterable[int], ceiling: int) -> tuple[Decision, ...] | None:
    """The decisions that use `ceiling` tokens, exactly counted; None where not even the markers fit.

    `order` gives the steps, spans or ~identifiers, the most wanted first. In the end no step that was left out fits,
    with its anchors and its share of markers.
    """
    text = Exact(prepared, fill)
    rank: dict[int, int] = {}
    waiting = _take(prepared, fill, _ranked(order, rank), ceiling - text.images)
    fill.trim()
    text.count(text.blocks)

    taken_back = _shrink(fill, text, ceiling)
    if taken_back is None:
        return None
    waiting = sorted({*waiting, *taken_back}, key=rank.__getitem__)
    _fill_up(prepared, fill, text, waiting, ceiling)
    return tuple(text.decisions)


class Exact:
    """The texts that a fill amounts to, counted as they will be sent.

    tokens      of all texts and images
    images      of images and the like alone
    recounted   tokens counted so far
    """

    def __init__(self, prepared: Prepared, fill: Fill) -> None:
        self.blocks = prepared.blocks()
        self.decisions: list[Decision] = []
        self.images = sum(segment.cost or 0 for segment in prepared.context.segments)
        self.recounted = 0
        pairs = zip(prepared.spans, prepared.costs, strict=True)
        self._fixed = self.images + sum(cost for span, cost in pairs if span.segment not in prepared.movable)
        self._prepared, self._fill = prepared, fill
        self._exact: dict[int, int] = {}

    @property
    def tokens(self) -> int:
        """Tokens of all texts and images."""
        return self._fixed + sum(self._exact.values())

    @property
    def allowance(self) -> int:
        """Tokens that may be counted, in all."""
        return RECOUNTED_TOKENS + (1 + RECOUNTS) * sum(self._exact.values())

    def count(self, segments: Iterable[int]) -> None:
        """Decide and count these segments, or all where none was counted yet."""
        fresh = not self.decisions
        if fresh:
            self.decisions = decide(self._prepared, self._fill, range(len(self._prepared.spans)))
        for segment in segments:
            block = self.blocks[segment]
            if not fresh:
                self.decisions[block.start : block.stop] = decide(self._prepared, self._fill, block)
            decisions = self.decisions[block.start : block.stop]
            tokens = self._exact[segment] = self._prepared.markers.exact(decisions, block.start)
            self.recounted += tokens


def _ranked(order: Iterable[int], rank: dict[int, int]) -> Iterable[int]:
    """The steps as they come, with the rank of each written down."""
    for i in order:
        rank[i] = len(rank)
        yield i


def _take(prepared: Prepared, fill: Fill, order: Iterable[int], room: int) -> list[int]:
    """Take each step that fits in `room` tokens; those that did not, in order."""
    left_out = []
    misfits = 0

    for i in order:
        if i < 0:
            fits = fill.carry(~i, room)
        elif misfits < MISFITS and fill.may_fit(i, room):
            fits = fill.keep(i, prepared.why(i), room)
            misfits += not fits
        else:
            fits = False
        if not fits:
            left_out.append(i)
    return left_out


def _shrink(fill: Fill, text: Exact, ceiling: int) -> list[int] | None:
    """Take back the last steps until the texts fit; those steps, or None where there are not enough."""
    steps: list[int] = []
    while text.tokens > ceiling:
        changed = _undo_excess(fill, text.tokens - ceiling, steps)
        if not changed:
            return None
        text.count(sorted(changed))
    return steps


def _fill_up(prepared: Prepared, fill: Fill, text: Exact, waiting: Sequence[int], ceiling: int) -> None:
    """Take the steps that the room left over holds, until none fits; a step that proves too large is left out."""
    steps = list(waiting)
    while text.recounted < text.allowance:
        before = fill.steps_taken
        steps = _take(prepared, fill, steps, fill.used + ceiling - text.tokens)
        changed = fill.changed_since(before)
        if not changed:
            return
        text.count(sorted(changed))
        steps = _take_back(fill, text, steps, ceiling)


def _take_back(fill: Fill, text: Exact, waiting: Collection[int], ceiling: int) -> list[int]:
    """Take back steps until the texts fit: the last one of them is too large, the others may yet fit.

    As many at once as what is too much was charged for: each count is of whole texts.
    """
    taken_back: list[int] = []
    while text.tokens > ceiling:
        text.count(sorted(_undo_excess(fill, text.tokens - ceiling, taken_back)))
    return [*waiting, *reversed(taken_back[:-1])]


def _undo_excess(fill: Fill, excess: int, steps: list[int]) -> set[int]:
    """Take back the last steps that were charged so many tokens, onto `steps`; the segments that this changes."""
    enough = fill.used - excess
    changed: set[int] = set()
    while fill.used > enough and fill.steps_taken:
        steps.append(fill.last_step)
        changed |= fill.undo()
    return changed
