"""Facts about how our arms are brought to the budget of characters that every arm gets."""

from __future__ import annotations

import pytest

from contextprune.bench.ours import FULL, fitted


@pytest.mark.parametrize("bias", [0.5, 0.8, 1.0, 1.2, 1.5])
def test_a_method_that_misjudges_its_budget_is_brought_just_below_it(bias: float) -> None:
    share = fitted(lambda target: target * bias, lambda output: output, 0.3)
    assert 0.8 * FULL * 0.3 <= share <= 0.3


def test_a_method_that_cannot_go_below_gives_its_least() -> None:
    assert fitted(lambda target: max(0.4, target), lambda output: output, 0.3) == 0.4


def test_a_method_that_needs_less_is_left_with_less() -> None:
    assert fitted(lambda target: min(0.1, target), lambda output: output, 0.3) == 0.1
