"""Settings: read from the environment and from configuration files, which nothing else in the package reads."""

from __future__ import annotations

import logging
import os
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, replace
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

from contextprune.context import Kind
from contextprune.errors import SettingsError
from contextprune.money.tariff import Tariff
from contextprune.policy import Policy, Rule
from contextprune.settings.folders import config_folder
from contextprune.settings.trust import FILE, FROM_A_PROJECT, Source, Sources, find_sources, limit, notice_of, shown
from contextprune.settings.values import Resolved, Settings

_TYPES: Mapping[str, type] = {
    "scorer": str,
    "store": str,
    "tokenizer": str,
    "device": str,
    "recall": float,
    "protect": list,
    "recent_turns": int,
    "min_tokens": int,
    "exclude_tools": list,
    "high_water": float,
    "low_water": float,
    "tools": dict,
    "shorten_views": bool,
    "window": int,
    "epochs": bool,
    "images": int,
    "images_on_arrival": bool,
    "prices": str,
    "tariffs": dict,
}
_FORMS: Mapping[type, str] = {
    str: "a text", float: "a number", int: "a whole number", list: "a list of names", bool: "true or false",
    dict: "a table",
}  # fmt: skip
_WORDS = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}
_PREFIX = "CONTEXTPRUNE_"
_SERVE_PREFIX = "CONTEXTPRUNE_SERVE_"
_SERVE = "serve"  # the table of the proxy; proxy/options.py knows its names


def load_settings(
    folder: Path | None = None,
    environ: Mapping[str, str] | None = None,
    file: Path | None = None,
    tell: Callable[[str], None] | None = None,
) -> Settings:
    """CONTEXTPRUNE_* variables, else the user's own file, with what a project's file may change; else the defaults.

    folder    the working folder; the process's where not given. The nearest configuration file at or above it is the
              project's, which may only make contextprune take out less: see `contextprune.settings.trust`
    environ   the process's environment where not given; an empty variable counts as not set
    file      read in place of both files, and trusted
    tell      called with a sentence where something of the project's file does not count; it is logged, once in a
              process, where not given

    Raises SettingsError for an unknown name, an unusable value, or a file of the user's that others may write to.
    """
    resolved = resolve_settings(folder, environ, file)
    if resolved.notice:
        (tell or warn)(resolved.notice)
    return resolved.settings


@cache
def warn(notice: str) -> None:
    """Log a notice, each one once in a process.

    Not by `warnings`: where users turn warnings into errors, somebody else's file must not stop them.
    """
    logging.getLogger("contextprune.settings").warning("%s", notice)


def resolve_settings(
    folder: Path | None = None, environ: Mapping[str, str] | None = None, file: Path | None = None
) -> Resolved:
    """Settings as `load_settings` gives them, with their sources. Raises SettingsError as it does."""
    environ = os.environ if environ is None else environ
    sources = _sources(folder, environ, file)

    # What the user says: their own file, and variables over it.
    values, places = _values_of(sources.own) if sources.own else ({}, {})
    variables = _variables(environ)
    values |= {name: value for name, (value, _) in variables.items()}
    places |= {name: variable for name, (_, variable) in variables.items()}
    outer = {f.name for f in fields(Settings)}
    inside = {name: _policy_value(name, value, places[name]) for name, value in values.items() if name not in outer}
    policy = _placed(lambda: Policy(**inside), inside, places)

    # What the project may change about it; a variable wins over both files.
    ignored: tuple[str, ...] = ()
    notice = sources.refusal
    if sources.project:
        asked, beyond = _asked_by(sources.project)
        taken, lower = limit(policy, {name: value for name, value in asked.items() if name not in variables})
        places = {name: f"{name} in {sources.project.where}" for name in taken}
        policy = _placed(lambda: replace(policy, **taken), taken, places)
        ignored = (*beyond, *lower)
        if ignored:
            notice = notice_of(sources.project, ignored, sources.home)
    files = tuple(source.where for source in (sources.own, sources.project) if source)
    settings = Settings(policy=policy, **{name: value for name, value in values.items() if name in outer})
    return Resolved(settings, files, ignored, notice)


def _placed(make: Callable[[], Policy], names: Iterable[str], places: Mapping[str, str]) -> Policy:
    """The policy, or the error in it with the places of the values."""
    try:
        return make()
    except SettingsError as exc:
        raise SettingsError(f"{exc} (set by {', '.join(places[name] for name in names)})") from exc


def read_serve(
    folder: Path | None = None, environ: Mapping[str, str] | None = None, file: Path | None = None
) -> dict[str, tuple[Any, str]]:
    """Options of the proxy, by name: the value and where it stands. Variables come as text, and win over files.

    A project's file has no say in them: it could send keys elsewhere. Raises SettingsError as `load_settings` does.
    """
    environ = os.environ if environ is None else environ
    source = _sources(folder, environ, file).own
    table = source.table.get(_SERVE, {}) if source else {}
    if source and not isinstance(table, dict):
        raise SettingsError(f"{_SERVE} in {source.where} is a table, not {table!r}")
    options = {name: (value, f"{_SERVE}.{name} in {source.where}") for name, value in table.items()} if source else {}
    for variable, text in environ.items():
        if variable.startswith(_SERVE_PREFIX) and text.strip():
            options[variable.removeprefix(_SERVE_PREFIX).lower()] = (text.strip(), variable)
    return options


def _sources(folder: Path | None, environ: Mapping[str, str], file: Path | None) -> Sources:
    place = config_folder(environ)
    return find_sources(folder or Path.cwd(), place / FILE if place else None, file)


def _values_of(source: Source) -> tuple[dict[str, Any], dict[str, str]]:
    """Values by name, and where each one stands."""
    known = {_known(name, name, source.where): value for name, value in source.table.items() if name != _SERVE}
    places = {name: f"{name} in {source.where}" for name in known}
    return {name: _check(name, value, places[name], source.path.parent) for name, value in known.items()}, places


def _asked_by(project: Source) -> tuple[dict[str, Any], list[str]]:
    """Fields of the policy that a project's file may have a say in, and the names of all else in it."""
    asked: dict[str, Any] = {}
    beyond: list[str] = []
    for name, value in project.table.items():
        if name == _SERVE:
            beyond += [f"{_SERVE}.{shown(option)}" for option in value] if isinstance(value, dict) else [_SERVE]
        elif _known(name, name, project.where) not in FROM_A_PROJECT:
            beyond.append(name)
        else:
            place = f"{name} in {project.where}"
            asked[name] = _policy_value(name, _check(name, value, place, project.path.parent), place)
    return asked, beyond


def _variables(environ: Mapping[str, str]) -> dict[str, tuple[Any, str]]:
    """Values by name, each with its variable."""
    values = {}
    for variable, text in environ.items():
        if variable.startswith(_PREFIX) and not variable.startswith(_SERVE_PREFIX):
            name = _known(variable.removeprefix(_PREFIX).lower(), variable, "environment")
            if text.strip():
                values[name] = _parse(name, text.strip(), variable), variable
    return values


def _known(name: str, written: str, where: str) -> str:
    """`name`, or SettingsError with the closest name that exists, spelled as the reader spells it."""
    if name in _TYPES:
        return name
    close = get_close_matches(name, _TYPES, n=1, cutoff=0.0)[0]
    if written.startswith(_PREFIX):
        close = _PREFIX + close.upper()
    raise SettingsError(f"no setting is called {written!r} ({where}); did you mean {close!r}?")


def _parse(name: str, text: str, where: str) -> Any:
    """The value of a variable, which is always text."""
    kind = _TYPES[name]
    if kind is list:
        return [part.strip() for part in text.split(",") if part.strip()]
    try:
        if kind is dict:
            return _check(name, tomllib.loads(f"v = {text}")["v"], where, Path())
        return _WORDS[text.casefold()] if kind is bool else kind(text)
    except (ValueError, KeyError):
        raise SettingsError(f"{where} is {_FORMS[kind]}, not {text!r}") from None


def _check(name: str, value: Any, where: str, folder: Path) -> Any:
    """The value of a key in a file; a relative path in a file starts at the file's folder."""
    kind, found = _TYPES[name], type(value)  # not isinstance: True is no number here
    fits = found is kind or (kind is float and found is int)
    if not fits or (kind is list and not all(isinstance(part, str) for part in value)):
        raise SettingsError(f"{where} is {_FORMS[kind]}, not {value!r}")
    if name in ("scorer", "store") and ("/" in value or "\\" in value) and "://" not in value:
        return str(folder / Path(value).expanduser())
    return float(value) if kind is float else value


def _rule(table: Any, where: str) -> Rule:
    """The rule in a table such as `{recall = 0.8, min_tokens = 50}`."""
    if not isinstance(table, dict) or not table.keys() <= {"recall", "min_tokens"}:
        raise SettingsError(f"{where} is a table with recall and min_tokens, not {table!r}")
    if not all(type(value) in (int, float) for value in table.values()):
        raise SettingsError(f"{where}: recall and min_tokens are numbers, not {table!r}")
    return Rule(**table)


def _tariff(model: str, table: Any, where: str) -> Tariff:
    """The prices in a table such as `{input = 3.0, read = 0.3, write = 3.75}`; a missing one is that of the input."""
    names = {f.name for f in fields(Tariff)} - {"name"}
    if not isinstance(table, dict) or "input" not in table or not table.keys() <= names:
        raise SettingsError(f"{where} is a table with input and, if need be, read, write, output, least, not {table!r}")
    if not all(type(value) in (int, float) for value in table.values()):
        raise SettingsError(f"{where}: prices and least are numbers, not {table!r}")
    try:
        return Tariff(name=model, **{"read": table["input"], "write": table["input"], **table})
    except SettingsError as exc:
        raise SettingsError(f"{where}: {exc}") from exc


def _policy_value(name: str, value: Any, where: str) -> Any:
    """A value in the type that Policy wants."""
    if name == "exclude_tools":
        return tuple(value)
    if name == "tools":
        return {tool: _rule(rule, f"{where}: {tool}") for tool, rule in value.items()}
    if name == "tariffs":
        return {model: _tariff(model, table, f"{where}: {model}") for model, table in value.items()}
    if name != "protect":
        return value
    for kind in value:
        if kind not in set(Kind):
            close = get_close_matches(kind, list(Kind), n=1, cutoff=0.0)[0]
            raise SettingsError(f"{where}: no kind is called {kind!r}; did you mean {str(close)!r}?")
    return frozenset(map(Kind, value))
