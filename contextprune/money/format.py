"""Dollars as text, for reports, pages and the dashboard alike."""

from __future__ import annotations


def format_usd(dollars: float) -> str:
    """A sum, to be compared at a glance: `$1,234`, `$1.23`, `-$0.0123`."""
    size = abs(dollars)
    return _signed(dollars, 0 if size >= 1_000 else 2 if size >= 1 else 4)


def format_call_usd(dollars: float) -> str:
    """The price of a call, which may be a fraction of a cent: `$123.45`, `$1.2345`, `$0.001234`; `$0.00` is none."""
    size = abs(dollars)
    return _signed(dollars, 2 if size >= 100 or not size else 4 if size >= 0.01 else 6)


def _signed(dollars: float, digits: int) -> str:
    return f"{'-' if dollars < 0 else ''}${abs(dollars):,.{digits}f}"
