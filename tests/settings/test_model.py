"""The model of settings: strict types, sources by precedence, one line for what cannot be."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from contextprune.context import Kind
from contextprune.errors import SettingsError
from contextprune.money.tariff import Tariff
from contextprune.policy import Policy, Rule
from contextprune.proxy.options import OPTIONS, Options
from contextprune.settings import SETTINGS, Group, Settings, Written, load_settings
from contextprune.settings.groups import default_of
from contextprune.settings.model import model_of, validate

ROOT = Path(__file__).parents[2]


def written(origin: str, **values: Any) -> dict[str, Written]:
    return {name: Written(value, f"{name} in {origin}") for name, value in values.items()}


def test_values_have_the_types_of_the_dataclasses() -> None:
    tools, tariffs = {"a": {"recall": 1, "min_tokens": 5}}, {"m": {"input": 2, "read": 1}}
    values = validate(
        SETTINGS,
        written("f", recall=1, protect=["user", "user"], exclude_tools=["b", "a"], tools=tools, tariffs=tariffs),
    )
    assert values == {
        "recall": 1.0,
        "protect": frozenset({Kind.USER}),
        "exclude_tools": ("b", "a"),
        "tools": {"a": Rule(1.0, 5)},
        "tariffs": {"m": Tariff("m", 2.0, 1.0, 2.0)},
    }
    assert type(values["recall"]) is float


def test_a_source_wins_over_those_behind_it_and_only_what_is_set_is_there() -> None:
    values = validate(OPTIONS, written("first", port=1), written("second", port=2, host="h"), {})
    assert values == {"port": 1, "host": "h"}


def test_a_table_replaces_a_table_whole() -> None:
    first, second = written("first", tools={"a": {}}), written("second", tools={"b": {}}, window=5)
    assert validate(SETTINGS, first, second) == {"window": 5, "tools": {"a": Rule()}}


def test_what_is_set_to_the_default_is_set_all_the_same() -> None:
    assert validate(OPTIONS, written("f", port=Options().port)) == {"port": Options().port}


@pytest.mark.parametrize(
    ("group", "name", "value", "message"),
    [
        (SETTINGS, "recall", True, "recall in f is a number, not True"),
        (SETTINGS, "window", 1.0, "window in f is a whole number, not 1.0"),
        (SETTINGS, "epochs", 1, "epochs in f is true or false, not 1"),
        (SETTINGS, "store", 1, "store in f is a text, not 1"),
        (SETTINGS, "protect", "user", "protect in f is a list of names, not 'user'"),
        (SETTINGS, "protect", ["user", 3], "protect in f is a list of names, not ['user', 3]"),
        (SETTINGS, "protect", ["usr"], "protect in f: no kind is called 'usr'; did you mean 'user'?"),
        (SETTINGS, "tools", [], "tools in f is a table, not []"),
        (SETTINGS, "tools", {"a": {"min_tokens": 1.5}}, "tools in f: a: recall, min_tokens and max_tokens are numbers"),
        (SETTINGS, "tools", {"a": {"recall": 2}}, "tools in f: a: recall lies above 0"),
        (SETTINGS, "tariffs", {"m": {}}, "tariffs in f: m is a table with input and, if need be"),
        (SETTINGS, "tariffs", {"m": {"input": "1"}}, "tariffs in f: m: prices and least are numbers"),
        (SETTINGS, "tariffs", {"m": {"input": 1, "name": "x"}}, "tariffs in f: m is a table with input"),
        (OPTIONS, "upstreams", {"/a": 1}, "upstreams in f is a table of base URLs by prefix, such as"),
    ],
)
def test_what_a_setting_cannot_be_is_refused_in_one_line(group: Group, name: str, value: Any, message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        validate(group, written("f", **{name: value}))
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("group", "parts"), [(SETTINGS, (Settings, Policy)), (OPTIONS, (Options,))])
def test_the_model_has_the_names_the_defaults_and_the_meanings_of_the_dataclasses(
    group: Group, parts: tuple[type, ...]
) -> None:
    fields = model_of(group).model_fields
    assert list(fields) == list(group.fields())
    assert all(field.description for field in fields.values())
    for name, field in group.fields().items():
        default = default_of(field)
        assert type(default)(fields[name].default) == default, name
    assert parts == group.parts


@pytest.mark.parametrize(
    ("code", "environ", "loaded"),
    [
        ("import contextprune.pruner, contextprune.proxy.server, contextprune.proxy.worker.main", {}, False),
        ("import contextprune.settings as s; s.load_settings()", {}, False),
        ("import contextprune.proxy.options as o; o.load_options({'port': 1})", {}, False),
        ("import contextprune.settings as s; s.load_settings()", {"CONTEXTPRUNE_STORE": "memory"}, False),
        (
            "import contextprune.proxy.options as o; o.load_options({'port': 1})",
            {"CONTEXTPRUNE_SERVE_TOKEN": "1"},
            False,
        ),
        ("import contextprune.settings as s; s.load_settings()", {"CONTEXTPRUNE_RECALL": "1"}, True),
    ],
)
def test_pydantic_is_imported_only_where_something_is_set_that_is_no_text(
    code: str, environ: dict[str, str], loaded: bool, tmp_path: Path
) -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CONTEXTPRUNE_")}
    clean |= {"PYTHONPATH": str(ROOT), "XDG_CONFIG_HOME": str(tmp_path), **environ}
    command = [sys.executable, "-P", "-c", f"{code}; import sys; print('pydantic' in sys.modules)"]
    done = subprocess.run(command, cwd=tmp_path, env=clean, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(loaded)


def test_a_dotenv_file_of_the_working_folder_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("CONTEXTPRUNE_STORE=./stolen.sqlite3\nSTORE=./stolen.sqlite3\nstore=x\n")
    assert load_settings(environ={"CONTEXTPRUNE_RECALL": "0.5"}).store == ""


def test_a_variable_without_our_prefix_is_no_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORE", "./stolen.sqlite3")
    monkeypatch.setenv("CONTEXTPRUNE_RECALL", "0.5")
    assert load_settings(tmp_path).store == ""
