"""A context ready to be decided: cut, counted, scored and priced. Selection takes it and gives a plan."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from contextprune.context import Context, Span, blocks_of
from contextprune.plan import Identifier, Prices
from contextprune.policy import Policy
from contextprune.selection.fill import Fill

BELONGS = "belongs to a failure"


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a decision needs, made once.

    spans         of the segments that are decided, and perhaps of others; their anchors are indices into this list
    costs         tokens of each span
    scores        0..1 for each span
    markers       prices and writes what stands in place of removed spans
    identifiers   what markers may carry
    movable       the segments that may change
    must_keep     span -> why it comes before all others: a failure line, or marked to be kept
    ranks         span -> how early it comes where it comes before all others: 0 for failures, then what belongs to them
    copies        span -> an earlier span of this list that it repeats
    shown_before  span -> a segment that was sent before this context and shows the same
    standing_out  span -> why: it differs from those like it, or holds what was named; its score says how far
    """

    context: Context
    spans: Sequence[Span]
    costs: Sequence[int]
    scores: Sequence[float]
    policy: Policy
    markers: Prices
    identifiers: Sequence[Identifier]
    movable: Collection[int]
    must_keep: Mapping[int, str] = field(default_factory=dict)
    copies: Mapping[int, int] = field(default_factory=dict)
    shown_before: Mapping[int, int] = field(default_factory=dict)
    standing_out: Mapping[int, str] = field(default_factory=dict)
    ranks: Mapping[int, float] = field(default_factory=dict)

    def comes_first(self, i: int) -> bool:
        """Whether span `i` comes before all that is chosen by its worth."""
        return i in self.must_keep or i in self.ranks

    def why(self, i: int) -> str:
        """Why span `i` is kept where its turn has come."""
        reason = self.must_keep.get(i) or self.standing_out.get(i)
        return reason or (BELONGS if i in self.ranks else "chosen")

    def fill(self) -> Fill:
        """Nothing chosen yet."""
        movable = [segment in self.movable for segment in range(len(self.context.segments))]
        prices = [(name.cost, len(name.text) + 1 if name.cost else 0) for name in self.identifiers]
        shown_in = [identifier.spans for identifier in self.identifiers]
        return Fill(self.spans, self.costs, movable, self.markers, prices, shown_in)

    def blocks(self) -> dict[int, range]:
        """The spans of each segment that may change, by segment."""
        blocks = ((self.spans[block.start].segment, block) for block in blocks_of(self.spans))
        return {segment: block for segment, block in blocks if segment in self.movable}
