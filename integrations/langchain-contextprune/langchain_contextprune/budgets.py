"""Budgets as people write them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import contextprune as cp


def as_budget(value: Any) -> cp.Budget | None:
    """Read a budget: a `contextprune.Budget`, a share as a number, a saved budget, or None for none.

    Raises:
        ValueError: It is none of these, or leaves nothing.
        SettingsError: It cannot be a ceiling.
    """
    if value is None:
        return None
    if isinstance(value, Mapping) and set(value) <= {"tokens", "ratio"}:
        value = cp.Budget(**value)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        value = cp.Budget(ratio=float(value))
    if not isinstance(value, cp.Budget):
        raise ValueError(  # noqa: TRY004 - pydantic makes an error of its own of it
            f"a budget is a contextprune.Budget, a share between 0 and 1, or None, not {value!r}"
        )
    if not (value.tokens or value.ratio):
        raise ValueError("a budget of 0 leaves nothing; None leaves as much as the policy's recall asks for")
    return value
