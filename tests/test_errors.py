from __future__ import annotations

import pickle

import pytest

from contextprune import errors
from contextprune.errors import (
    BudgetError,
    ContextPruneError,
    MissingExtra,
    MissingOriginal,
    PayloadError,
    ScorerError,
    SettingsError,
    StoreError,
)


@pytest.mark.parametrize(
    "error",
    [
        PayloadError("no", "messages[0]"),
        BudgetError(10, 20, {"system": 20}),
        SettingsError("no"),
        ScorerError("no"),
        StoreError("no"),
        MissingOriginal("abcdefghijkl"),
        MissingExtra("the proxy", "proxy"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_every_error_is_one_of_ours(error: Exception) -> None:
    assert isinstance(error, ContextPruneError)
    assert str(error)


def test_no_error_stands_outside_the_tree() -> None:
    defined = [value for value in vars(errors).values() if isinstance(value, type)]
    assert all(issubclass(error, ContextPruneError) for error in defined)


def test_a_payload_error_says_where() -> None:
    assert str(PayloadError("a text was expected", "messages[3].content")) == "messages[3].content: a text was expected"
    assert str(PayloadError("no context")) == "no context"


def test_a_budget_error_names_what_is_protected_and_the_way_out() -> None:
    error = BudgetError(1000, 12_345, {"system": 12_000, "user": 345, "tools": 0})
    assert "system 12,000, user 345" in str(error)
    assert "tools" not in str(error)
    assert "Raise the budget to 12,345" in str(error)


def test_a_missing_extra_is_an_import_error_that_says_what_to_install() -> None:
    error = MissingExtra("the proxy", "proxy")
    assert isinstance(error, ImportError)
    assert "pip install 'contextprune-ai[proxy]'" in str(error)


def test_a_missing_original_is_a_store_error_that_names_its_key() -> None:
    error = MissingOriginal("abcdefghijkl")
    assert isinstance(error, StoreError)
    assert error.key in str(error)


@pytest.mark.parametrize("error", [SettingsError("a"), ScorerError("b"), StoreError("c")])
def test_plain_errors_travel_between_processes(error: Exception) -> None:
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
