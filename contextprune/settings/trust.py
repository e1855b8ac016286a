"""Configuration files and trust in them: which are read, whose they must be, and what a project's file may set.

A cloned repository brings its own files along. At worst they make contextprune take out less: they never say where
requests or originals go, which code or model runs, who may look on, or what may be cut.
"""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias

from contextprune.errors import SettingsError
from contextprune.policy import Policy, Rule

Merged: TypeAlias = tuple[Any, tuple[str, ...]]
"""A value that counts, and the names of what was asked for and does not."""

FILE = "contextprune.toml"
_PROJECT = "pyproject.toml"
_KEYS = ("tool", "contextprune")  # of the table in the latter
_LARGEST = 1 << 20  # bytes of a configuration file
_DOTS = 10_000_000  # the sum over all lines of their dots squared, which is what tomllib takes over dotted keys
_SHOWN, _CORRECTED = 12, 3  # names in a notice, and those of them that it corrects


@dataclass(frozen=True, slots=True)
class Source:
    """A configuration file that has a table of ours.

    table    what stands in it
    where    the file, and the table's name where it has one
    path     the file
    status   of the very file that was read
    """

    table: Mapping[str, Any]
    where: str
    path: Path
    status: os.stat_result


@dataclass(frozen=True, slots=True)
class Sources:
    """The files that count.

    user      the user's own, or the one that was named
    project   the nearest one at or above the working folder
    refusal   why that one is not read, in a sentence for the user; "" where it is, and where there is none
    home      where the user's own lies, or would
    """

    user: Source | None = None
    project: Source | None = None
    refusal: str = ""
    home: Path | None = None


def find_sources(folder: Path, home: Path | None, file: Path | None = None) -> Sources:
    """Read the user's own file at `home` and the nearest at or above `folder`, or in place of both the `file` named.

    Raises SettingsError for a file of the user's that cannot be read or that others may write to, and for one that is
    no TOML.
    """
    folder = folder.absolute()
    if file is not None:
        return Sources(user=_users_file(folder / file.expanduser(), required=True))
    user = _users_file(home) if home else None
    for parent in (folder, *folder.parents):
        for path in (parent / FILE, parent / _PROJECT):
            project, refusal = _project(path, user)
            if project or refusal:
                return Sources(user, project, refusal, home)
    return Sources(user, home=home)


def _users_file(path: Path, *, required: bool = False) -> Source | None:
    """A file of the user's; None where there is none. Raises SettingsError where somebody else may have written it."""
    try:
        data, status = _read(path)
    except OSError as exc:
        if not required and (_absent(exc) or not _is_there(path)):
            return None
        raise SettingsError(f"{path} cannot be read: {exc.strerror}") from exc
    if why := fault(status, strict=True):
        remedy = "copy it to a file of yours" if "belongs" in why else f"chmod go-w '{path}'"
        raise SettingsError(f"{path} is not read: {why}, and whoever does decides where your keys go; {remedy}")
    return Source(_table(path, data) or {}, str(path), path, status)


def _project(path: Path, user: Source | None) -> tuple[Source | None, str]:
    """A project's file; or why one that has something to say is not read."""
    is_ours = path.name == FILE
    try:
        data, status = _read(path)
    except OSError as exc:
        silent = not is_ours or _absent(exc)  # another project's file above ours may well be closed
        return None, "" if silent else _refusal(path, str(exc.strerror))
    if user and os.path.samestat(status, user.status):  # read already, and trusted
        return None, ""
    if not is_ours and b"contextprune" not in data:
        return None, ""
    if why := fault(status, strict=False):
        return None, _refusal(path, why) if is_ours or b"tool.contextprune" in data else ""
    try:
        table = _table(path, data)
    except SettingsError as exc:  # somebody else's file stops nobody
        return None, _refusal(path, str(exc))
    where = str(path) if is_ours else f"{path} [{'.'.join(_KEYS)}]"
    return (Source(table, where, path, status) if table is not None else None), ""


def _read(path: Path) -> tuple[bytes, os.stat_result]:
    """A regular file and its status, both of one descriptor. Raises OSError, also for what is no regular file."""

    def opener(name: str, flags: int) -> int:
        return os.open(name, flags | getattr(os, "O_NONBLOCK", 0))  # a pipe must not hold us up

    with open(path, "rb", opener=opener) as stream:
        status = os.fstat(stream.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise OSError(0, "it is not a regular file", str(path))
        data = stream.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise OSError(0, "it is larger than 1 MiB", str(path))
    return data, status


def _absent(exc: OSError) -> bool:
    return isinstance(exc, FileNotFoundError | NotADirectoryError | IsADirectoryError)


def _is_there(path: Path) -> bool:
    """Whether there is such a file, so far as we can see: the home of another user may be closed to us."""
    try:
        path.stat()
    except OSError:
        return False
    return True


def _table(path: Path, data: bytes) -> dict[str, Any] | None:
    """The table of ours in a file; None where there is none. Raises SettingsError for what is no TOML."""
    if sum(line.count(b".") ** 2 for line in data.split(b"\n")) > _DOTS:
        raise SettingsError(f"{path} has keys of too many parts")
    try:
        table: Any = tomllib.loads(data.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise SettingsError(f"{path} is not valid TOML: {exc}") from exc
    except RecursionError as exc:
        raise SettingsError(f"{path} is nested too deeply") from exc
    for key in _KEYS if path.name == _PROJECT else ():
        table = table.get(key)
        if not isinstance(table, dict):
            return None
    return dict(table)


def fault(status: os.stat_result, *, strict: bool) -> str:
    """Name what is wrong with the owner or the mode of a file, "" where nothing is or where the system has neither.

    A file belongs to the user or to root, and nobody else may write to it. Where the umask is 002, as on Debian and
    Ubuntu, all that git writes is writable for the owner's own group, which has no other member: that is fine. Another
    group may write only where `strict` is false: to a project, whose members can change far more than this file.
    """
    if not hasattr(os, "geteuid"):
        return ""
    if status.st_uid not in (os.geteuid(), 0):
        return f"it belongs to another user (uid {status.st_uid})"
    writers = stat.S_IWOTH if _private(status) or not strict else stat.S_IWOTH | stat.S_IWGRP
    return f"others may write to it (mode {stat.S_IMODE(status.st_mode):04o})" if status.st_mode & writers else ""


def _private(status: os.stat_result) -> bool:
    """Whether a file's group is the one that bears its owner's name and has no other member."""
    import grp  # noqa: PLC0415 - not on Windows
    import pwd  # noqa: PLC0415 - as above

    try:
        owner, group = pwd.getpwuid(status.st_uid), grp.getgrgid(status.st_gid)
    except KeyError:
        return False
    is_private = (owner.pw_gid, owner.pw_name) == (group.gr_gid, group.gr_name)
    return is_private and set(group.gr_mem) <= {owner.pw_name}


def limit(user: Policy, wishes: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Take from `wishes`, the fields of a policy that a project's file sets, what takes out no more than `user` does.

    Returns the values that count, and the names of those that do not.
    """
    values: dict[str, Any] = {}
    ignored: list[str] = []
    for name, value in wishes.items():
        if name not in FROM_A_PROJECT:
            ignored.append(name)
            continue
        values[name], beyond = FROM_A_PROJECT[name](user, name, value)
        ignored += beyond
    return values, tuple(ignored)


def _larger(user: Policy, name: str, wish: Any) -> Merged:
    kept = max(getattr(user, name), wish)  # in this order a NaN is not taken
    return kept, () if kept == wish else (name,)


def _switched_off(user: Policy, name: str, wish: Any) -> Merged:
    kept = getattr(user, name) and wish
    return kept, () if kept == wish else (name,)


def _switched_on(user: Policy, name: str, wish: Any) -> Merged:
    kept = getattr(user, name) or wish
    return kept, () if kept == wish else (name,)


def _added(user: Policy, name: str, wishes: Any) -> Merged:
    before = getattr(user, name)
    return (*before, *(item for item in wishes if item not in before)), ()


def _rules(user: Policy, name: str, wishes: Mapping[str, Rule]) -> Merged:
    """The user's own rules first, so that they hold where both fit; others only raise what holds for all tools."""
    rules, ignored = dict(user.tools), []
    for tool, rule in wishes.items():
        if tool in user.tools:
            ignored += [f"{name}.{shown(tool)}"] if rule != user.tools[tool] else []
            continue
        limits = {field: getattr(rule, field) for field in ("recall", "min_tokens")}
        lower = [field for field, value in limits.items() if value is not None and not value >= getattr(user, field)]
        lower += ["max_tokens"] if rule.max_tokens is not None else []  # more would go
        ignored += [f"{name}.{shown(tool)}.{field}" for field in lower]
        rules[tool] = Rule(**{field: None if field in lower else value for field, value in limits.items()})
    return rules, tuple(ignored)


FROM_A_PROJECT: Mapping[str, Callable[[Policy, str, Any], Merged]] = MappingProxyType(
    {
        "recall": _larger,  # a larger share of what is needed stays
        "min_tokens": _larger,  # larger blocks are left alone
        "recent_turns": _larger,  # more turns are left alone by an epoch, and preferred under a budget
        "window": _larger,  # an epoch for want of room comes later
        "high_water": _larger,  # the same
        "images": _larger,  # an epoch leaves more images
        "exclude_tools": _added,  # the results of further tools are never touched
        "tools": _rules,  # more of the results of some tools stays
        "repetitions_only": _switched_on,  # nothing but repetitions goes
        "epochs": _switched_off,  # old blocks are never decided again
        "images_on_arrival": _switched_off,  # images stay as they arrive
        "shorten_views": _switched_off,  # views of files stay whole
    }
)
"""Names that a project's file may set, and how each is taken: only so far as less is taken out than without the file.

All others are the user's alone. Of the policy these are `protect`; `ignore_marks`; `low_water`, which takes out more
where it is lower and rewrites the provider's cache more often where it is higher; and `prices` and `tariffs`, which say
when an epoch pays. `tokenizer` says what a limit in tokens means; `store`, `scorer`, `device` and the proxy's table say
where texts and keys go and what is loaded.
"""


def notice_of(project: Source, ignored: Sequence[str], home: Path | None, corrections: Sequence[str] = ()) -> str:
    """Say in one line which names of a project's file do not count, and where to put them; "" where all do.

    `corrections` are of names that do not exist, and of values that cannot be.
    """
    sentences = [f"{correction} It is ignored." for correction in corrections[:_CORRECTED]]
    if len(corrections) > _CORRECTED:
        sentences.append(f"So are {len(corrections) - _CORRECTED} more names.")

    if ignored:
        names = ", ".join(ignored[:_SHOWN]) + (f" and {len(ignored) - _SHOWN} more" if len(ignored) > _SHOWN else "")
        advice = f"put them into {home}, set" if home else "set"
        sentences.append(
            f"{project.where} belongs to the working folder and may only make contextprune take out less. Ignored: "
            f"{names}. If they are yours, {advice} CONTEXTPRUNE_* variables, or name the file to serve or wrap: "
            f"--config {project.path}"
        )
    return printable(f"contextprune: {' '.join(sentences)}") if sentences else ""


def _refusal(path: Path, why: str) -> str:
    return printable(f"contextprune: {path} is ignored: {why}")


def shown(name: str) -> str:
    """A name that a file has, fit for a terminal."""
    return name if name.replace("-", "_").isidentifier() else repr(name)


def printable(text: str) -> str:
    """`text` without characters that a terminal would obey."""
    return "".join(character if character.isprintable() else "?" for character in text)
