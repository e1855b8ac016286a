from __future__ import annotations

from contextprune.selection.account import Account


def test_an_account_opens_with_nothing_removed_and_no_gap() -> None:
    account = Account(first=3, end=8)
    assert (account.removed, account.markers, account.identifiers) == (0, 0, 0)
    assert account.gaps == account.homes == []


def test_accounts_share_no_lists() -> None:
    Account(first=0, end=1).gaps.append(0)
    assert Account(first=0, end=1).gaps == []
