"""Decide one block as it arrives: from the goal, the call that produced it, what was sent before, and the block."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from contextprune.context import Context, Kind, Segment, Span
from contextprune.ledger import Record
from contextprune.past import BLOCKS, Past, shown_as, size
from contextprune.plan import Action, Decision
from contextprune.policy import Policy
from contextprune.rendering import KEY, Markers, render
from contextprune.scoring import Calibrated, Scorer, arriving, check
from contextprune.screenshots import repeating
from contextprune.selection import Observed, arrive, is_view, protection, recall_on_arrival, sameness
from contextprune.storage.store import Store
from contextprune.tokens import Counter

SHARED = 40  # characters in common with an earlier block before the two are compared
COMPARED = 4  # earlier blocks that a new one is compared with: those that share most
GOING_ON = 4  # replies after which a conversation is taken to go on
RECALL_TOOL = "contextprune_recall"


@dataclass(frozen=True, slots=True)
class Tools:
    """What deciding needs.

    recallable   False for callers who hold the originals themselves: gaps are bare ellipses
    hints        whether markers name recall keys, for readers who can redeem them
    """

    policy: Policy
    scorer: Scorer
    counter: Counter
    store: Store
    split: Callable[[Context], list[Span]]
    recallable: bool
    hints: bool = True

    @property
    def key(self) -> Callable[[str], str] | None:
        """Names the original in a marker, or "" where nobody could ask for it; None for bare ellipses."""
        if not self.recallable:
            return None
        return self.store.key if self.hints else _unnamed


@dataclass(frozen=True, slots=True)
class Part:
    """The plan of one block.

    spans      its spans, anchors counted from the first of them
    standing   for each span the index of the earlier segment that stands for it, or None
    """

    spans: tuple[Span, ...]
    decisions: tuple[Decision, ...]
    standing: tuple[int | None, ...]


def decide(
    tools: Tools, past: Past, segments: Sequence[Segment], at: int, query: str | None
) -> tuple[Record, Part | None]:
    """What is sent of segment `at`, and the plan where there was anything to choose."""
    segment = segments[at]
    tokens = segment.cost if segment.cost is not None else tools.counter(segment.text) if segment.text else 0
    whole = Record(None, tokens, tokens)
    rule = tools.policy.rule(segment.name)
    least = tools.policy.min_tokens if rule.min_tokens is None else rule.min_tokens
    if segment.kind is Kind.IMAGE and tools.policy.images_on_arrival and tokens >= least:
        return _pictured(tools, past, segment, whole), None
    if segment.kind not in BLOCKS or not segment.text or tokens < least or protection(segment, tools.policy):
        return whole, None
    goal, call = _goal(segments, at), _call(segments, at)
    if segment.kind is Kind.DOCUMENT and goal is None and query is None:
        return whole, None  # nobody has asked anything yet, and what is asked later must change nothing
    if _given_back(segment, call, past) or is_marked(tools, segment.text):
        return whole, None
    return _shortened(tools, past, segment, [s for s in (goal, call) if s is not None], query, whole)


def _pictured(tools: Tools, past: Past, segment: Segment, whole: Record) -> Record:
    """What is sent of an image."""
    text = repeating(tools, past, segment)
    tokens = whole.before if text is None else tools.counter(text)
    gains = tokens < whole.before and _cacheable(past, segment, whole.before, tokens)
    return Record(text, whole.before, tokens) if gains else whole


def _shortened(
    tools: Tools, past: Past, segment: Segment, known: Sequence[Segment], query: str | None, whole: Record
) -> tuple[Record, Part | None]:
    spans = tools.split(Context((segment,)))
    if (again := _again(tools, past, segment, spans, whole)) is not None:
        return again
    earlier = _earlier(past, spans)
    shown = [shown_as(past.segments[i], past.text(i)) for i in earlier]
    asked = query if query is not None else next((s.text for s in known if s.kind is Kind.USER), "")
    context = Context((*shown, *known, segment), asked)
    before = _in_order([past.cut(i) for i in earlier])
    place, first = len(context.segments) - 1, len(before)
    everything = [*before, *_moved(spans, place, first)]
    costs = [0] * first + tools.counter.pieces(segment.text, [span.end for span in spans])
    view = Context((*known, segment), asked, arriving=True)
    mine = _moved(spans, len(known), 0)
    scores = tools.scorer(view, mine)
    check(scores, mine, tools.scorer.name)
    recall = _recall(tools, past, segment, known, scores, whole.before, asked=query is not None)
    bars = (
        {place: tools.scorer.threshold(view, mine, len(known), recall)} if isinstance(tools.scorer, Calibrated) else {}
    )
    named = arriving(context, everything, {place}, tools.counter.pieces, past.shown) if tools.recallable else []
    markers = Markers(context, everything, tools.counter, tools.key)
    plan = arrive(
        context, everything, [0.0] * first + list(scores), costs, tools.policy, markers, named,
        range(place), bars, {place: recall}, settled=True,
    )  # fmt: skip
    part = Part(
        tuple(spans),
        tuple(replace(d, into=None) if d.into is not None else d for d in plan.decisions[first:]),
        tuple(None if d.into is None else earlier[everything[d.into].segment] for d in plan.decisions[first:]),
    )
    text = render(plan, markers).get(place)
    if text is None:
        return whole, part
    tokens = tools.counter(text)
    if tokens > whole.before or size(text) > size(segment.text) or not _cacheable(past, segment, whole.before, tokens):
        return whole, None
    return Record(text, whole.before, tokens), part


def _again(
    tools: Tools, past: Past, segment: Segment, spans: Sequence[Span], whole: Record
) -> tuple[Record, Part] | None:
    """A reference, where the same text came before and was shortened: what was kept of it stands there.

    Whoever asked again for what was cut can recall it; without a key in the marker it would be out of reach.
    """
    if not tools.recallable or not tools.hints:
        return None
    at = next((i for i, s in enumerate(past.segments) if past.texts[i] and s.text == segment.text), None)
    if at is None or at in past.redone:
        return None
    costs = tools.counter.pieces(segment.text, [span.end for span in spans])
    merged = tuple(Decision(Action.MERGE, 0.0, cost, "the same block stands above") for cost in costs)
    text = Markers(Context((segment,)), spans, tools.counter, tools.key).segment_text(merged, 0)
    tokens = tools.counter(text)
    if tokens > whole.before or not _cacheable(past, segment, whole.before, tokens):
        return None
    return Record(text, whole.before, tokens), Part(tuple(spans), merged, (at,) * len(spans))


def _in_order(blocks: Sequence[Sequence[Span]]) -> list[Span]:
    """The spans of several blocks, each cut by itself, as those of one context."""
    found: list[Span] = []
    for segment, spans in enumerate(blocks):
        found += _moved(spans, segment, len(found))
    return found


def _moved(spans: Sequence[Span], segment: int, first: int) -> list[Span]:
    """The spans as those of another segment, the first of which is number `first`."""
    return [
        Span(
            segment, s.start, s.end, s.unit, s.text, s.syntax,
            tuple([anchor + first for anchor in s.anchors]) if s.anchors else (), s.group,
        )
        for s in spans
    ]  # fmt: skip


def _recall(
    tools: Tools,
    past: Past,
    segment: Segment,
    known: Sequence[Segment],
    scores: Sequence[float],
    tokens: int,
    *,
    asked: bool,
) -> float:
    """The share of what is needed of a block that must survive."""
    call = next((s.text for s in known if s.kind is Kind.TOOL_CALL), "")
    pressure = sum(past.after) / tools.policy.window
    view = is_view(call, segment.name)
    seen = Observed(segment.kind, segment.name or "", tokens, scores, 0, pressure, view, asked)
    return recall_on_arrival(seen, tools.policy)


def _cacheable(past: Past, segment: Segment, before: int, after: int) -> bool:
    """Whether a conversation that goes on stays one that the provider caches, or becomes one, or gains more than that.

    A prompt just below what is cached is paid for in full each time, which a few tokens less do not make up for.
    """
    least = max(table.least for table in past.meter.tables)
    return segment.turn < GOING_ON or sum(past.after) + after >= least or before - after > least


def _earlier(past: Past, spans: Sequence[Span]) -> list[int]:
    """The few earlier segments that show most of a block's spans again, in order."""
    common: Tally[int] = Tally()
    for span in spans:
        at = past.places.get(sameness(span.text))
        if at is not None:
            common[at] += len(span.text)
    most = sorted(((-chars, at) for at, chars in common.items() if chars >= SHARED))[:COMPARED]
    return sorted(at for _, at in most)


def _goal(segments: Sequence[Segment], at: int) -> Segment | None:
    """What the user said last before a block."""
    return next((segments[i] for i in range(at - 1, -1, -1) if segments[i].kind is Kind.USER), None)


def _call(segments: Sequence[Segment], at: int) -> Segment | None:
    pair = segments[at].pair
    earlier = (segments[i] for i in range(at - 1, -1, -1))
    return next((s for s in earlier if s.kind is Kind.TOOL_CALL and s.pair == pair), None)


def _given_back(segment: Segment, call: Segment | None, past: Past) -> bool:
    """Whether a block is an original that was asked for: it is never shortened again."""
    if segment.name is not None and segment.name.endswith(RECALL_TOOL):
        return True
    return call is not None and any(key in call.text for key in past.keys)


def is_marked(tools: Tools, text: str) -> bool:
    """Whether a text carries a marker of ours already. A look-alike is inert: only keys that the store knows count."""
    return "recall=" in text and any(tools.store.get(key) is not None for key in KEY.findall(text))


def _unnamed(_text: str) -> str:
    return ""
