from __future__ import annotations

import pytest

import contextprune as cp
from contextprune.plan import Action, Identifier
from contextprune.policy import Policy
from contextprune.rendering import render
from tests.selection.prepared import Setting, kept, lines, result
from tests.strategies import COUNTER

TEXT = lines("alpha", "beta", "gamma", "delta", each=8)


@pytest.mark.parametrize("share", [0.2, 0.4, 0.6, 0.9])
def test_the_new_texts_hold_at_most_the_ceiling_exactly_counted(share: float) -> None:
    setting = Setting.of(cp.Segment(cp.Kind.USER, "Go.", ("u",)), result(TEXT))
    ceiling = int(setting.total * share)
    plan = setting.select(ceiling)
    assert COUNTER("Go.") + sum(map(COUNTER, render(plan, setting.prices).values())) <= ceiling


def test_the_best_spans_stay() -> None:
    setting = Setting.of(result(TEXT))
    plan = setting.select(setting.total // 2, lambda span: 0.9 if "beta" in span.text else 0.1)
    assert kept(plan).count("beta.py") == 8


def test_failures_go_last_whatever_their_score() -> None:
    setting = Setting.of(
        result(TEXT + "src/lost.py:7: Error: the connection was lost\n" + TEXT.replace("value", "row"))
    )
    plan = setting.select(setting.total // 8, lambda span: 0.0 if "lost" in span.text else 1.0)
    assert "the connection was lost" in kept(plan)
    assert "failure line" in {d.reason for d in plan.decisions}


def test_of_equal_worth_the_later_stays() -> None:
    setting = Setting.of(result(TEXT))
    plan = setting.select(setting.total // 2, lambda _: 0.0)
    dropped = [d.action is not Action.KEEP for d in plan.decisions]
    assert dropped[0]
    assert not dropped[-1]


def test_recent_turns_are_preferred() -> None:
    old, new = result(TEXT, turn=1), result(TEXT.replace("value", "row"), turn=9)
    plan = Setting.of(old, new, policy=Policy(min_tokens=0, recent_turns=2)).select(400)
    by_segment = [0, 0]
    for span, decision in zip(plan.spans, plan.decisions, strict=True):
        by_segment[span.segment] += decision.action is Action.KEEP
    assert by_segment[1] > by_segment[0]


def test_protected_and_frozen_segments_stay_and_say_why() -> None:
    user, frozen = cp.Segment(cp.Kind.USER, "Go.", ("u",)), result(TEXT.replace("value", "row"))
    plan = Setting.of(user, frozen, result(TEXT)).select(700, frozen={1})
    reasons = {span.segment: d.reason for span, d in zip(plan.spans, plan.decisions, strict=True)}
    assert reasons[0] == "protected: user"
    assert reasons[1] == "already shortened"


def test_what_repeats_an_earlier_text_is_merged_into_it() -> None:
    setting = Setting.of(result(TEXT, turn=1), result(TEXT, turn=2))
    plan = setting.select(int(setting.total * 0.7))
    merged = [d for d in plan.decisions if d.action is Action.MERGE]
    assert merged
    assert all(plan.decisions[d.into].action is Action.KEEP for d in merged if d.into is not None)


def test_identifiers_of_what_goes_stay_in_the_marker() -> None:
    setting = Setting.of(result(TEXT))
    atom = Identifier(
        "src/gamma.py", 0.9, 4, tuple(i for i, s in enumerate(setting.spans) if "src/gamma.py:" in s.text)
    )
    plan = setting.select(40, lambda _: 0.0, [atom])
    (text,) = render(plan, setting.prices).values()
    assert "src/gamma.py" in text
    assert ("src/gamma.py",) in {d.digest for d in plan.decisions}


def test_only_among_several_results_does_length_count_against_a_line() -> None:
    long = "the long line that is most likely needed says so in a great many words, and then in some more of them\n"
    text = "".join(f"short {i}\n" for i in range(60)) + long + "".join(f"brief {i}\n" for i in range(60))

    def likely(span: cp.Span) -> float:
        return 0.6 if span.text == long else 0.5

    alone, several = Setting.of(result(text)), Setting.of(result(text, turn=1), result(lines("beta", each=9), turn=2))
    assert long in kept(alone.select(90, likely))
    assert long not in kept(several.select(90, likely))


def test_a_ceiling_below_what_is_protected_is_an_error_that_names_it() -> None:
    with pytest.raises(cp.BudgetError) as caught:
        Setting.of(cp.Segment(cp.Kind.SYSTEM, TEXT, ("s",)), result(TEXT)).select(50)
    assert caught.value.protected["system"] == COUNTER(TEXT)
    assert caught.value.budget == 50


def test_the_needed_tokens_of_the_error_are_enough() -> None:
    prose = "".join(f"beta is said on this line, which is line {i} of many\n" for i in range(30))
    setting = Setting.of(cp.Segment(cp.Kind.SYSTEM, prose, ("s",)), result(prose.replace("beta", "alpha")))
    with pytest.raises(cp.BudgetError) as caught:
        setting.select(0)
    setting.select(caught.value.needed)
