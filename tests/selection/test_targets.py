"""How hard a block is pruned, from what can be observed of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from contextprune.context import Kind
from contextprune.policy import Policy, Rule
from contextprune.selection.targets import LARGE, LEAST, Observed, recall_on_arrival, share_at_epoch

SEEN = Observed(Kind.TOOL_RESULT, "search", 800, (0.1, 0.9), 0, 0.2, quoted=False)
VIEW = replace(SEEN, quoted=True)


@pytest.mark.parametrize("recall", [0.3, 0.95, 1.0])
@pytest.mark.parametrize("tokens", [10, 800, 50_000])
def test_the_recall_is_a_share(recall: float, tokens: int) -> None:
    assert 0.0 < recall_on_arrival(replace(SEEN, tokens=tokens), Policy(recall=recall)) <= 1.0


def test_a_higher_recall_never_gives_a_lower_one() -> None:
    found = [recall_on_arrival(SEEN, Policy(recall=recall)) for recall in (0.3, 0.6, 0.9, 1.0)]
    assert found == sorted(found)


def test_views_lose_nothing_unless_the_policy_says_otherwise() -> None:
    assert recall_on_arrival(VIEW, Policy(recall=0.5)) == 1.0
    assert recall_on_arrival(VIEW, Policy(recall=0.5, tools={"search": Rule(0.3)})) == 1.0
    assert recall_on_arrival(VIEW, Policy(recall=0.5, shorten_views=True)) < 1.0


def test_the_rule_of_a_tool_comes_before_the_policy() -> None:
    policy = Policy(recall=0.5, tools={"se*": Rule(0.25), "fetch": Rule(min_tokens=0)})
    assert recall_on_arrival(replace(SEEN, tokens=LARGE[0]), policy) == 0.25
    assert recall_on_arrival(SEEN, policy) == recall_on_arrival(SEEN, Policy(recall=0.25))
    fetched = replace(SEEN, tool="fetch")
    assert recall_on_arrival(fetched, policy) == recall_on_arrival(fetched, Policy(recall=0.5))


def test_of_a_small_result_as_much_survives_as_was_asked_for() -> None:
    assert recall_on_arrival(replace(SEEN, tokens=LARGE[0]), Policy(recall=0.9)) == 0.9


def test_the_larger_a_result_the_more_of_it_may_be_missed() -> None:
    found = [recall_on_arrival(replace(SEEN, tokens=tokens), Policy()) for tokens in (*LARGE, 800, 1600, 9000)]
    assert found[0] > found[2] > found[3] > found[1] == found[4]


def test_however_large_a_result_a_share_of_what_was_asked_for_survives() -> None:
    for recall in (0.3, 0.6, 0.95):
        assert recall_on_arrival(replace(SEEN, tokens=10**6), Policy(recall=recall)) >= recall * LEAST


def test_where_all_is_wanted_all_survives_however_large_a_result_is() -> None:
    assert recall_on_arrival(replace(SEEN, tokens=10**6), Policy(recall=1.0)) == 1.0


def test_where_the_caller_said_what_it_is_for_the_recall_is_the_one_asked_for() -> None:
    assert recall_on_arrival(replace(SEEN, tokens=10**6, asked=True), Policy(recall=0.9)) == 0.9


def test_an_epoch_leaves_a_share() -> None:
    assert 0.0 < share_at_epoch(replace(SEEN, age=9), Policy()) < 1.0


def test_where_the_window_is_nearly_full_what_is_long_past_keeps_less() -> None:
    full = replace(SEEN, pressure=0.85)
    assert share_at_epoch(replace(full, age=50), Policy()) < share_at_epoch(replace(full, age=9), Policy())
    assert share_at_epoch(replace(full, age=50), Policy(high_water=0.9)) == share_at_epoch(SEEN, Policy())
