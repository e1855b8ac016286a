"""The laws that hold for every conversation, every scorer and every budget: what is counted, kept, and given back."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import contextprune as cp
from contextprune.context import blocks_of
from contextprune.dialects import apply, read
from contextprune.markers import KEY, MARKER, most_tokens
from contextprune.plan import Action
from contextprune.prepare import count, prepare
from contextprune.rendering import gaps
from contextprune.selection import under_budget
from contextprune.selection.protection import movable
from contextprune.splitting import split
from contextprune.storage.bundle import bundled
from tests.selection.prepared import left_out_though_it_fits
from tests.strategies import (
    ALL_SHAPES,
    BODIES,
    COUNTER,
    LEXICAL,
    SCORERS,
    Turn,
    budgets,
    chat_messages,
    contexts,
    histories,
    payloads,
    pruner,
    skeleton,
)
from tests.tool_outputs import json_lines

every_scorer = pytest.mark.parametrize("scorer", SCORERS, ids=lambda scorer: scorer.name[:7])
maybe_a_budget = st.none() | budgets()


def tokens(payload: Any) -> int:
    """Tokens of a payload read afresh, images included."""
    return sum(s.cost if s.cost is not None else COUNTER(s.text) for s in read(payload).segments)


def size(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def compressed(payload: Any, budget: cp.Budget | None, engine: cp.Pruner) -> cp.Compressed[Any]:
    """The result, or that of arrival mode where the budget cannot hold what is protected."""
    try:
        return cp.compress(payload, budget, pruner=engine)
    except cp.BudgetError:
        return cp.compress(payload, pruner=engine)


@given(contexts())
def test_1_spans_tile_their_segment(context: cp.Context) -> None:
    spans = split(context)
    assert [span.segment for span in spans] == sorted(span.segment for span in spans)
    for index, segment in enumerate(context.segments):
        own = [span for span in spans if span.segment == index]
        assert "".join(span.text for span in own) == segment.text
        assert [span.start for span in own] == [0, *(span.end for span in own)][: len(own)]


@given(payloads(shapes=ALL_SHAPES))
def test_2_a_budget_that_holds_everything_gives_the_very_same_object(payload: Any) -> None:
    engine = pruner()
    assert cp.compress(payload, cp.Budget(ratio=1.0), pruner=engine).payload is payload
    assert cp.compress(payload, cp.Budget(tokens=tokens(payload)), pruner=engine).payload is payload


@given(payloads(shapes=ALL_SHAPES))
def test_2_no_edits_give_the_very_same_object(payload: Any) -> None:
    assert apply(payload, {}) is payload
    assert apply(payload, {s.ref: s.text for s in read(payload).segments if s.editable}) is payload


@given(payloads(shapes=ALL_SHAPES), maybe_a_budget)
def test_2_the_callers_object_is_never_changed(payload: Any, budget: cp.Budget | None) -> None:
    before = json.dumps(payload)
    compressed(payload, budget, pruner())
    assert json.dumps(payload) == before


@every_scorer
@given(payload=payloads(shapes=ALL_SHAPES), budget=budgets())
def test_3_the_budget_holds_or_the_error_names_what_is_protected(
    scorer: cp.Scorer, payload: Any, budget: cp.Budget
) -> None:
    ceiling = budget.resolve(tokens(payload))
    try:
        out = cp.compress(payload, budget, pruner=pruner(scorer))
    except cp.BudgetError as caught:
        error = caught
    else:
        assert tokens(out.payload) <= ceiling
        assert out.report.after == tokens(out.payload)
        return
    assert error.needed > ceiling
    assert sum(error.protected.values()) > 0
    assert all(kind in str(error) for kind, held in error.protected.items() if held)


@given(payload=payloads(shapes=ALL_SHAPES))
def test_3_the_budget_that_the_error_asks_for_is_enough(payload: Any) -> None:
    needed = 0
    try:
        cp.compress(payload, cp.Budget(tokens=0), pruner=pruner())
    except cp.BudgetError as error:
        needed = error.needed
    assert tokens(cp.compress(payload, cp.Budget(tokens=needed), pruner=pruner()).payload) <= needed


def test_3_the_budget_that_the_error_asks_for_is_enough_for_two_results_of_odd_line_ends() -> None:
    text = json_lines(2, 0)
    calls = (("call_0_0", text), ("call_0_1", text.replace("\n", "\r\n")))
    turn = Turn(None, None, calls, (0, 1), None, failed=False, breakpoint=False, extra=0)
    payload = BODIES["chat"]([turn], "Why does orders fail? Look at billing.")
    with pytest.raises(cp.BudgetError) as caught:
        cp.compress(payload, cp.Budget(tokens=0), pruner=pruner())
    cp.compress(payload, cp.Budget(tokens=caught.value.needed), pruner=pruner())


@every_scorer
@given(payload=payloads(shapes=ALL_SHAPES), budget=maybe_a_budget)
def test_4_what_a_kept_span_needs_is_kept(scorer: cp.Scorer, payload: Any, budget: cp.Budget | None) -> None:
    plan = compressed(payload, budget, pruner(scorer)).plan
    kept = [decision.action is Action.KEEP for decision in plan.decisions]
    assert all(kept[anchor] for i, span in enumerate(plan.spans) if kept[i] for anchor in span.anchors)


@every_scorer
@given(payload=payloads(shapes=ALL_SHAPES), budget=maybe_a_budget)
def test_5_7_nothing_changes_but_the_texts_of_results(
    scorer: cp.Scorer, payload: Any, budget: cp.Budget | None
) -> None:
    """Protected text, ids, order, pairing, signatures, images, breakpoints, unknown fields: all in one comparison."""
    engine, arriving = pruner(scorer), budget is None
    try:
        out = cp.compress(payload, budget, pruner=engine).payload
    except cp.BudgetError:
        out, arriving = cp.compress(payload, pruner=engine).payload, True
    assert json.dumps(skeleton(out, marked=arriving)) == json.dumps(skeleton(payload, marked=arriving))


@given(context=contexts(), budget=maybe_a_budget)
def test_5_no_edit_touches_a_protected_segment(context: cp.Context, budget: cp.Budget | None) -> None:
    try:
        edits = pruner(exclude_tools=("bash",))(context, budget).edits
    except cp.BudgetError:
        return
    free = (cp.Kind.TOOL_RESULT, cp.Kind.DOCUMENT, cp.Kind.EXAMPLE)
    for segment in context.segments:
        if segment.kind not in free or not segment.editable or segment.name == "bash":
            assert segment.ref not in edits


@every_scorer
@given(payload=payloads(shapes=ALL_SHAPES), budget=maybe_a_budget)
def test_8_nothing_grows(scorer: cp.Scorer, payload: Any, budget: cp.Budget | None) -> None:
    out = compressed(payload, budget, pruner(scorer)).payload
    for before, after in zip(read(payload).segments, read(out).segments, strict=True):
        assert COUNTER(after.text) <= COUNTER(before.text)
        assert size(after.text) <= size(before.text)
        assert (before.text == "") == (after.text == "")


@every_scorer
@given(payload=payloads(shapes=ALL_SHAPES), budget=maybe_a_budget)
def test_8_the_payload_does_not_grow_on_the_wire(scorer: cp.Scorer, payload: Any, budget: cp.Budget | None) -> None:
    out = compressed(payload, budget, pruner(scorer)).payload
    for plain in (True, False):
        assert size(json.dumps(out, ensure_ascii=plain)) <= size(json.dumps(payload, ensure_ascii=plain))


@given(histories(), st.data())
def test_10_more_turns_leave_the_earlier_output_as_it_was(history: Any, data: st.DataObject) -> None:
    messages = chat_messages(history, "Why does orders fail? Look at billing.")
    cut = data.draw(st.integers(0, len(messages)))
    engine = pruner()
    assert cp.compress(messages[:cut], pruner=engine).payload == cp.compress(messages, pruner=engine).payload[:cut]


@given(payloads(shapes=("responses", "anthropic")), st.data())
def test_10_a_body_with_more_turns_keeps_its_beginning(payload: Any, data: st.DataObject) -> None:
    key = "input" if "input" in payload else "messages"
    cut = data.draw(st.integers(0, len(payload[key])))
    earlier = cp.compress({**payload, key: payload[key][:cut]}, pruner=pruner()).payload
    assert earlier[key] == cp.compress(payload, pruner=pruner()).payload[key][:cut]


@every_scorer
@given(payload=payloads(shapes=ALL_SHAPES), budget=maybe_a_budget)
def test_11_compressing_the_output_changes_nothing(scorer: cp.Scorer, payload: Any, budget: cp.Budget | None) -> None:
    """Where not even one key fits, nothing in the output tells what it was, so a share of it is another budget."""
    engine = pruner(scorer)
    try:
        out = cp.compress(payload, budget, pruner=engine)
    except cp.BudgetError:
        return
    once = out.payload
    if not out.report.key or any(out.report.key in segment.text for segment in read(once).segments):
        assert cp.compress(once, budget, pruner=engine).payload is once


@given(payloads(shapes=ALL_SHAPES), budgets(), budgets())
def test_11_markers_are_never_nested(payload: Any, first: cp.Budget, second: cp.Budget) -> None:
    engine = pruner()
    once = compressed(payload, first, engine).payload
    twice = compressed(once, second, engine).payload
    for segment in read(twice).segments:
        assert len({key for key in KEY.findall(segment.text) if engine.store.get(key) is not None}) <= 1


@every_scorer
@given(payload=payloads(shapes=ALL_SHAPES), budget=maybe_a_budget)
def test_12_recall_gives_back_each_changed_text(scorer: cp.Scorer, payload: Any, budget: cp.Budget | None) -> None:
    """By the key in it, or by the key of the whole request."""
    engine = pruner(scorer)
    out = compressed(payload, budget, engine)
    whole = cp.recall(out.report.key, pruner=engine) if out.report.key else ""
    together = bundled(whole)
    for i, (before, after) in enumerate(zip(read(payload).segments, read(out.payload).segments, strict=True)):
        if after.text != before.text:
            known = [key for key in KEY.findall(after.text) if engine.store.get(key) is not None]
            own = [cp.recall(key, pruner=engine) for key in known if key != out.report.key or not together]
            bare = [together.get(i, whole)] if whole and not own else []
            assert [*own, *bare] == [before.text]


@every_scorer
@given(payload=payloads(shapes=ALL_SHAPES), budget=budgets())
def test_13_the_budget_is_used(scorer: cp.Scorer, payload: Any, budget: cp.Budget) -> None:
    """No span that scores above nothing and fits, its anchors and markers charged, stays out while room is left."""
    engine, context = pruner(scorer), read(payload)
    counted = count(engine.counter, context, split(context))
    prepared = prepare(engine.resources, counted, movable(context, engine.policy))
    ceiling = budget.resolve(sum(counted.tokens))
    try:
        plan = under_budget(prepared, ceiling)
    except cp.BudgetError:
        return
    assert not left_out_though_it_fits(prepared, plan, ceiling)


SHORT_MARKER = re.compile(
    r"\[(?:\d+ [a-z ]+?(?: at \d+)? (?:cut|as above)|\.\.\.(?: \d+)?|as above(?: \d+)?)(?:, recall=[a-z2-7]{12})?\]"
    r"(?:\": \"\")?"
)
"""A marker that says no more than how much is gone."""
FRAME = 6  # tokens of the comment, the member of an object or the line break that a marker stands in


def markers_of(plan: cp.Plan, texts: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Each marker of the new `texts` of a plan's segments, with the tokens of what it stands for."""
    for block in blocks_of(plan.spans):
        text, at = texts[plan.spans[block.start].segment], 0
        for item in gaps(plan.decisions[block.start : block.stop], block.start):
            if isinstance(item, int):
                at = text.index(plan.spans[item].text, at) + len(plan.spans[item].text)
            elif marker := MARKER.search(text, at):
                yield marker[0], sum(decision.cost for decision in plan.decisions[item.first : item.end])


@given(payloads(shapes=ALL_SHAPES), maybe_a_budget)
@settings(max_examples=10)
def test_no_marker_takes_more_than_its_share_of_what_it_stands_for(payload: Any, budget: cp.Budget | None) -> None:
    out = compressed(payload, budget, pruner())
    for marker, stands_for in markers_of(out.plan, [segment.text for segment in read(out.payload).segments]):
        assert COUNTER(marker) <= most_tokens(stands_for) + FRAME or SHORT_MARKER.fullmatch(marker)


@given(payloads(shapes=ALL_SHAPES), maybe_a_budget)
def test_a_query_of_the_callers_own_changes_no_law(payload: Any, budget: cp.Budget | None) -> None:
    try:
        out = cp.compress(payload, budget, query="what is wrong with orders", pruner=pruner(LEXICAL))
    except cp.BudgetError:
        return
    before, after = (skeleton(body, marked=budget is None) for body in (payload, out.payload))
    assert json.dumps(before) == json.dumps(after)
    assert tokens(out.payload) <= (budget.resolve(tokens(payload)) if budget else tokens(payload))
