"""Where originals and the user's own settings lie, on each platform."""

from __future__ import annotations

from pathlib import Path

import pytest

from contextprune.settings import config_folder, data_folder, load_settings, process_environment, set_variable


@pytest.mark.parametrize(
    ("platform", "environ", "expected"),
    [
        ("linux", {"HOME": "/home/x"}, "/home/x/.local/share/contextprune"),
        ("linux", {"HOME": "/home/x", "XDG_DATA_HOME": "/data"}, "/data/contextprune"),
        ("linux", {"HOME": "/home/x", "XDG_DATA_HOME": "relative"}, "/home/x/.local/share/contextprune"),
        ("darwin", {"HOME": "/Users/x"}, "/Users/x/Library/Application Support/contextprune"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/contextprune"),
    ],
)
def test_each_platform_has_its_data_folder(platform: str, environ: dict[str, str], expected: str) -> None:
    assert data_folder(environ, platform) == Path(expected)


@pytest.mark.parametrize(
    ("platform", "environ", "expected"),
    [
        ("linux", {"HOME": "/home/x"}, "/home/x/.config/contextprune"),
        ("linux", {"HOME": "/home/x", "XDG_CONFIG_HOME": "/settings"}, "/settings/contextprune"),
        ("linux", {"HOME": "/home/x", "XDG_CONFIG_HOME": "relative"}, "/home/x/.config/contextprune"),
        ("darwin", {"HOME": "/Users/x"}, "/Users/x/Library/Application Support/contextprune"),
        ("win32", {"APPDATA": "/roaming"}, "/roaming/contextprune"),
    ],
)
def test_each_platform_has_its_configuration_folder(platform: str, environ: dict[str, str], expected: str) -> None:
    assert config_folder(environ, platform) == Path(expected)


@pytest.mark.parametrize("environ", [{}, {"HOME": "relative"}, {"HOME": ""}])
def test_a_home_that_is_not_absolute_is_no_home(environ: dict[str, str]) -> None:
    assert config_folder(environ, "linux") is None


def test_a_variable_that_is_set_counts_here_and_in_what_is_started_from_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTEXTPRUNE_REPETITIONS_ONLY", "false")
    set_variable("CONTEXTPRUNE_REPETITIONS_ONLY", "true")
    assert load_settings().policy.repetitions_only
    assert process_environment()["CONTEXTPRUNE_REPETITIONS_ONLY"] == "true"
