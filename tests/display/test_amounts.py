from __future__ import annotations

import pytest

from contextprune.display.amounts import money, plural, share


@pytest.mark.parametrize(
    ("cost", "words"),
    [(1234.5, "$1,234"), (12.345, "$12.35"), (0.01234, "$0.0123"), (0.0, "$0.0000"), (-2.0, "-$2.00")],
)
def test_small_sums_have_more_digits(cost: float, words: str) -> None:
    assert money(cost, priced=True) == words


def test_relative_costs_are_said_in_tokens() -> None:
    assert money(0.0123, priced=False) == "12,300"


def test_shares_and_plurals() -> None:
    assert (share(1, 8), share(0, 0)) == ("12.5%", "-")
    assert (plural(1, "session"), plural(2_000, "session")) == ("1 session", "2,000 sessions")
