"""The JSON schema of the file: valid, complete, and of one mind with the reader."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from contextprune.errors import SettingsError
from contextprune.proxy.options import OPTIONS, load_options
from contextprune.settings import SETTINGS, load_settings
from contextprune.settings.schema import DIALECT, schema_of

SCHEMA = schema_of(SETTINGS, OPTIONS)


def settings_of(schema: dict[str, Any]) -> dict[str, Any]:
    properties: dict[str, Any] = schema["properties"]
    return properties


def test_it_is_a_valid_schema_of_draft_2020_12() -> None:
    assert SCHEMA["$schema"] == DIALECT
    Draft202012Validator.check_schema(SCHEMA)


def test_it_has_every_setting_with_its_meaning_and_its_default() -> None:
    assert list(settings_of(SCHEMA)) == [*SETTINGS.fields(), "serve"]
    serve = settings_of(SCHEMA)["serve"]
    assert list(settings_of(serve)) == list(OPTIONS.fields())
    for setting in (*list(settings_of(SCHEMA).values())[:-1], *settings_of(serve).values()):
        assert setting["description"]
        assert "default" in setting
    assert SCHEMA["additionalProperties"] is serve["additionalProperties"] is False


def test_the_defaults_are_valid() -> None:
    file = {name: setting["default"] for name, setting in settings_of(SCHEMA).items() if name != "serve"}
    file["serve"] = {name: setting["default"] for name, setting in settings_of(settings_of(SCHEMA)["serve"]).items()}
    Draft202012Validator(SCHEMA).validate(file)


@pytest.mark.parametrize(
    "text",
    [
        "recall = 1\nprotect = ['user']\nexclude_tools = ['a*']\nepochs = false\nwindow = 1",
        "[tools]\n'*' = {recall = 0.5, min_tokens = 0}\nx = {}",
        "[tariffs.m]\ninput = 0\nread = 0.5",
        "[serve]\nport = 0\nmode = 'audit'\nrecall = 'mcp'\nrecords = 0\n[serve.upstreams]\n'/a' = 'https://a'",
    ],
)
def test_what_the_reader_takes_is_valid(text: str, tmp_path: Path) -> None:
    Draft202012Validator(SCHEMA).validate(tomllib.loads(text))
    (tmp_path / "f.toml").write_text(text)
    load_settings(tmp_path, {}, Path("f.toml"))
    load_options(config="f.toml", folder=tmp_path, variables={})


@pytest.mark.parametrize(
    "text",
    [
        "recal = 1",
        "recall = 0",
        "recall = true",
        "window = 1.5",
        "window = 0",
        "protect = ['usr']",
        "exclude_tools = 'a'",
        "[tools]\nx = {recal = 1}",
        "[tools]\nx = {recall = '1'}",
        "[tools]\nx = {recall = 2}",
        "[tools]\nx = 3",
        "[tariffs.m]\nread = 1",
        "[tariffs.m]\ninput = -1",
        "[tariffs.m]\ninput = 1\nname = 'm'",
        "serve = 1",
        "[serve]\nprot = 1",
        "[serve]\nport = 70000",
        "[serve]\nmode = 'dry'",
        "[serve]\ndeadline = 0",
        "[serve]\nhost = ''",
        "[serve.upstreams]\n'/a' = 1",
    ],
)
def test_what_the_reader_refuses_is_not_valid(text: str, tmp_path: Path) -> None:
    assert not Draft202012Validator(SCHEMA).is_valid(tomllib.loads(text))
    (tmp_path / "f.toml").write_text(text)
    with pytest.raises(SettingsError):  # noqa: PT012 - one of the two
        load_settings(tmp_path, {}, Path("f.toml"))
        load_options(config="f.toml", folder=tmp_path, variables={})
