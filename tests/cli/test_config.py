"""`contextprune config`: settings in force with their origins, without secrets, and the schema of the file."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from contextprune.cli.app import main
from contextprune.proxy.options import OPTIONS, Options
from contextprune.settings import SETTINGS, Settings
from contextprune.settings.schema import DIALECT


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder without a file, of a user without one."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    for name in (*map(SETTINGS.variable, SETTINGS.fields()), *map(OPTIONS.variable, OPTIONS.fields())):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def own_file(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "home" / "contextprune" / "contextprune.toml"
    file.parent.mkdir(parents=True)
    file.write_text(text)
    file.chmod(0o600)
    return file


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["config", *arguments]) == 0
    return capsys.readouterr().out


def shown_object(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    settings: dict[str, Any] = json.loads(shown(capsys, "show", "--json"))
    return settings


def line_of(text: str, name: str) -> str:
    return next(line for line in text.splitlines() if line.startswith(f"{name} = "))


@pytest.mark.parametrize("command", [[], ["show"], ["schema"]])
def test_each_has_help_with_examples(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, *command, "--help")
    assert "Examples:\n" in text
    assert "  contextprune config " in text


def test_without_anything_set_all_is_the_default(capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, "show")
    settings = tomllib.loads(text)
    assert settings.pop("serve").keys() == OPTIONS.fields().keys()
    assert settings.keys() == SETTINGS.fields().keys()
    assert text.count("# default\n") == len(settings) + len(OPTIONS.fields())


def test_each_setting_says_where_it_was_set(
    tmp_path: Path, project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    user = own_file(tmp_path, "min_tokens = 9\n[tools]\n'a b' = {recall = 0.5}\n[serve]\nport = 1\n")
    (project / "contextprune.toml").write_text("recall = 0.99\n")
    monkeypatch.setenv("CONTEXTPRUNE_SERVE_MODE", "audit")
    text = shown(capsys, "show")
    assert line_of(text, "min_tokens").split("  # ")[1] == f"min_tokens in {user}"
    assert line_of(text, "tools").split("  # ")[0].rstrip() == 'tools = {"a b" = {recall = 0.5}}'
    assert line_of(text, "recall").split("  # ")[1] == f"recall in {project / 'contextprune.toml'}"
    assert line_of(text, "port").split("  # ")[1] == f"serve.port in {user}"
    assert line_of(text, "mode").split("  # ")[1] == "CONTEXTPRUNE_SERVE_MODE"


def test_what_a_project_may_not_have_is_named_at_the_end(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = project / "contextprune.toml"
    file.write_text("store = 'memory'\n[serve]\nhost = '0.0.0.0'\n")
    text = shown(capsys, "show")
    assert f"# ignored: store in {file}\n# ignored: serve.host in {file}\n# contextprune: {file} belongs to" in text
    assert tomllib.loads(text)["serve"]["host"] == Options().host
    assert shown_object(capsys)["ignored"] == ["store", "serve.host"]


def test_secrets_are_masked(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTEXTPRUNE_STORE", "redis://user:sesame@cache:6379/0")
    monkeypatch.setenv("CONTEXTPRUNE_SERVE_TOKEN", "sesame")
    text = shown(capsys, "show")
    assert "sesame" not in text
    assert tomllib.loads(text)["store"] == "redis://***@cache:6379/0"
    settings = shown_object(capsys)["settings"]
    assert settings["serve.token"] == {"value": "***", "origin": "CONTEXTPRUNE_SERVE_TOKEN"}
    assert "sesame" not in str(settings)


def test_the_json_has_values_by_key_with_their_origins(capsys: pytest.CaptureFixture[str]) -> None:
    settings = shown_object(capsys)
    assert settings["settings"]["scorer"] == {"value": Settings().scorer, "origin": "default"}
    assert settings["settings"]["serve.port"] == {"value": Options().port, "origin": "default"}
    assert (settings["files"], settings["ignored"], settings["notice"]) == ([], [], "")


def test_a_file_that_is_named_is_read_as_serve_reads_it(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "other.toml").write_text("store = 'memory'\n[serve]\nport = 7\n[tariffs.m]\ninput = 1\n")
    settings = tomllib.loads(shown(capsys, "show", "--config", "other.toml"))
    assert (settings["store"], settings["serve"]["port"]) == ("memory", 7)
    tariff = {"input": 1.0, "read": 1.0, "write": 1.0, "output": 0.0, "least": 1024, "hour": 0.0}
    assert settings["tariffs"] == {"m": tariff}


def test_nothing_in_a_file_commands_a_terminal(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "contextprune.toml").write_text('[tools]\n"\\u001b[2J\\u009b" = {recall = 1.0}\n')
    text = shown(capsys, "show")
    assert text.replace("\n", "").isprintable()
    assert "\x1b[2J\x9b" in tomllib.loads(text)["tools"]


def test_the_schema_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    schema = json.loads(shown(capsys, "schema"))
    assert schema["$schema"] == DIALECT
    assert schema["properties"]["serve"]["properties"]["port"]["default"] == Options().port


def test_what_the_own_file_gets_wrong_ends_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own_file(tmp_path, "recall = true\n")
    assert main(["config", "show"]) == 1
    assert "is a number, not True" in capsys.readouterr().err


def test_what_a_file_of_a_project_gets_wrong_is_ignored_in_a_line(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "contextprune.toml").write_text("recall = true\n")
    assert main(["config", "show"]) == 0
    printed = capsys.readouterr()
    assert "is a number, not True. It is ignored." in " ".join(f"{printed.out} {printed.err}".split())
    assert line_of(printed.out, "recall").endswith("# default")


def test_an_unknown_name_in_a_project_is_shown_as_ignored(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "contextprune.toml").write_text("recal = 1\n")
    assert main(["config", "show"]) == 0
    text = capsys.readouterr().out
    assert "# ignored: recal in" in text
    assert "did you mean 'recall'?" in text
