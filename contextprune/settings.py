"""Settings: read from the environment and from configuration files, which nothing else in the package reads."""

from __future__ import annotations

import os
import sys
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from contextprune.context import Kind
from contextprune.errors import SettingsError
from contextprune.money.tariff import Tariff
from contextprune.policy import Policy, Rule


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment and the configuration file say; arguments given in code win over all of it.

    scorer       "auto" (the model where torch is installed, else "lexical"), "neural", "lexical", or a folder
    store        "" (a file in the user's data folder), "memory", a path, or "redis://..."
    tokenizer    "o200k_base" or "estimate"
    device       "auto", "cpu", "cuda" or "mps"
    """

    scorer: str = "auto"
    store: str = ""
    tokenizer: str = "o200k_base"
    device: str = "auto"
    policy: Policy = field(default_factory=Policy)


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
_FILE = "contextprune.toml"
_SERVE_PREFIX = "CONTEXTPRUNE_SERVE_"
_SERVE = "serve"  # the table of the proxy; proxy/options.py knows its names


def load_settings(
    folder: Path | None = None, environ: Mapping[str, str] | None = None, file: Path | None = None
) -> Settings:
    """CONTEXTPRUNE_* variables, else the nearest configuration file at or above `folder`, else the defaults.

    `folder` is the working folder and `environ` the process's environment where not given; a `file` that is given is
    read in place of the nearest. An empty variable counts as not set; lists are separated by commas. Raises
    SettingsError for an unknown name or an unusable value.
    """
    values, places = read_settings_file(folder or Path.cwd(), file)
    for variable, text in (os.environ if environ is None else environ).items():
        if variable.startswith(_PREFIX) and not variable.startswith(_SERVE_PREFIX):
            name = _known(variable.removeprefix(_PREFIX).lower(), variable, "environment")
            if text.strip():
                values[name], places[name] = _parse(name, text.strip(), variable), variable
    outer = {f.name for f in fields(Settings)}
    inside = {name: _policy_value(name, value, places[name]) for name, value in values.items() if name not in outer}
    try:
        policy = Policy(**inside)
    except SettingsError as exc:
        raise SettingsError(f"{exc} (set by {', '.join(places[name] for name in inside)})") from exc
    return Settings(policy=policy, **{name: value for name, value in values.items() if name in outer})


def process_environment() -> dict[str, str]:
    """A copy of this process's environment, for a child of ours to start from."""
    return dict(os.environ)


def data_folder(environ: Mapping[str, str] | None = None, platform: str = sys.platform) -> Path:
    """Where this user's originals are kept by default; it may not exist yet. Raises SettingsError without a home."""
    environ = os.environ if environ is None else environ
    if platform == "win32" and environ.get("LOCALAPPDATA"):
        return Path(environ["LOCALAPPDATA"]) / "contextprune"
    if os.path.isabs(environ.get("XDG_DATA_HOME", "")):  # noqa: PTH117 - "" is no path; a relative one is to be ignored
        return Path(environ["XDG_DATA_HOME"]) / "contextprune"
    try:
        home = Path(environ["HOME"]) if environ.get("HOME") else Path.home()
    except RuntimeError as exc:
        raise SettingsError("this user has no home folder; set CONTEXTPRUNE_STORE=memory or to a path") from exc
    if platform == "darwin":
        return home / "Library" / "Application Support" / "contextprune"
    return home / ".local" / "share" / "contextprune"


def read_serve(
    folder: Path | None = None, environ: Mapping[str, str] | None = None, file: Path | None = None
) -> dict[str, tuple[Any, str]]:
    """What is said of the proxy, by name: the value and where it stands. Variables come as text, and win over files."""
    table, where, _ = _nearest(folder or Path.cwd(), file)
    said = table.get(_SERVE, {})
    if not isinstance(said, dict):
        raise SettingsError(f"{_SERVE} in {where} is a table, not {said!r}")
    found = {name: (value, f"{_SERVE}.{name} in {where}") for name, value in said.items()}
    for variable, text in (os.environ if environ is None else environ).items():
        if variable.startswith(_SERVE_PREFIX) and text.strip():
            found[variable.removeprefix(_SERVE_PREFIX).lower()] = (text.strip(), variable)
    return found


def read_settings_file(folder: Path, file: Path | None = None) -> tuple[dict[str, Any], dict[str, str]]:
    """Values by name, and where each one stands, from the nearest file that has any; nothing where there is none."""
    table, where, place = _nearest(folder, file)
    known = {_known(name, name, where): value for name, value in table.items() if name != _SERVE}
    places = {name: f"{name} in {where}" for name in known}
    return {name: _check(name, value, places[name], place) for name, value in known.items()}, places


def _nearest(folder: Path, file: Path | None) -> tuple[dict[str, Any], str, Path]:
    """The table of `file`, or of the nearest file that has one; where it stands; and the folder of its file."""
    folder = folder.absolute()
    if file is not None:
        keys = ("tool", "contextprune") if file.name == "pyproject.toml" else ()
        path = folder / file.expanduser()
        table = _read_table(path, keys, required=True)
        return table or {}, str(path), path.parent
    for place in (folder, *folder.parents):
        for path, keys in ((place / _FILE, ()), (place / "pyproject.toml", ("tool", "contextprune"))):
            table = _read_table(path, keys)
            if table is not None:
                return table, f"{path} [{'.'.join(keys)}]" if keys else str(path), place
    return {}, "", folder


def _read_table(path: Path, keys: Iterable[str], *, required: bool = False) -> dict[str, Any] | None:
    """The table under `keys`; None where there is no such file or table, or the file never names us."""
    try:
        raw = path.read_bytes()
    except OSError as exc:
        absent = isinstance(exc, FileNotFoundError | NotADirectoryError | IsADirectoryError)
        if not required and (absent or path.name != _FILE):  # another project's file above ours may well be closed
            return None
        raise SettingsError(f"{path} cannot be read: {exc.strerror}") from exc
    if not required and path.name != _FILE and b"contextprune" not in raw:
        return None
    try:
        table: Any = tomllib.loads(raw.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise SettingsError(f"{path} is not valid TOML: {exc}") from exc
    for key in keys:
        table = table.get(key)
        if not isinstance(table, dict):
            return None
    return dict(table)


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
