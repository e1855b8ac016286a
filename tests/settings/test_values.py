"""Settings as values: what is shown of them, and bounds that are as the dataclasses have them."""

from __future__ import annotations

from typing import Any

import pytest

from contextprune.errors import SettingsError
from contextprune.policy import Policy
from contextprune.proxy.options import OPTIONS, Options
from contextprune.settings import SETTINGS, masked


@pytest.mark.parametrize(
    ("store", "shown"),
    [
        ("", ""),
        ("memory", "memory"),
        ("/home/x@y/originals.sqlite3", "/home/x@y/originals.sqlite3"),
        ("redis://cache:6379/0", "redis://cache:6379/0"),
        ("redis://user:sesame@cache:6379/0", "redis://***@cache:6379/0"),
        ("rediss://:ses@me@cache/0", "rediss://***@cache/0"),
        ("redis://cache/0?password=sesame&db=1", "redis://cache/0?password=***&db=1"),
        ("unix://user:sesame@/run/redis.sock", "unix://***@/run/redis.sock"),
    ],
)
def test_of_a_url_neither_user_nor_password_is_shown(store: str, shown: str) -> None:
    assert masked(store) == shown


def _around(bounds: dict[str, Any]) -> tuple[list[Any], list[Any]]:
    """Values that bounds allow, and values that they do not."""
    allowed = [*bounds.get("enum", ()), *(bounds[name] for name in ("minimum", "maximum") if name in bounds)]
    beyond = [bounds["minimum"] - 1] if "minimum" in bounds else []
    beyond += [bounds["maximum"] + 1] if "maximum" in bounds else []
    beyond += [bounds["exclusiveMinimum"]] if "exclusiveMinimum" in bounds else []
    beyond += ["neither"] if "enum" in bounds else [""] if "minLength" in bounds else []
    return allowed, beyond


@pytest.mark.parametrize(("owner", "name"), [(Policy, name) for name in SETTINGS.bounds])
def test_bounds_of_settings_are_those_of_the_policy(owner: type, name: str) -> None:
    allowed, beyond = _around(dict(SETTINGS.bounds[name]))
    beside: Any = {"low_water": {"high_water": 1}, "high_water": {"low_water": 1e-9}}.get(name, {})
    for value in allowed:
        owner(**{name: value, **beside})
    for value in beyond:
        with pytest.raises(SettingsError, match=name):
            owner(**{name: value, **beside})
    assert beyond


@pytest.mark.parametrize("name", OPTIONS.bounds)
def test_bounds_of_options_are_those_of_the_proxy(name: str) -> None:
    allowed, beyond = _around(dict(OPTIONS.bounds[name]))
    for value in allowed:
        Options(**{name: value})
    for value in beyond:
        with pytest.raises(SettingsError, match=name):
            Options(**{name: value})
    assert beyond
