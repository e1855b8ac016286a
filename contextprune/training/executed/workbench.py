"""The workbench: where tools are run, on what, and how their texts lose the traces of this machine."""

from __future__ import annotations

import re
import subprocess
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from contextprune.training.executed.material import Module, Package, module

_HOMES = ("/repo", "/app", "/home/user/project", "/srv/service", "/usr/src/app", "/home/dev/src", "/opt/build")
_ADDRESS = re.compile(r"\b0x[0-9a-f]{6,16}\b")
_SITE = sysconfig.get_paths()["purelib"]
_STANDARD = sysconfig.get_paths()["stdlib"]
_PATHS = (
    (_SITE, "/usr/lib/python3/site-packages"),
    (_STANDARD, "/usr/lib/python3.11"),
    (sys.prefix, "/usr"),
    (sys.base_prefix, "/usr"),
)


@dataclass(slots=True)
class Bench:
    """Material and a place to work.

    folder   ours alone; nothing of its name may stay in a text
    """

    rng: Random
    packages: Sequence[Package]
    folder: Path
    _serial: int = field(default=0)

    def package(self, least: int = 1) -> Package:
        """One with at least so many files; large ones more often, but not in proportion."""
        fit = [p for p in self.packages if len(p.files) >= least] or list(self.packages)
        return self.rng.choices(fit, [len(p.files) ** 0.4 for p in fit])[0]

    def source(self, least: int = 1, most: int = 4000) -> tuple[Package, str, Module]:
        """A Python file with at least so many symbols and at most so many lines."""
        for _ in range(2000):
            package = self.package()
            names = package.modules
            if not names:
                continue
            name = self.rng.choice(names)
            found = module(package.home / name)
            if found and len(found.symbols) >= least and found.text.count("\n") <= most:
                return package, name, found
        raise ValueError("no module fits: give folders with more Python files")

    def place(self) -> Path:
        """A fresh empty folder."""
        self._serial += 1
        path = self.folder / f"w{self._serial}"
        path.mkdir(parents=True)
        return path

    def home(self) -> str:
        """The folder that a text names instead of ours."""
        return self.rng.choice(_HOMES)

    def run(
        self, command: Sequence[str], cwd: Path, home: str | None = None, env: Mapping[str, str] | None = None
    ) -> str:
        """What the command prints on both streams, with neutral paths."""
        return neutral(printed(command, cwd, env), {str(cwd): home or "/repo"})


def printed(command: Sequence[str], cwd: Path, env: Mapping[str, str] | None = None) -> str:
    """What the command prints on both streams, as it is."""
    done = subprocess.run(  # noqa: S603 - commands of ours over files of ours
        command,
        cwd=cwd,
        env={**_environment(), **(env or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        timeout=300,
        check=False,
    )
    return done.stdout.decode("utf-8", "replace")


def _environment() -> dict[str, str]:
    fixed = {
        "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
        "LC_ALL": "C.UTF-8",
        "PYTHONHASHSEED": "0",
        "HOME": "/home/user",
        "COLUMNS": "110",
        "NO_COLOR": "1",
    }
    return {**fixed, "TZ": "UTC", "GIT_CONFIG_NOSYSTEM": "1", "OMP_NUM_THREADS": "1"}


def neutral(text: str, places: Mapping[str, str]) -> str:
    """The text without paths of this machine, addresses and colours."""
    for old, new in (*places.items(), *_PATHS):
        text = text.replace(old, new)
    text = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text).replace("\r", "")
    seen: dict[str, str] = {}
    return _ADDRESS.sub(lambda m: seen.setdefault(m[0], f"0x7f3a{len(seen) * 4096 + 0x1C40:08x}"), text).rstrip("\n")


def tells(text: str, folder: Path) -> bool:
    """The text still names this machine's own folders."""
    tops = {Path(place).parts[1] for place in (sys.prefix, sys.base_prefix)} - {"usr", "home", "opt"}
    return any(place in text for place in (str(folder), sys.prefix, *(f"/{top}/" for top in sorted(tops))))


PYTHON = sys.executable
