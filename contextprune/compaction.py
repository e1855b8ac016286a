"""An epoch: old blocks decided anew, deeply and all at once, when it is needed or pays; then frozen again.

Only what may go is weighed: results and documents of older turns. What the model has just seen, failures that nothing
has mended yet, what was asked back, and everything before signed reasoning that is bound to it stay as they were sent.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from contextprune.arrival import RECALL_TOOL, Tools, is_marked, size
from contextprune.context import Context, Kind, Segment, Span
from contextprune.errors import BudgetError
from contextprune.failures import FAILURE
from contextprune.past import BLOCKS, Past, shown_as
from contextprune.plan import Plan
from contextprune.rendering import Markers, render
from contextprune.scoring import atoms, check
from contextprune.selection import Observed, is_view, protection, select, share_at_epoch

LEAST = 100  # tokens that an old block must be able to lose
GOAL = 4000  # characters of what the user said last
RECENT = 4  # the least number of turns that an epoch leaves alone
Changed = tuple[tuple[int, str, int], ...]


def compact(tools: Tools, past: Past, context: Context) -> Changed:
    """(segment, what is sent from now on, tokens) of each block that changes before the request that ends here."""
    policy, full = tools.policy, sum(past.after) > tools.policy.high_water * tools.policy.window
    if not policy.epochs or context.bound or (not full and past.meter.rests()):
        return ()
    old = [i for i in range(len(past.texts)) if _is_old(tools, past, i)]
    shares = {i: share_at_epoch(_observed(tools, past, i), policy) for i in old}
    going = {i: past.after[i] - int(shares[i] * past.before[i]) for i in old}
    going = {i: tokens for i, tokens in going.items() if tokens >= LEAST}
    if full:
        excess = sum(past.after) - int(policy.low_water * policy.window)
        ceiling = max(0, sum(past.after[i] for i in old) - excess)
        return _rewritten(tools, past, old, ceiling)
    first = _begin(past, going)
    if first is None:
        return ()
    chosen = [i for i in going if i >= first]
    changed = _rewritten(tools, past, chosen, sum(past.after[i] - going[i] for i in chosen))
    removed = sum(past.after[i] - tokens for i, _, tokens in changed)
    behind = sum(past.after[min((i for i, _, _ in changed), default=0) :]) - removed
    return changed if changed and past.meter.pays(removed, behind) else ()


def _begin(past: Past, going: dict[int, int]) -> int | None:
    """From which block on rewriting gains most, by the meter; None where it never pays."""
    best: tuple[float, int] | None = None
    behind, removed = 0, 0
    for i in range(len(past.after) - 1, -1, -1):
        behind += past.after[i] - going.get(i, 0)
        if i in going:
            removed += going[i]
            gain = past.meter.gain(removed, behind)
            if past.meter.pays(removed, behind) and (best is None or gain > best[0]):
                best = gain, i
    return None if best is None else best[1]


def _is_old(tools: Tools, past: Past, at: int) -> bool:
    """Whether a block may be decided anew."""
    segment = past.segments[at]
    if segment.kind not in BLOCKS or protection(segment, tools.policy) is not None or segment.cost is not None:
        return False
    age = past.segments[-1].turn - segment.turn
    if age < max(RECENT, tools.policy.recent_turns):
        return False
    if segment.name is not None and segment.name.endswith(RECALL_TOOL):
        return False
    return not is_marked(tools, segment.text) and not _open_failure(past, at)


def _open_failure(past: Past, at: int) -> bool:
    """Whether a result failed and the same tool has not succeeded since."""
    segment = past.segments[at]
    if not _failed(segment):
        return False
    later = (s for s in past.segments[at + 1 :] if s.kind is Kind.TOOL_RESULT and s.name == segment.name)
    return all(_failed(s) for s in later)


def _failed(segment: Segment) -> bool:
    return segment.failed or FAILURE.search(segment.text) is not None


def _observed(tools: Tools, past: Past, at: int) -> Observed:
    segment = past.segments[at]
    calls = (s.text for s in reversed(past.segments[:at]) if s.kind is Kind.TOOL_CALL and s.pair == segment.pair)
    return Observed(
        segment.kind,
        segment.name or "",
        past.before[at],
        (),
        past.segments[-1].turn - segment.turn,
        sum(past.after) / tools.policy.window,
        is_view(next(calls, ""), segment.name),
    )


def _rewritten(tools: Tools, past: Past, old: Sequence[int], ceiling: int) -> Changed:
    """What select makes of the old blocks under a ceiling for all of them, where that is shorter than what was sent."""
    if not old:
        return ()
    free = frozenset(old)
    segments = tuple(
        replace(segment, marked=False)
        if i in free
        else replace(shown_as(segment, past.text(i)), editable=False, cost=segment.cost)
        for i, segment in enumerate(past.segments)
    )
    goal = next((s.text for s in reversed(past.segments) if s.kind is Kind.USER), "")
    seen = Context(segments, goal[:GOAL])
    spans = tools.split(seen)
    costs = _costs(tools, past, spans, free)
    scores = tools.scorer(seen, spans)
    check(scores, spans, tools.scorer.name)
    named = atoms(seen, spans, free, tools.counter.pieces) if tools.recallable else []
    markers = Markers(seen, spans, tools.counter, tools.store.key if tools.recallable else None)
    ceiling += sum(tokens for i, tokens in enumerate(past.after) if i not in free)

    def under(most: int) -> Plan:
        return select(seen, spans, scores, costs, tools.policy, markers, most, named)

    try:
        plan = under(ceiling)
    except BudgetError as error:  # failures and markers alone exceed it: as little as they allow
        plan = under(error.needed)
    found = []
    for i, text in sorted(render(plan, markers).items()):
        tokens = tools.counter(text)
        if i in free and tokens < past.after[i] and size(text) <= size(past.text(i)):
            found.append((i, text, tokens))
    return tuple(found)


def _costs(tools: Tools, past: Past, spans: Sequence[Span], free: Collection[int]) -> list[int]:
    """Tokens of each span; what does not change is one span, and was counted before."""
    ends: dict[int, list[int]] = {}
    for span in spans:
        ends.setdefault(span.segment, []).append(span.end)
    costs: list[int] = []
    for segment, cuts in ends.items():
        text = past.segments[segment].text
        costs += tools.counter.pieces(text, cuts) if segment in free else [past.after[segment]]
    return costs
