"""The reader of settings: the user's variables and file, and what a project's file may change about them."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import fields, replace
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from contextprune.errors import SettingsError
from contextprune.policy import Policy
from contextprune.settings.folders import config_folder
from contextprune.settings.groups import Group, written_type
from contextprune.settings.sources import Written, from_file, from_variables
from contextprune.settings.trust import FILE, FROM_A_PROJECT, Source, Sources, find_sources, limit, notice_of, shown
from contextprune.settings.values import SETTINGS, Resolved, Settings


def load_settings(
    folder: Path | None = None,
    environ: Mapping[str, str] | None = None,
    file: Path | None = None,
    tell: Callable[[str], None] | None = None,
) -> Settings:
    """Read CONTEXTPRUNE_* variables, else the user's own file, with what a project's file may change.

    folder    the working folder; the process's where not given. The nearest configuration file at or above it is the
              project's, which may only make contextprune take out less: see `contextprune.settings.trust`
    environ   the process's environment where not given; an empty variable counts as not set
    file      read in place of both files, and trusted
    tell      called with a sentence where something of the project's file does not count; it is logged, once in a
              process, where not given

    Raises SettingsError for an unknown name or an unusable value, but in a project's file, or for a file of the
    user's that others may write to.
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
    variables, user = from_variables(SETTINGS, environ), from_file(SETTINGS, sources.user)
    values = _validated(SETTINGS, variables, user)
    origins = {name: setting.origin for name, setting in {**user, **variables}.items()}
    in_policy = {field.name for field in fields(Policy)}
    inner = {name: value for name, value in values.items() if name in in_policy}
    policy = _located(lambda: Policy(**inner), inner, origins)

    # What the project may change about it; a variable wins over both files.
    ignored: tuple[str, ...] = ()
    notice = sources.refusal
    if sources.project:
        wishes, beyond, faults = _wishes(sources.project)
        allowed, lower = limit(policy, {name: wish for name, wish in wishes.items() if name not in variables})
        in_project = {name: f"{name} in {sources.project.where}" for name in allowed}
        before, policy = policy, _permitted(policy, allowed, in_project, faults)
        for name in allowed:
            if getattr(before, name) != getattr(policy, name):
                both = isinstance(allowed[name], tuple | dict) and name in origins  # the project's is added
                origins[name] = f"{origins[name]} and {in_project[name]}" if both else in_project[name]
        notice = notice_of(sources.project, (*beyond, *lower), sources.home, tuple(faults.values()))
        ignored = (*beyond, *lower, *map(shown, faults))

    outer = {name: value for name, value in values.items() if name not in in_policy}
    files = tuple(source.where for source in (sources.user, sources.project) if source)
    return Resolved(Settings(policy=policy, **outer), origins, files, ignored, notice)


def read_table(
    group: Group,
    folder: Path | None = None,
    environ: Mapping[str, str] | None = None,
    file: Path | None = None,
    arguments: Mapping[str, Written] = MappingProxyType({}),
) -> tuple[dict[str, Any], dict[str, str]]:
    """Values of a group by name, and where each stands: arguments win over variables, and these over the user's file.

    A project's file has no say in them: it could send keys elsewhere. Raises SettingsError as `load_settings` does.
    """
    environ = os.environ if environ is None else environ
    variables = from_variables(group, environ)
    user = from_file(group, _sources(folder, environ, file).user)
    written = {**user, **variables, **arguments}
    origins = {name: setting.origin for name, setting in written.items()}
    if _only_texts(group, variables, user):  # and the command line has given its arguments their types
        return {name: setting.value for name, setting in written.items()}, origins
    return _validated(group, arguments, variables, user), origins


def _validated(group: Group, *sources: Mapping[str, Written]) -> dict[str, Any]:
    """Values by name, in their types; the first source wins. Raises SettingsError for what a setting cannot be."""
    if _only_texts(group, *sources):
        return {name: setting.value for source in reversed(sources) for name, setting in source.items()}
    from contextprune.settings.model import validate  # noqa: PLC0415 - see _only_texts

    return validate(group, *sources)


def _only_texts(group: Group, *sources: Mapping[str, Written]) -> bool:
    """True where nothing is set but texts, of which there is nothing to check.

    Pydantic takes a tenth of a second to import, in each process of the proxy; most set a store and a token at most.
    """
    fields = group.fields()
    settings = [(fields[name], setting.value) for source in sources for name, setting in source.items()]
    return all(type(value) is str and written_type(field) is str for field, value in settings)


def _located(make: Callable[[], Policy], names: Iterable[str], origins: Mapping[str, str]) -> Policy:
    """The policy, or the error in it with where its values stand."""
    try:
        return make()
    except SettingsError as exc:
        raise SettingsError(f"{exc} (set by {', '.join(origins[name] for name in names)})") from exc


def _sources(folder: Path | None, environ: Mapping[str, str], file: Path | None) -> Sources:
    home = config_folder(environ)
    return find_sources(folder or Path.cwd(), home / FILE if home else None, file)


def _permitted(
    policy: Policy, allowed: Mapping[str, Any], in_project: Mapping[str, str], faults: dict[str, str]
) -> Policy:
    """The policy with what a project's file may change about it; a value that it cannot have joins the `faults`."""
    for name, value in allowed.items():
        try:
            policy = replace(policy, **{name: value})
        except SettingsError as exc:
            faults[name] = f"{exc} ({in_project[name]})."
    return policy


def _wishes(project: Source) -> tuple[dict[str, Any], list[str], dict[str, str]]:
    """Fields of the policy that a project's file may have a say in, the names of all else in it, and what is wrong.

    The last by name, in a sentence: names that do not exist, and values of another type than theirs. Those stop nobody:
    the file is not the user's, and may be meant for a later version.
    """
    fields, where = SETTINGS.fields(), project.where
    table = {name: value for name, value in project.table.items() if name in fields or name in SETTINGS.inner}
    faults = {name: SETTINGS.correction(name, name, where) for name in project.table if name not in table}
    beyond: list[str] = []
    for name, value in table.items():
        if name in SETTINGS.inner:
            beyond += [f"{name}.{shown(option)}" for option in value] if isinstance(value, dict) else [name]
        elif name not in FROM_A_PROJECT:
            beyond.append(name)

    wishes: dict[str, Any] = {}
    for name, value in table.items():
        if name in FROM_A_PROJECT:
            try:
                wishes |= _validated(SETTINGS, from_file(SETTINGS, replace(project, table={name: value})))
            except SettingsError as exc:
                faults[name] = f"{exc}."
                wishes |= _usable_entries(project, name, value)
    return wishes, beyond, faults


def _usable_entries(project: Source, name: str, value: Any) -> dict[str, Any]:
    """Of a table in which something is wrong, the entries in which nothing is."""
    entries: dict[str, Any] = {}
    for key, entry in value.items() if isinstance(value, dict) else ():
        with suppress(SettingsError):
            read = _validated(SETTINGS, from_file(SETTINGS, replace(project, table={name: {key: entry}})))
            entries |= read.get(name, {})
    return {name: entries} if entries else {}
