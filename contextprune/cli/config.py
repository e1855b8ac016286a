"""The commands `config show`, which settings are in force and why, and `config schema`, what a file may say."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, is_dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

import typer

from contextprune.context import Kind
from contextprune.proxy.options import OPTIONS, Options, trace_options
from contextprune.settings import SETTINGS, Group, Resolved, masked, resolve_settings
from contextprune.settings.trust import printable

config = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

_WIDTH = 44  # columns of a setting and its value, beyond which the origin follows as it comes


@dataclass(frozen=True, slots=True)
class Row:
    """One setting in force.

    group    the group of settings that it is in
    name     in that group
    value    as TOML would have it; what is secret is masked
    origin   a variable, or a key and its file; "default"
    """

    group: Group
    name: str
    value: Any
    origin: str


@config.callback()
def root() -> None:
    """Show the settings in force with their origins, or the schema of the file.

    \b
    Examples:
      contextprune config show
      contextprune config schema > contextprune.schema.json
    """  # noqa: D301 - \b is click's mark for lines that are not to be refilled


@config.command()
def show(
    file: Annotated[
        str | None, typer.Option("--config", metavar="FILE", help="Read this file, as `serve --config` does.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print values and origins as JSON.")] = False,
) -> None:
    """Print every setting, its value and its origin.

    The output is a configuration file with comments; the JSON has the same by the key of each setting. Tokens and
    passwords are masked. What a project's file asks for and may not have is named at the end.

    \b
    Examples:
      contextprune config show
      contextprune config show --config /etc/contextprune.toml
      CONTEXTPRUNE_RECALL=0.9 contextprune config show --json
    """  # noqa: D301 - as above
    options, origins = trace_options(config=file or "")
    resolved = resolve_settings(file=Path(options.config) if options.config else None)

    rows = [*rows_of(SETTINGS, settings_by_name(resolved), resolved.origins), *rows_of(OPTIONS, options, origins)]
    typer.echo(as_object(rows, resolved) if as_json else as_toml(rows, resolved))


@config.command()
def schema() -> None:
    """Print the JSON schema of contextprune.toml.

    Name it in the first line of a file, and an editor with Taplo (Even Better TOML) completes names, shows what they
    mean, and marks what cannot be: #:schema ./contextprune.schema.json

    \b
    Examples:
      contextprune config schema > contextprune.schema.json
    """  # noqa: D301 - as above
    from contextprune.settings.schema import schema_of  # noqa: PLC0415 - brings pydantic along

    typer.echo(json.dumps(schema_of(SETTINGS, OPTIONS), indent=2))


def settings_by_name(resolved: Resolved) -> dict[str, Any]:
    """Settings and fields of the policy in one table, as a file has them."""
    settings = resolved.settings
    return {name: getattr(settings if hasattr(settings, name) else settings.policy, name) for name in SETTINGS.fields()}


def rows_of(group: Group, values: Mapping[str, Any] | Options, origins: Mapping[str, str]) -> Iterator[Row]:
    """Every setting of a group, in order."""
    for name in group.fields():
        value = values[name] if isinstance(values, Mapping) else getattr(values, name)
        yield Row(group, name, _plain(_MASKS.get(name, _as_it_is)(value)), origins.get(name, "default"))


def as_object(rows: list[Row], resolved: Resolved) -> str:
    """Rows as JSON: each setting by its key, the files that were read, and what of a project's does not count."""
    settings = {row.group.key(row.name): {"value": row.value, "origin": row.origin} for row in rows}
    ignored = {"ignored": resolved.ignored, "notice": resolved.notice}
    return json.dumps({"settings": settings, "files": resolved.files, **ignored}, indent=2)


def as_toml(rows: list[Row], resolved: Resolved) -> str:
    """Rows as a configuration file, with the origin of each as a comment."""
    lines = [f"# {printable(f'read: {file}')}" for file in resolved.files] or ["# no file was read"]
    table = ""
    for row in rows:
        if row.group.table != table:
            table = row.group.table
            lines += ["", f"[{table}]"]
        lines.append(f"{f'{row.name} = {_toml(row.value)}':{_WIDTH}}  # {printable(row.origin)}")

    if resolved.ignored:
        file = resolved.files[-1]
        lines += ["", *(f"# ignored: {name} in {printable(file)}" for name in resolved.ignored)]
    if resolved.notice:
        lines.append(f"# {resolved.notice}")
    return "\n".join(lines)


def _as_it_is(value: Any) -> Any:
    return value


def _hidden(secret: str) -> str:
    return "***" if secret else ""


_MASKS: Mapping[str, Callable[[Any], Any]] = MappingProxyType({"token": _hidden, "store": masked})


def _plain(value: Any) -> Any:
    """A value as TOML and JSON have it."""
    if isinstance(value, frozenset):
        return [str(kind) for kind in Kind if kind in value]
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, Mapping):
        return {name: _plain(part) for name, part in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return {name: part for name, part in asdict(value).items() if part is not None and name != "name"}
    return value


def _toml(value: Any) -> str:
    """A value in one line of TOML."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_key(name)} = {_toml(part)}' for name, part in value.items())}}}"
    return str(value)


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _quoted(name)


def _quoted(text: str) -> str:
    """A basic string of TOML, without a character that a terminal would obey."""
    shown = json.dumps(text, ensure_ascii=False)
    return "".join(sign if sign.isprintable() else f"\\U{ord(sign):08x}" for sign in shown)
