"""The money that a scorer process tells the front."""

from __future__ import annotations

import pytest

from contextprune.money.cost import Prompt
from contextprune.proxy.worker.account import Account, account

PROMPT = Prompt("claude-opus-4-6", same=(36_000, 9_000), redone=(0, 0), new=(4_000, 1_000))


def test_tokens_are_told_by_how_they_are_paid_for() -> None:
    assert account([PROMPT], b"{}").bills == ((0, 4_000, 36_000, 0), (0, 1_000, 9_000, 0))


def test_a_request_that_asks_for_an_hour_pays_for_an_hour() -> None:
    told = account([PROMPT], b'{"cache_control":{"type":"ephemeral","ttl":"1h"}}')
    assert told.bills == ((0, 0, 36_000, 4_000), (0, 0, 9_000, 1_000))
    assert told.dollars == pytest.approx(((4_000 * 10 + 36_000 * 0.5) / 1e6, (1_000 * 10 + 9_000 * 0.5) / 1e6))


def test_prices_are_dollars_where_they_are_known() -> None:
    assert account([PROMPT], b"{}").prices == (5.0, 6.25, 0.5, 10.0)


def test_prices_are_relative_where_they_are_not() -> None:
    unknown = Prompt("my-own-7b", same=(0, 0), redone=(0, 0), new=(4_000, 1_000))
    told = account([unknown], b"{}")
    assert told.dollars is None
    assert told.prices is not None
    assert told.prices[0] == 1.0


def test_where_nothing_was_decided_there_is_no_money() -> None:
    assert account([], b"{}") == Account()
