"""What variables and files say, each with its origin; values that cannot be are left for the model to refuse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from contextprune.errors import SettingsError
from contextprune.proxy.options import OPTIONS
from contextprune.settings import SETTINGS
from contextprune.settings.sources import Written, from_file, from_variables
from contextprune.settings.trust import Source


def source(table: dict[str, Any], folder: Path) -> Source:
    path = folder / "contextprune.toml"
    path.write_text("")
    return Source(table, str(path), path, path.stat())


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("store", " memory ", "memory"),
        ("recall", "0.5", 0.5),
        ("recall", "half", "half"),
        ("window", "1_000", 1000),
        ("window", "1.5", "1.5"),
        ("epochs", "Off", False),
        ("epochs", "never", "never"),
        ("exclude_tools", "a, b,,", ["a", "b"]),
        ("tools", "{a = {recall = 1}}", {"a": {"recall": 1}}),
        ("tools", "a = 1", "a = 1"),
    ],
)
def test_the_text_of_a_variable_becomes_the_value_that_it_stands_for(name: str, text: str, value: Any) -> None:
    variable = f"CONTEXTPRUNE_{name.upper()}"
    assert from_variables(SETTINGS, {variable: text}) == {name: Written(value, variable)}


def test_variables_of_another_group_and_empty_ones_are_left_alone() -> None:
    environ = {"CONTEXTPRUNE_SERVE_PORT": "1", "CONTEXTPRUNE_RECALL": " ", "PATH": "/bin"}
    assert from_variables(SETTINGS, environ) == {}
    assert from_variables(OPTIONS, environ) == {"port": Written(1, "CONTEXTPRUNE_SERVE_PORT")}


def test_a_variable_without_a_setting_is_refused_even_where_it_is_empty() -> None:
    with pytest.raises(SettingsError, match="did you mean 'CONTEXTPRUNE_RECALL'"):
        from_variables(SETTINGS, {"CONTEXTPRUNE_RECALLS": ""})


def test_each_group_reads_its_own_table_of_a_file(tmp_path: Path) -> None:
    file = source({"recall": 0.5, "serve": {"port": 1}}, tmp_path)
    assert from_file(SETTINGS, file) == {"recall": Written(0.5, f"recall in {file.where}")}
    assert from_file(OPTIONS, file) == {"port": Written(1, f"serve.port in {file.where}")}
    assert from_file(OPTIONS, source({}, tmp_path)) == from_file(SETTINGS, None) == {}


def test_only_a_text_with_a_slash_is_a_path_from_the_folder_of_the_file(tmp_path: Path) -> None:
    values = {"store": "./a.sqlite3", "scorer": "lexical", "device": "a/b"}
    written = from_file(SETTINGS, source(values, tmp_path))
    assert [setting.value for setting in written.values()] == [str(tmp_path / "a.sqlite3"), "lexical", "a/b"]
    assert from_file(SETTINGS, source({"store": "redis://host/0"}, tmp_path))["store"].value == "redis://host/0"
    assert from_file(SETTINGS, source({"store": 3}, tmp_path))["store"].value == 3
