"""Budgets and policies."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contextprune.errors import SettingsError
from contextprune.policy import Budget, Policy, Rule


@given(ratio=st.floats(0, 1), total=st.integers(0, 10**9))
def test_a_ratio_never_resolves_to_more_than_came_in(ratio: float, total: int) -> None:
    assert 0 <= Budget(ratio=ratio).resolve(total) <= total


def test_a_budget_in_tokens_is_that_many_tokens() -> None:
    assert Budget(tokens=7).resolve(1_000) == 7


@pytest.mark.parametrize(
    ("tokens", "ratio"), [(None, None), (1, 0.5), (-1, None), (None, -0.1), (None, 1.1), (None, float("nan"))]
)
def test_a_budget_that_is_no_ceiling_is_refused(tokens: int | None, ratio: float | None) -> None:
    with pytest.raises(SettingsError):
        Budget(tokens=tokens, ratio=ratio)


def test_the_first_rule_whose_pattern_fits_holds() -> None:
    policy = Policy(tools={"mcp__*": Rule(0.5), "mcp__search": Rule(0.6), "": Rule(0.7)})
    rules = [policy.rule(tool) for tool in ("mcp__search", "bash", None)]
    assert rules == [Rule(0.5), Rule(), Rule(0.7)]


@pytest.mark.parametrize(("epochs", "repetitions_only"), [(False, False), (False, True), (True, True)])
def test_old_blocks_stay_as_decided_without_epochs_and_where_only_repetitions_go(
    epochs: bool, repetitions_only: bool
) -> None:
    assert not Policy(epochs=epochs, repetitions_only=repetitions_only).redecides
    assert Policy().redecides
