"""What each source says, as it stands there: variables, and tables of files. No value is looked at more than needed."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from contextprune.errors import SettingsError
from contextprune.settings.groups import Group, written_type
from contextprune.settings.trust import Source

_TRUTHS = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}


class Written(NamedTuple):
    """A value as it stands in one source, as TOML would have it, and the place: a variable, or a key and its file."""

    value: Any
    origin: str


def from_variables(group: Group, environ: Mapping[str, str]) -> dict[str, Written]:
    """Read the variables of a group, by the setting; an empty one counts as not set.

    Raises SettingsError for a variable without a setting.
    """
    settings: dict[str, Written] = {}
    inner = tuple(f"{group.prefix}{table.upper()}_" for table in group.inner)
    fields = group.fields()
    for variable, text in environ.items():
        if not variable.startswith(group.prefix) or (inner and variable.startswith(inner)):
            continue
        name = variable.removeprefix(group.prefix).lower()
        group.check_name(name, variable, "environment")
        if text.strip():
            settings[name] = Written(_PARSERS[written_type(fields[name])](text.strip()), variable)
    return settings


def from_file(group: Group, source: Source | None) -> dict[str, Written]:
    """Read the table of a group in a file, by the setting; nothing where there is no file.

    Raises SettingsError for an unknown name, and for what is no table.
    """
    if source is None:
        return {}
    table = source.table.get(group.table, {}) if group.table else source.table
    if not isinstance(table, Mapping):
        raise SettingsError(f"{group.table} in {source.where} is a table, not {table!r}")

    settings: dict[str, Written] = {}
    for name, value in table.items():
        if name not in group.inner:
            origin = f"{group.key(name)} in {source.where}"
            group.check_name(name, name, origin if group.table else source.where)
            settings[name] = Written(_from_folder(value, source.path.parent) if name in group.paths else value, origin)
    return settings


def _from_folder(value: Any, folder: Path) -> Any:
    """A relative path in a file starts at the file's folder."""
    if isinstance(value, str) and ("/" in value or "\\" in value) and "://" not in value:
        return str(folder / Path(value).expanduser())
    return value


def _number(kind: type[int | float]) -> Callable[[str], Any]:
    def parse(text: str) -> Any:
        try:
            return kind(text)
        except ValueError:
            return text

    return parse


def _parse_table(text: str) -> Any:
    try:
        return tomllib.loads(f"v = {text}")["v"]
    except ValueError:
        return text


_PARSERS: Mapping[type, Callable[[str], Any]] = MappingProxyType(
    {
        str: str,
        int: _number(int),
        float: _number(float),
        bool: lambda text: _TRUTHS.get(text.casefold(), text),
        list: lambda text: [part.strip() for part in text.split(",") if part.strip()],
        dict: _parse_table,
    }
)
"""From a variable's text to the value that it stands for; the text itself where it stands for none."""
