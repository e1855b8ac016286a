"""Wording of amounts and outcomes on every page and in every table: numbers of things, money, shares, decisions."""

from __future__ import annotations

from collections.abc import Mapping

from contextprune.money.format import format_usd
from contextprune.money.tariff import MTOK
from contextprune.plan import Action

OUTCOMES: Mapping[Action, str] = {
    Action.KEEP: "kept",
    Action.DIGEST: "digested",
    Action.MERGE: "merged",
    Action.DROP: "dropped",
}


def plural(number: int, word: str) -> str:
    """`1 session`, `2 sessions`."""
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def money(cost: float, *, priced: bool) -> str:
    """Dollars, or the tokens that would cost as much at the full input price."""
    return format_usd(cost) if priced else f"{cost * MTOK:,.0f}"


def share(part: float, total: float) -> str:
    """A percentage, "-" of nothing."""
    return f"{part / total:.1%}" if total else "-"
