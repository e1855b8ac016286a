"""Decide one block as it arrives: from the goal, the call that produced it, what was sent before, and the block."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from contextprune.context import BLOCKS, Context, Kind, Segment, Span
from contextprune.errors import BudgetError
from contextprune.markers import RECALL_TOOL, key_shapes
from contextprune.plan import Action, Decision
from contextprune.prepare import Before, Counted, Resources, count, finish, is_shorter, prepare
from contextprune.rendering import Markers
from contextprune.scoring import Calibrated
from contextprune.selection import on_arrival, under_budget
from contextprune.selection.dedupe import copy_key, repeats, sameness
from contextprune.selection.protection import least_tokens, protection
from contextprune.selection.targets import (
    COMPARED_BLOCKS,
    MIN_RUN,
    ONGOING_AFTER,
    SHARED_CHARACTERS,
    recall_on_arrival,
)
from contextprune.session.ledger import Entry
from contextprune.session.old_images import image_note
from contextprune.session.state import State
from contextprune.splitting import split
from contextprune.splitting.coarse import is_uncut
from contextprune.storage.store import is_marked
from contextprune.text.views import is_view

UNCUT = "too many short pieces to choose among"
"""Reason for what is sent whole on its arrival since it was not cut."""


@dataclass(frozen=True, slots=True)
class BlockPlan:
    """The plan of one block.

    spans          its spans, anchors counted from the first of them
    decisions      one for each span
    shown_before   span -> the earlier segment that shows the same, for those that are merged
    """

    spans: Sequence[Span]
    decisions: Sequence[Decision]
    shown_before: Mapping[int, int] = field(default_factory=dict)


def decide(
    resources: Resources, state: State, segments: Sequence[Segment], at: int, query: str | None
) -> tuple[Entry, BlockPlan | None]:
    """What is sent of segment `at`, and the plan where it was shortened."""
    segment = segments[at]
    counter, policy = resources.counter, resources.policy
    tokens = segment.cost if segment.cost is not None else counter(segment.text) if segment.text else 0
    unchanged = Entry(None, tokens, tokens)

    if tokens < least_tokens(segment, policy):
        return unchanged, None
    if segment.kind is Kind.IMAGE and policy.images_on_arrival and resources.references:
        return _image(resources, state, segment, unchanged), None
    if segment.kind not in BLOCKS or not segment.text or protection(segment, policy):
        return unchanged, None

    goal, call = str(state.goal), state.call_of(segment)
    if segment.kind is Kind.DOCUMENT and not goal and query is None:
        return unchanged, None  # nobody has asked anything yet, and what is asked later must change nothing
    if _is_recalled(segment, call, state) or is_marked(resources.store, segment.text):
        return unchanged, None

    background = [Segment(Kind.USER, goal, ("goal",))] if goal else []
    background += [call] if call is not None else []
    context = Context((*background, segment), goal if query is None else query, arriving=True)
    counted = count(counter, context, split(context, start=len(background)))
    repeated = _repeated(resources, state, counted, unchanged)
    return repeated or _shorten(resources, state, counted, unchanged, by_query=query is not None)


def _image(resources: Resources, state: State, segment: Segment, unchanged: Entry) -> Entry:
    """The note in place of an image that need not be sent."""
    text = image_note(resources, state, segment)
    if text is None:
        return unchanged
    tokens = resources.counter(text)
    shorter = is_shorter(text, tokens, segment.source or "", unchanged.before)
    if not shorter or not _keeps_cacheable(state, segment, unchanged.before, tokens):
        return unchanged
    return Entry(text, unchanged.before, tokens)


def _shorten(
    resources: Resources, state: State, counted: Counted, unchanged: Entry, *, by_query: bool
) -> tuple[Entry, BlockPlan | None]:
    """The block that is the last segment of a context, shortened where that pays."""
    context, spans = counted.context, counted.spans
    at = len(context.segments) - 1
    segment = context.segments[at]
    ceiling = resources.policy.rule(segment.name).max_tokens
    if ceiling is None and len(spans) == 1 and is_uncut(segment, spans[0]):
        return unchanged, BlockPlan(spans, (Decision(Action.KEEP, 1.0, unchanged.before, UNCUT),))

    exact = resources.policy.repetitions_only
    shown = _shown_before(state, segment, counted, exact=exact, references=resources.references)
    before = Before(state.shown, shown)
    prepared = prepare(resources, counted, {at}, before=before)
    recall = _recall(resources, context, unchanged.before, by_query=by_query)
    bars = {}
    if isinstance(resources.scorer, Calibrated) and not exact:
        bar = resources.scorer.threshold(context, spans, at, recall)
        bars = {} if bar is None else {at: bar}
    plan = on_arrival(prepared, bars, {at: recall})

    texts = finish(resources, plan, lambda _: (segment.text, unchanged.before))
    if ceiling is not None and not exact and (texts[at][1] if at in texts else unchanged.before) > ceiling:
        with suppress(BudgetError):  # what must stay is more than that
            plan = under_budget(prepared, ceiling)
            texts = finish(
                resources,
                plan,
                lambda _: (segment.text, unchanged.before),
                lambda new: (new[at][1] if at in new else unchanged.before) <= ceiling,
            )
    if at not in texts:
        return unchanged, None
    text, tokens = texts[at]
    if not _keeps_cacheable(state, segment, unchanged.before, tokens):
        return unchanged, None
    return Entry(text, unchanged.before, tokens), BlockPlan(plan.spans, plan.decisions, prepared.shown_before)


def _repeated(resources: Resources, state: State, counted: Counted, unchanged: Entry) -> tuple[Entry, BlockPlan] | None:
    """A reference, where the same text came before and was shortened: what was kept of it stands there.

    An agent that asks again for what was cut can recall it; without a key in the marker it would be out of reach.
    """
    if not resources.recallable or not resources.hints or not resources.references:
        return None
    segment, spans = counted.context.segments[-1], counted.spans
    at = state.first_shortened.get(segment.text)
    if at is None or at in state.rewritten:
        return None

    merged = tuple(Decision(Action.MERGE, 0.0, cost, "the same block stands above") for cost in counted.costs)
    markers = Markers(counted.context, spans, counted.costs, resources.counter, resources.key)
    text = markers.segment_text(merged, 0)
    tokens = resources.counter(text)
    if not is_shorter(text, tokens, segment.text, unchanged.before):
        return None
    if not _keeps_cacheable(state, segment, unchanged.before, tokens):
        return None
    return Entry(text, unchanged.before, tokens), BlockPlan(spans, merged, dict.fromkeys(range(len(spans)), at))


def _shown_before(state: State, segment: Segment, counted: Counted, *, exact: bool, references: bool) -> dict[int, int]:
    """Span of a block -> the earlier segment that shows the same, among the few that share most with it."""
    if not references:
        return {}
    earlier = _most_alike(state, counted.spans)
    keys: list[str] = []
    owners: list[int] = []
    for at in earlier:
        shown = [copy_key(span.text, state.segments[at].kind, exact=exact) for span in state.cut(at)]
        keys += shown
        owners += [at] * len(shown)

    first, block = len(keys), len(state.segments)
    keys += [copy_key(span.text, segment.kind, exact=exact) for span in counted.spans]
    owners += [block] * len(counted.spans)
    copies = repeats(keys, owners, [0] * first + list(counted.costs), {block})
    sources = {i - first: owners[source] for i, source in copies.items()}
    if not exact and segment.kind is Kind.TOOL_RESULT:
        sources |= state.shown_lines.find(segment.text, counted.spans)
    return _worth_a_reference(sources, counted.costs)


def _worth_a_reference(sources: Mapping[int, int], costs: Sequence[int]) -> dict[int, int]:
    """The spans that are shown before, without runs that cost no more than the marker in their place."""
    worth: dict[int, int] = {}
    run: list[int] = []
    for i in range(len(costs) + 1):
        if i in sources:
            run.append(i)
        elif run:
            if sum(costs[k] for k in run) >= MIN_RUN:
                worth.update((k, sources[k]) for k in run)
            run = []
    return worth


def _recall(resources: Resources, context: Context, tokens: int, *, by_query: bool) -> float:
    """The share of what is needed of the last segment that must survive."""
    segment = context.segments[-1]
    call = next((s.text for s in context.segments if s.kind is Kind.TOOL_CALL), "")
    view = is_view(call, segment.name, segment.text)
    return recall_on_arrival(resources.policy, segment.name or "", tokens, view=view, by_query=by_query)


def _keeps_cacheable(state: State, segment: Segment, before: int, after: int) -> bool:
    """Tell whether a conversation that goes on stays one that the provider caches, or becomes one, or gains more.

    A prompt just below what is cached is paid for in full each time, which a few tokens less do not make up for.
    """
    least = max(table.least for table in state.meter.tables)
    return segment.turn < ONGOING_AFTER or state.tokens[1] + after >= least or before - after > least


def _most_alike(state: State, spans: Sequence[Span]) -> list[int]:
    """The few earlier segments that show most of a block's spans again, in order."""
    common: Tally[int] = Tally()
    for span in spans:
        at = state.first_shown.get(sameness(span.text))
        if at is not None:
            common[at] += len(span.text)
    ranked = sorted(((-chars, at) for at, chars in common.items() if chars >= SHARED_CHARACTERS))[:COMPARED_BLOCKS]
    return sorted(at for _, at in ranked)


def _is_recalled(segment: Segment, call: Segment | None, state: State) -> bool:
    """Tell whether a block is an original that was asked for: it is never shortened again."""
    if segment.name is not None and segment.name.endswith(RECALL_TOOL):
        return True
    return call is not None and not state.keys.isdisjoint(key_shapes(call.text))
