"""One preparation for every decision, and one finish: under a budget, on arrival, at an epoch.

`count` cuts and counts, `prepare` scores and prices, one of the functions of `selection` decides, and `finish` renders
what was decided and keeps it only where it is shorter.
"""

from __future__ import annotations

from collections import Counter as Counts
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from contextprune.context import Context, Span, blocks_of
from contextprune.plan import Plan
from contextprune.policy import Policy
from contextprune.rendering import Markers, render
from contextprune.scoring import (
    Scorer,
    check,
    compare,
    identifiers_to_carry,
    identifiers_to_carry_on_arrival,
    longest,
    named,
    weighed,
)
from contextprune.selection.dedupe import duplicates
from contextprune.selection.first import TRACES, Rank, ranks
from contextprune.selection.opened import open_traces
from contextprune.selection.prepared import Prepared
from contextprune.selection.protection import must_keep
from contextprune.storage.store import Store
from contextprune.text.failure_lines import failure_lines
from contextprune.text.notices import notices
from contextprune.tokens import Counter, bytes_of

FEW_DIFFER, FEW_DIFFER_SHARE = 6, 0.05  # spans of a result that come early since they differ, or their share; by hand
DIFFERS = "differs from those like it"
NAMED = "holds what was named"
LONGEST = "among the longest times"
NOTICE = "a harness's notice"

New: TypeAlias = Mapping[int, tuple[str, int]]
"""What is sent of some segments, by index: text and tokens."""


@dataclass(frozen=True, slots=True)
class Resources:
    """What deciding needs.

    recallable   False for callers who hold the originals themselves: gaps are bare ellipses
    hints        whether markers name recall keys, for readers who can redeem them
    references   whether a block may point to an earlier one that shows the same; that one must then stay in sight
    """

    policy: Policy
    scorer: Scorer
    counter: Counter
    store: Store
    recallable: bool = True
    hints: bool = True
    references: bool = True

    @property
    def key(self) -> Callable[[str], str] | None:
        """Names the original in a marker, or "" where nobody could ask for it; None for bare ellipses."""
        if not self.recallable:
            return None
        return self.store.key if self.hints else _no_key


@dataclass(frozen=True, slots=True)
class Counted:
    """A context cut into spans and counted.

    costs    tokens of each span
    tokens   tokens of each segment, images included; 0 for a segment that was not cut
    """

    context: Context
    spans: Sequence[Span]
    costs: Sequence[int]
    tokens: Sequence[int] = field(default=())


def count(counter: Counter, context: Context, spans: Sequence[Span], sent: Mapping[int, int] | None = None) -> Counted:
    """The tokens of `spans` of a context: each segment's text is encoded once, and not at all if it is in `sent`.

    `sent` gives the tokens of segments that are one span each and were counted before.
    """
    counts = sent or {}
    costs: list[int] = []
    tokens = [segment.cost or 0 for segment in context.segments]
    for block in blocks_of(spans):
        segment = spans[block.start].segment
        text = context.segments[segment].text
        if segment in counts:
            pieces = [counts[segment]]
        elif len(block) == 1:
            pieces = [counter(text)]
        else:
            pieces = counter.pieces(text, [spans[i].end for i in block])
        costs += pieces
        tokens[segment] += sum(pieces)
    return Counted(context, spans, costs, tokens)


@dataclass(frozen=True, slots=True)
class Before:
    """What was sent before a block that arrives.

    names   identifiers that other texts than results show
    shown   span of the block -> an earlier segment that shows the same
    """

    names: Collection[str] = ()
    shown: Mapping[int, int] = field(default_factory=dict)


def prepare(
    resources: Resources, counted: Counted, movable: Collection[int], *, before: Before | None = None
) -> Prepared:
    """Score what was counted, name what markers may carry, and find what repeats and what must stay.

    `movable` are the segments that may change. `before` is for blocks that are decided as they arrive: identifiers are
    then weighed from the text before each block alone. Raises ScorerError for scores that are no probabilities.
    """
    context, changing = counted.context, frozenset(movable)
    scores, standing_out = _scores(resources, counted, changing, arriving=before is not None)
    pieces = resources.counter.pieces
    opened = open_traces(context, counted.spans, counted.costs, scores, pieces)
    spans = opened.spans

    if not resources.recallable:
        identifiers = []
    elif before is None:
        identifiers = identifiers_to_carry(context, spans, changing, pieces)
    else:
        identifiers = identifiers_to_carry_on_arrival(context, spans, changing, pieces, before.names)

    standing_out = opened.moved(standing_out)
    ranked = ranks(context, spans, failure_lines(context, spans), opened.parts)
    stays = must_keep(context, spans, ranked, resources.policy)
    ranked |= {i: min(rank, ranked.get(i, rank)) for i, rank in _early(context, spans, standing_out)}
    return Prepared(
        context,
        spans,
        opened.costs,
        opened.scores,
        resources.policy,
        Markers(context, spans, opened.costs, resources.counter, resources.key, examples=False),
        identifiers,
        changing,
        stays,
        duplicates(context, spans, opened.costs, changing, exact=resources.policy.repetitions_only),
        {} if before is None else opened.moved(before.shown),
        standing_out,
        ranked,
    )


def _early(context: Context, spans: Sequence[Span], standing_out: Mapping[int, str]) -> Iterator[tuple[int, Rank]]:
    """The spans that stand out and come before all that is chosen by its worth: what was named, then what differs.

    Where many of a result differ, none of these does, and of results that share a budget nothing at all.
    """
    if context.reading in TRACES:
        return
    differing = Counts(spans[i].segment for i, why in standing_out.items() if why == DIFFERS)
    sizes = Counts(span.segment for span in spans)
    for i, why in standing_out.items():
        segment = spans[i].segment
        if why != DIFFERS or differing[segment] <= max(FEW_DIFFER, FEW_DIFFER_SHARE * sizes[segment]):
            yield i, Rank.DETAIL if why == NAMED else Rank.NEAR


def _scores(
    resources: Resources, counted: Counted, movable: Collection[int], *, arriving: bool
) -> tuple[Sequence[float], dict[int, str]]:
    """The score of each span, and the spans that stand out, with the reason.

    Nobody asks for it where only repetitions may go, so there it costs no time.
    """
    context, spans = counted.context, counted.spans
    if arriving and resources.policy.repetitions_only:
        return [1.0] * len(spans), {}
    scores = resources.scorer(context, spans)
    check(scores, spans, resources.scorer.name)

    alike = compare(context, spans, scores, movable)
    needed = dict.fromkeys(sorted(notices(context, spans)), NOTICE)
    needed |= dict.fromkeys(sorted(named(context, spans, movable)), NAMED)
    needed |= dict.fromkeys(sorted(longest(context, spans, movable)), LONGEST)
    return weighed(scores, spans, alike, needed), dict.fromkeys(alike.odd, DIFFERS) | needed


def finish(
    resources: Resources,
    plan: Plan,
    sent: Callable[[int], tuple[str, int]],
    fits: Callable[[New], bool] = lambda _: True,
) -> dict[int, tuple[str, int]]:
    """The new texts of a plan and their tokens, by segment: only those that are shorter than what is `sent` else.

    Markers show examples of alike lines where that `fits`: what stays has come before them.
    """
    texts: dict[int, tuple[str, int]] = {}
    for examples in (True, False):
        costs = [decision.cost for decision in plan.decisions]
        markers = Markers(plan.context, plan.spans, costs, resources.counter, resources.key, examples=examples)
        counted = ((i, text, resources.counter(text)) for i, text in sorted(render(plan, markers).items()))
        texts = {i: (text, tokens) for i, text, tokens in counted if is_shorter(text, tokens, *sent(i))}
        if fits(texts):
            break
    return texts


def is_shorter(text: str, tokens: int, sent: str, sent_tokens: int) -> bool:
    """Law 8, here alone: a text takes another's place only if it has fewer tokens and no more bytes."""
    return tokens < sent_tokens and bytes_of(text) <= bytes_of(sent)


def _no_key(_text: str) -> str:
    return ""
