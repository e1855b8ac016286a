"""The files that may hold sessions: those named, and those of folders, the newest first."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from contextprune.errors import ContextPruneError

_SUFFIXES = frozenset({".json", ".jsonl", ".ndjson"})


class File(NamedTuple):
    """A file to look into; `name` is what a reader calls it, `time` when it was written (seconds since 1970)."""

    path: Path
    name: str
    time: float


class Skipped(NamedTuple):
    """A file or a session that was left out, or some lines of one, and why."""

    name: str
    reason: str
    lines: int = 0


def find(paths: Sequence[str], since: float | None = None) -> tuple[list[File], list[Skipped]]:
    """The files at `paths` and in the folders among them, the newest first, and those left out.

    A file is taken once, however often it is named; a file named by itself is taken whatever it is called. `since`
    leaves out files written before, in seconds since 1970. Raises ContextPruneError where a path leads nowhere.
    """
    files: dict[Path, File] = {}
    skipped: list[Skipped] = []
    for path in map(Path, paths):
        try:
            candidates = [path] if not path.is_dir() else _walk(path, skipped)
            if not path.exists():
                raise ContextPruneError(f"{path} cannot be read: No such file or directory")
        except (OSError, ValueError) as exc:  # ValueError: a NUL in the path
            raise ContextPruneError(f"{path} cannot be read: {getattr(exc, 'strerror', None) or exc}") from exc
        for candidate in candidates:
            name = candidate.relative_to(path).as_posix() if candidate is not path else path.name
            _take(candidate, name, since, files, skipped)
    return sorted(files.values(), key=lambda file: (-file.time, file.name)), skipped


def _walk(folder: Path, skipped: list[Skipped]) -> list[Path]:
    """Every file below `folder` whose name says JSON; links to folders are not followed."""

    def note_unreadable(exc: OSError) -> None:
        skipped.append(Skipped(str(exc.filename), f"the folder cannot be read: {exc.strerror}"))

    paths: list[Path] = []
    for directory, _, names in os.walk(folder, onerror=note_unreadable):
        for name in sorted(names):
            if Path(name).suffix.lower() in _SUFFIXES:
                paths.append(Path(directory, name))
            else:
                skipped.append(
                    Skipped(Path(directory, name).relative_to(folder).as_posix(), "neither .json nor .jsonl")
                )
    return paths


def _take(path: Path, name: str, since: float | None, files: dict[Path, File], skipped: list[Skipped]) -> None:
    try:
        time, regular = path.stat().st_mtime, path.is_file()
    except OSError as exc:  # a link that leads nowhere, or a file that has just gone
        skipped.append(Skipped(name, f"cannot be read: {exc.strerror}"))
        return
    if not regular:
        skipped.append(Skipped(name, "no regular file"))
    elif since is not None and time < since:
        skipped.append(Skipped(name, "older than asked for"))
    else:
        files.setdefault(path.resolve(), File(path, name, time))
