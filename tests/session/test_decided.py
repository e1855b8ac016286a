"""What is sent of a conversation, put together: the plan and the sizes cover the whole context."""

from __future__ import annotations

import contextprune as cp
from contextprune.plan import Action
from tests.session.test_sent import conversation, head, pruner


def test_the_plan_and_the_sizes_have_every_segment_of_the_context_in_its_order() -> None:
    context = conversation(3, *head("0"))
    done = pruner()(context)
    assert list(dict.fromkeys(span.segment for span in done.plan.spans)) == list(range(len(context.segments)))
    assert len(done.sizes) == len(context.segments)
    assert all(before == after > 0 for before, after in done.sizes[:3])


def test_what_is_no_part_of_the_conversation_is_kept_for_its_protection() -> None:
    done = pruner()(conversation(1, *head("0")))
    first = [decision for span, decision in zip(done.plan.spans, done.plan.decisions, strict=True) if span.segment < 2]
    assert {decision.action for decision in first} == {Action.KEEP}
    assert all(decision.cost for decision in first)


def test_a_copy_names_the_span_that_shows_it_also_behind_a_head() -> None:
    call, result = conversation(1).segments[1:]
    again = [cp.Segment(s.kind, s.text, ("n", i), 2, "x", s.name) for i, s in enumerate((call, result))]
    context = cp.Context((*head("0"), *conversation(1).segments, *again))
    plan = pruner()(context).plan
    merged = [decision for decision in plan.decisions if decision.action is Action.MERGE]
    assert merged
    assert {plan.spans[decision.into or 0].segment for decision in merged} == {4}
