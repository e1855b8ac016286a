from __future__ import annotations

import json
from pathlib import Path

from contextprune.batch import bodies, compress_file
from contextprune.dialects import Lines, load
from contextprune.plan import Action
from contextprune.policy import Budget, Policy
from contextprune.pruner import Pruner
from contextprune.scoring import load_scorer
from contextprune.storage.store import MemoryStore
from contextprune.tokens import Tiktoken

DATA = Path(__file__).parent.parent / "examples" / "data"
PRUNER = Pruner(Policy(), load_scorer("lexical"), Tiktoken(), MemoryStore())
BODY = json.loads((DATA / "swe.json").read_bytes())


def test_a_session_log_is_one_context_and_request_bodies_are_many() -> None:
    log, _ = load((DATA / "swe.claude-code.jsonl").read_bytes())
    assert [each is log for each in bodies(log)] == [True]
    assert len(bodies(Lines([BODY, BODY]))) == 2
    assert len(bodies(Lines([BODY]))) == 1
    assert bodies(BODY)[0] is BODY


def test_several_contexts_are_told_as_one() -> None:
    told: list[str] = []
    one = compress_file(BODY, Budget(ratio=0.4), None, None, PRUNER, told.append)
    two = compress_file(Lines([BODY, BODY]), Budget(ratio=0.4), None, None, PRUNER, told.append)
    assert two.payload == [one.payload, one.payload]
    assert (two.report.before, two.report.after) == (2 * one.report.before, 2 * one.report.after)
    assert two.report.by_kind == {kind: (2 * a, 2 * b) for kind, (a, b) in one.report.by_kind.items()}
    assert two.report.cost is None
    assert told == ["compressing", "compressing record 1 of 2", "compressing record 2 of 2"]


def test_the_money_of_several_requests_is_added_up() -> None:
    one, two = (
        compress_file(body, None, None, None, PRUNER, lambda _: None).report for body in (BODY, Lines([BODY] * 2))
    )
    assert one.cost is not None
    assert two.cost == one.cost + one.cost


def test_merged_spans_still_point_to_their_equals_in_a_joined_plan() -> None:
    plan = compress_file(Lines([BODY, BODY]), Budget(ratio=0.4), None, None, PRUNER, lambda _: None).plan
    half = len(plan.spans) // 2
    merges = [(i, d.into) for i, d in enumerate(plan.decisions) if d.action is Action.MERGE and d.into is not None]
    assert merges
    assert all((i < half) == (into < half) for i, into in merges)
    assert all(span.text in plan.context.segments[span.segment].text for span in plan.spans)
