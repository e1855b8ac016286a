"""How hard a block is pruned, from what can be observed of it."""

from __future__ import annotations

import pytest

from contextprune.policy import Policy, Rule
from contextprune.selection.targets import LARGE, LEAST_RECALL, recall_on_arrival, share_at_epoch


def recall_of(
    policy: Policy, tokens: int = 800, tool: str = "search", *, view: bool = False, by_query: bool = False
) -> float:
    return recall_on_arrival(policy, tool, tokens, view=view, by_query=by_query)


@pytest.mark.parametrize("recall", [0.3, 0.95, 1.0])
@pytest.mark.parametrize("tokens", [10, 800, 50_000])
def test_the_recall_is_a_share(recall: float, tokens: int) -> None:
    assert 0.0 < recall_of(Policy(recall=recall), tokens) <= 1.0


def test_a_higher_recall_never_gives_a_lower_one() -> None:
    recalls = [recall_of(Policy(recall=recall)) for recall in (0.3, 0.6, 0.9, 1.0)]
    assert recalls == sorted(recalls)


def test_views_lose_nothing_unless_the_policy_says_otherwise() -> None:
    assert recall_of(Policy(recall=0.5), view=True) == 1.0
    assert recall_of(Policy(recall=0.5, tools={"search": Rule(0.3)}), view=True) == 1.0
    assert recall_of(Policy(recall=0.5, shorten_views=True), view=True) < 1.0


def test_the_rule_of_a_tool_comes_before_the_policy() -> None:
    policy = Policy(recall=0.5, tools={"se*": Rule(0.25), "fetch": Rule(min_tokens=0)})
    assert recall_of(policy, LARGE[0]) == 0.25
    assert recall_of(policy) == recall_of(Policy(recall=0.25))
    assert recall_of(policy, tool="fetch") == recall_of(Policy(recall=0.5), tool="fetch")


def test_of_a_small_result_as_much_survives_as_was_asked_for() -> None:
    assert recall_of(Policy(recall=0.9), LARGE[0]) == 0.9


def test_the_larger_a_result_the_more_of_it_may_be_missed() -> None:
    recalls = [recall_of(Policy(), tokens) for tokens in (*LARGE, 800, 1600, 9000)]
    assert recalls[0] > recalls[2] > recalls[3] > recalls[1] == recalls[4]


def test_however_large_a_result_a_share_of_what_was_asked_for_survives() -> None:
    for recall in (0.3, 0.6, 0.95):
        assert recall_of(Policy(recall=recall), 10**6) >= recall * LEAST_RECALL


def test_where_all_is_wanted_all_survives_however_large_a_result_is() -> None:
    assert recall_of(Policy(recall=1.0), 10**6) == 1.0


def test_where_the_caller_said_what_it_is_for_the_recall_is_the_one_asked_for() -> None:
    assert recall_of(Policy(recall=0.9), 10**6, by_query=True) == 0.9


def test_an_epoch_leaves_a_share() -> None:
    assert 0.0 < share_at_epoch(Policy(), pressure=0.2, age=9) < 1.0


def test_where_the_window_is_nearly_full_what_is_long_past_keeps_less() -> None:
    assert share_at_epoch(Policy(), pressure=0.85, age=50) < share_at_epoch(Policy(), pressure=0.85, age=9)


def test_below_the_high_water_mark_age_does_not_count() -> None:
    assert share_at_epoch(Policy(high_water=0.9), pressure=0.85, age=50) == share_at_epoch(Policy(), 0.2, 0)
