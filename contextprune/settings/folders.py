"""The process's environment, and the folders of a user: where originals and the user's own settings lie."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from contextprune.errors import SettingsError


def process_environment() -> dict[str, str]:
    """A copy of this process's environment, for a child of ours to start from."""
    return dict(os.environ)


def set_variable(name: str, value: str) -> None:
    """Set a variable for this process and all that it starts from here on, as if a user had set it."""
    os.environ[name] = value


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


def config_folder(environ: Mapping[str, str] | None = None, platform: str = sys.platform) -> Path | None:
    """The folder of this user's own contextprune.toml, which need not exist; None where the environment names none."""
    environ = os.environ if environ is None else environ
    roots = {"win32": ("APPDATA",)}.get(platform, ("XDG_CONFIG_HOME", "HOME"))
    root = next((name for name in roots if os.path.isabs(environ.get(name, ""))), None)  # noqa: PTH117 - as above
    if root is None:
        return None
    below = {"darwin": ("Library", "Application Support")}.get(platform, (".config",)) if root == "HOME" else ()
    return Path(environ[root], *below, "contextprune")
