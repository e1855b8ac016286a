"""One key for a whole request: where a marker with a key in each shortened block takes too much of a budget.

Markers are then bare, down to `[...]`, and one of them names the key of a bundle of all originals. Where not even that
one fits, no marker has a key, and the report names it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from contextprune.context import Context, blocks_of
from contextprune.errors import BudgetError
from contextprune.plan import Plan
from contextprune.prepare import New, Resources, is_shorter
from contextprune.rendering import Markers, render
from contextprune.selection import Prepared, under_budget
from contextprune.storage.bundle import Part, bundle

DEAR = 0.15  # of what a budget leaves to results, from which on their markers are bare; set with `bench traces`
KEY_TOKENS = 10  # that naming a key takes, as a rule; what it takes is known once the texts are decided
TRIES = 3  # to make room for the key as it is; by hand: seldom more than two


@dataclass(frozen=True, slots=True)
class Bundled:
    """A request decided with bare markers.

    texts       what is sent of the blocks that change, by segment
    key         stands for all that went; "" where nobody could ask for it, or nothing changes
    originals   by key: of each block that changes, and of all together
    """

    plan: Plan
    texts: New
    key: str
    originals: Mapping[str, str]


def are_dear(prepared: Prepared, ceiling: int) -> bool:
    """Whether a marker with its key for each of several blocks takes too much of what a budget leaves to them."""
    blocks = prepared.blocks()
    if len(blocks) == 1:
        return False
    room = ceiling - sum(segment.cost or 0 for segment in prepared.context.segments)
    least = 0
    pairs = zip(prepared.spans, prepared.costs, strict=True)
    room -= sum(cost for span, cost in pairs if span.segment not in blocks)
    for segment, block in blocks.items():
        marker = prepared.markers.gap(block.start, block.stop)[0] + prepared.markers.key(segment)[0]
        least += min(marker, sum(prepared.costs[block.start : block.stop]))
    return least > DEAR * room


def with_one_key(resources: Resources, prepared: Prepared, tokens: Sequence[int], ceiling: int) -> Bundled:
    """Fit a context under `ceiling` tokens with the shortest markers; `tokens` are those of each segment now.

    Raises BudgetError where what is protected, and a token or two for each block, exceeds that.
    """
    context, spans = prepared.context, prepared.spans
    markers = Markers(context, spans, prepared.costs, resources.counter, resources.key, bare=True)
    bare = replace(prepared, markers=markers)
    reserve = KEY_TOKENS if resources.hints else 0

    for _ in range(TRIES if reserve else 0):
        try:
            decided = _decided(resources, markers, tokens, under_budget(bare, ceiling - reserve))
        except BudgetError:
            break
        named = _named(resources, markers, tokens, decided)
        if named is None:
            break
        excess = total(tokens, named.texts) - ceiling
        if excess <= 0:
            return named
        reserve += excess
    return _decided(resources, markers, tokens, under_budget(bare, ceiling))


def _decided(resources: Resources, markers: Markers, tokens: Sequence[int], plan: Plan) -> Bundled:
    """The new texts of a plan, and what is stored for them."""
    context, count = plan.context, resources.counter
    written = ((i, text, count(text)) for i, text in render(plan, markers).items())
    texts = {
        i: (text, size) for i, text, size in written if is_shorter(text, size, context.segments[i].text, tokens[i])
    }
    originals = {resources.store.key(context.segments[i].text): context.segments[i].text for i in texts}
    if not texts or not resources.hints:
        return Bundled(plan, texts, "", originals)
    if len(texts) == 1:
        return Bundled(plan, texts, next(iter(originals)), originals)
    together = bundle((_part(resources, context, i) for i in sorted(texts)), len(context.segments))
    key = resources.store.key(together)
    return Bundled(plan, texts, key, {**originals, key: together})


def _part(resources: Resources, context: Context, i: int) -> Part:
    segment = context.segments[i]
    what = " ".join(filter(None, (segment.kind.value.replace("_", " "), segment.name, segment.pair)))
    return Part(i, what, resources.store.key(segment.text), segment.text)


def _named(resources: Resources, markers: Markers, tokens: Sequence[int], decided: Bundled) -> Bundled | None:
    """The same with the key in the last block that is shorter even so; None where there is none."""
    plan, context = decided.plan, decided.plan.context
    blocks = {plan.spans[block.start].segment: block for block in blocks_of(plan.spans)}
    for i in sorted(decided.texts, reverse=True):
        block = blocks[i]
        text = markers.segment_text(plan.decisions[block.start : block.stop], block.start, decided.key)
        size = resources.counter(text)
        if decided.key in text and is_shorter(text, size, context.segments[i].text, tokens[i]):
            return replace(decided, texts={**decided.texts, i: (text, size)})
    return None


def total(tokens: Sequence[int], texts: New) -> int:
    """The tokens of all segments as they are sent."""
    return sum(texts[i][1] if i in texts else size for i, size in enumerate(tokens))
