"""A context made ready for selection: cut, counted, priced by the real markers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import contextprune as cp
from contextprune.plan import Action, Identifier
from contextprune.policy import Policy
from contextprune.rendering import Markers
from contextprune.selection import Prepared, on_arrival, under_budget
from contextprune.selection.dedupe import duplicates
from contextprune.selection.fill import Fill
from contextprune.selection.first import ranks
from contextprune.selection.protection import movable, must_keep, shortenable
from contextprune.selection.settle import Exact
from contextprune.splitting import split
from contextprune.text.failure_lines import failure_lines
from tests.strategies import COUNTER

Score = Callable[[cp.Span], float]


def result(text: str, turn: int = 1, name: str | None = None) -> cp.Segment:
    return cp.Segment(cp.Kind.TOOL_RESULT, text, ("r", turn, text), turn=turn, name=name)


def lines(*words: str, each: int = 1) -> str:
    """For each word some lines as a search prints them, all different: one span each."""
    return "".join(f"src/{word}.py:{i}: the value of {word} is {i} here\n" for word in words for i in range(each))


def half(_: cp.Span) -> float:
    return 0.5


@dataclass(frozen=True)
class Setting:
    context: cp.Context
    policy: Policy
    spans: Sequence[cp.Span]
    costs: Sequence[int]
    prices: Markers

    @classmethod
    def of(cls, *segments: cp.Segment, policy: Policy | None = None) -> Setting:
        context = cp.Context(segments)
        spans = split(context)
        costs: list[int] = []
        for i, segment in enumerate(segments):
            ends = [span.end for span in spans if span.segment == i]
            costs += COUNTER.pieces(segment.text, ends) if ends else []
        prices = Markers(context, spans, costs, COUNTER, cp.MemoryStore().key)
        return cls(context, policy or Policy(min_tokens=0), spans, costs, prices)

    @property
    def total(self) -> int:
        return sum(self.costs)

    def select(
        self, ceiling: int, score: Score = half, atoms: Sequence[Identifier] = (), frozen: Collection[int] = ()
    ) -> cp.Plan:
        changing = movable(self.context, self.policy, frozen)
        return under_budget(self.prepared(score, atoms, changing), ceiling)

    def arrive(self, score: Score = half, atoms: Sequence[Identifier] = (), frozen: Collection[int] = ()) -> cp.Plan:
        tokens = [0] * len(self.context.segments)
        for span, cost in zip(self.spans, self.costs, strict=True):
            tokens[span.segment] += cost
        return on_arrival(self.prepared(score, atoms, shortenable(self.context, tokens, self.policy, frozen)))

    def prepared(self, score: Score, identifiers: Sequence[Identifier], changing: Collection[int]) -> Prepared:
        """What selection takes, with these scores."""
        ranked = ranks(self.context, self.spans, failure_lines(self.context, self.spans), {})
        return Prepared(
            self.context,
            self.spans,
            self.costs,
            [score(span) for span in self.spans],
            self.policy,
            self.prices,
            identifiers,
            frozenset(changing),
            must_keep(self.context, self.spans, ranked, self.policy),
            duplicates(self.context, self.spans, self.costs, changing),
            ranks=ranked,
        )

    def fill(self, atoms: Sequence[tuple[int, int]] = (), shown: Sequence[Sequence[int]] = ()) -> Fill:
        return Fill(self.spans, self.costs, [True] * len(self.context.segments), self.prices, atoms, shown)


def left_out_though_it_fits(prepared: Prepared, plan: cp.Plan, ceiling: int) -> list[int]:
    """Spans that score above nothing, did not stay, and fit by what they are charged as by what they count."""
    fill = prepared.fill()
    for i, decision in enumerate(plan.decisions):
        if decision.action is Action.KEEP:
            fill.keep(i, "")
    for k, identifier in enumerate(prepared.identifiers):
        if identifier.text in plan.decisions[identifier.spans[-1]].digest:
            fill.carry(k)

    left_out = []
    for i, decision in enumerate(plan.decisions):
        if decision.action in (Action.DROP, Action.DIGEST) and decision.score > 0 and i not in prepared.copies:
            steps, room = fill.steps_taken, ceiling - exactly(prepared, fill)
            if fill.keep(i, "", fill.used + room) and exactly(prepared, fill) <= ceiling:
                left_out.append(i)
            fill.rewind(steps)
    return left_out


def exactly(prepared: Prepared, fill: Fill) -> int:
    """The tokens of all texts and images as a fill leaves them."""
    text = Exact(prepared, fill)
    text.count(text.blocks)
    return text.tokens


def kept(plan: cp.Plan) -> str:
    return "".join(s.text for s, d in zip(plan.spans, plan.decisions, strict=True) if d.action is Action.KEEP)
