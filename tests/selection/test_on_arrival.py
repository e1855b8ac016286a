from __future__ import annotations

from itertools import pairwise

import contextprune as cp
from contextprune.plan import Action
from contextprune.policy import Policy
from tests import tool_outputs as outputs
from tests.selection.prepared import Setting, kept, lines, result

TEXT = lines("alpha", "beta", "gamma", "delta", each=8)


def beta(span: cp.Span) -> float:
    return 0.9 if "beta" in span.text else 0.01


def actions(plan: cp.Plan) -> set[Action]:
    return {decision.action for decision in plan.decisions}


def test_what_is_expected_to_be_needed_stays() -> None:
    plan = Setting.of(result(TEXT)).arrive(beta)
    assert kept(plan).count("beta.py") == 8
    assert kept(plan).count("delta.py") < 8


def test_enough_of_a_block_stays_however_little_is_expected_of_it() -> None:
    setting = Setting.of(result(TEXT * 4), policy=Policy(min_tokens=0, recall=0.01))
    plan = setting.arrive(lambda span: 0.01 if "beta" in span.text else 0.001)
    left = sum(d.cost for d in plan.decisions if d.action is Action.KEEP)
    assert 12 * setting.total**0.5 <= left < 0.6 * setting.total
    assert kept(plan).count("beta.py") > kept(plan).count("gamma.py")


def test_a_higher_recall_keeps_no_less() -> None:
    texts = []
    for recall in (0.2, 0.5, 0.8, 1.0):
        plan = Setting.of(result(TEXT), policy=Policy(min_tokens=0, recall=recall)).arrive(
            lambda s: len(s.text) % 7 / 7
        )
        texts.append(sum(d.cost for d in plan.decisions if d.action is Action.KEEP))
    assert all(less <= more for less, more in pairwise(texts))
    assert texts[0] < texts[-1]


def test_small_blocks_stay() -> None:
    assert actions(Setting.of(result(TEXT), policy=Policy(min_tokens=10_000)).arrive(beta)) == {Action.KEEP}


def test_views_of_files_and_diffs_stay() -> None:
    for text in (outputs.numbered(40, 1), outputs.diff(40, 1)):
        assert actions(Setting.of(result(text)).arrive(lambda _: 0.0)) == {Action.KEEP}


def test_a_block_that_would_lose_little_stays_whole() -> None:
    almost_all = Setting.of(result(TEXT)).arrive(lambda span: 0.001 if ":0:" in span.text else 0.9)
    assert actions(almost_all) == {Action.KEEP}


def test_failures_stay_whatever_their_score() -> None:
    text = TEXT + "src/lost.py:7: Error: the connection was lost\n" + TEXT.replace("value", "row")
    plan = Setting.of(result(text)).arrive(lambda span: 0.0 if "lost" in span.text else beta(span))
    assert "the connection was lost" in kept(plan)


def test_protected_segments_stay() -> None:
    plan = Setting.of(cp.Segment(cp.Kind.USER, TEXT, ("u",)), result(TEXT)).arrive(beta)
    assert all(d.action is Action.KEEP for s, d in zip(plan.spans, plan.decisions, strict=True) if s.segment == 0)


def test_frozen_segments_stay() -> None:
    assert actions(Setting.of(result(TEXT)).arrive(beta, frozen={0})) == {Action.KEEP}


def test_later_blocks_change_nothing_about_earlier_ones() -> None:
    first = result(TEXT)
    alone = Setting.of(first).arrive(beta)
    followed = Setting.of(first, result(TEXT, turn=2), result("ERROR: gone\n" * 30, turn=3)).arrive(beta)
    assert followed.decisions[: len(alone.decisions)] == alone.decisions


def test_what_repeats_an_earlier_block_refers_to_it() -> None:
    plan = Setting.of(result(TEXT), result(TEXT, turn=2)).arrive(lambda _: 0.5)
    assert Action.MERGE in actions(plan)
