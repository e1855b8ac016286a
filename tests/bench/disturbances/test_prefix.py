"""The prefix check."""

from __future__ import annotations

from typing import Any

import pytest

from contextprune.bench.disturbances.prefix import altered, pairs_of


def body(*texts: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": [{"type": "text", "text": text} for text in texts]}]}


def test_a_request_that_begins_as_before_keeps_its_prefix() -> None:
    first = pairs_of(body("long", "long too"), body("l", "l2"))
    second = pairs_of(body("long", "long too", "new"), body("l", "l2", "n"))
    assert altered(first, second) is None


def test_an_original_that_comes_back_is_seen() -> None:
    first, second = pairs_of(body("long", "b"), body("l", "b")), pairs_of(body("long", "b"), body("long", "b"))
    change = altered(first, second)
    assert change is not None
    assert (change.at, change.shortened) == (0, False)


def test_a_block_that_is_shortened_later_is_seen_as_such() -> None:
    first, second = pairs_of(body("a", "long"), body("a", "long")), pairs_of(body("a", "long"), body("a", "l"))
    change = altered(first, second)
    assert change is not None
    assert (change.at, change.shortened) == (1, True)


def test_what_the_client_itself_changes_is_no_change_of_ours() -> None:
    first, second = pairs_of(body("long", "b"), body("l", "b")), pairs_of(body("other", "b"), body("other", "b"))
    assert altered(first, second) is None


def test_reminders_are_left_out() -> None:
    reminder = "<system-reminder>\nNothing.\n</system-reminder>"
    first = pairs_of(body("long", reminder), body("l", reminder))
    second = pairs_of(body("long", "new"), body("long", "new"))
    assert len(first) == 1
    assert altered(first, second) is not None


def test_a_block_that_went_missing_is_an_error() -> None:
    with pytest.raises(ValueError, match="shorter"):
        pairs_of(body("a", "b"), body("a"))
