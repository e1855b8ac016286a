"""Facts about dollars as text."""

from __future__ import annotations

import pytest

from contextprune.money.format import format_call_usd, format_usd


@pytest.mark.parametrize(
    ("dollars", "text"),
    [
        (0, "$0.0000"),
        (0.01234, "$0.0123"),
        (1.234, "$1.23"),
        (-1.234, "-$1.23"),
        (1234.5, "$1,234"),
        (999.9, "$999.90"),
    ],
)
def test_a_sum_has_digits_enough_to_compare(dollars: float, text: str) -> None:
    assert format_usd(dollars) == text


@pytest.mark.parametrize(
    ("dollars", "text"),
    [(0, "$0.00"), (0.0012344, "$0.001234"), (0.01234, "$0.0123"), (-1.2, "-$1.2000"), (1234.5, "$1,234.50")],
)
def test_the_price_of_a_call_shows_fractions_of_a_cent(dollars: float, text: str) -> None:
    assert format_call_usd(dollars) == text
