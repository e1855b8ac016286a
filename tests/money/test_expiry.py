"""How long a prompt stays in the provider's cache: by its model, and longer where the request asks for it."""

from __future__ import annotations

import json

import pytest

from contextprune.money.expiry import (
    DAY,
    FIVE_MINUTES,
    HALF_HOUR,
    HOUR,
    TEN_MINUTES,
    asked_lifetime,
    asks_for_hour,
    lifetime_of,
)

HOURLY = {"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral", "ttl": "1h"}}


@pytest.mark.parametrize(
    ("model", "seconds"),
    [
        ("gpt-5.6-codex", HALF_HOUR),
        ("gpt-6", HALF_HOUR),
        ("openai/gpt-5.5", HALF_HOUR),
        ("gpt-5.4", TEN_MINUTES),
        ("gpt-4o", TEN_MINUTES),
        ("o3", TEN_MINUTES),
        ("claude-opus-5-5", FIVE_MINUTES),
        ("gemini-3-pro", FIVE_MINUTES),
        ("", FIVE_MINUTES),
    ],
)
def test_a_cache_lives_as_long_as_real_usage_of_the_model_shows(model: str, seconds: float) -> None:
    assert lifetime_of(model) == seconds


def test_a_breakpoint_for_an_hour_keeps_the_prompt_for_an_hour() -> None:
    body = json.dumps({"model": "claude-opus-4-6", "system": [HOURLY]}).encode()
    assert asks_for_hour(body)
    assert asked_lifetime(body) == HOUR


def test_a_retention_of_a_day_keeps_the_prompt_for_a_day() -> None:
    assert asked_lifetime(b'{"model":"gpt-5.1","prompt_cache_retention":"24h"}') == DAY


def test_a_body_that_asks_for_nothing_is_kept_as_long_as_its_model_is() -> None:
    assert asked_lifetime(b'{"model": "gpt-5.4"}') == TEN_MINUTES


def test_a_body_without_a_model_is_kept_for_the_shortest_time() -> None:
    assert asked_lifetime(b"[]") == FIVE_MINUTES


def test_a_text_that_quotes_a_breakpoint_asks_for_nothing() -> None:
    body = json.dumps({"messages": [{"role": "user", "content": json.dumps(HOURLY)}]}).encode()
    assert not asks_for_hour(body)
