"""The workbench: where tools are run, on what, and how traces of this machine are taken out of their texts."""

from __future__ import annotations

import re
import subprocess
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from contextprune.training.executed.material import Module, Package, parse_module

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
class Workbench:
    """Packages to run tools over, and a folder to run them in.

    folder   the workbench's own; its name must not stay in a text
    """

    rng: Random
    packages: Sequence[Package]
    folder: Path
    _serial: int = field(default=0)

    def package(self, min_files: int = 1) -> Package:
        """Draw a package with at least `min_files` files; large ones more often, but not in proportion."""
        candidates = [p for p in self.packages if len(p.files) >= min_files] or list(self.packages)
        return self.rng.choices(candidates, [len(p.files) ** 0.4 for p in candidates])[0]

    def source(self, min_symbols: int = 1, max_lines: int = 4000) -> tuple[Package, str, Module]:
        """Draw a Python file by its symbols and lines: (package, path within it, the parsed module)."""
        for _ in range(2000):
            package = self.package()
            names = package.modules
            if not names:
                continue
            name = self.rng.choice(names)
            module = parse_module(package.home / name)
            if module and len(module.symbols) >= min_symbols and module.text.count("\n") <= max_lines:
                return package, name, module
        raise ValueError("no module fits: give folders with more Python files")

    def fresh_folder(self) -> Path:
        """Make an empty folder."""
        self._serial += 1
        path = self.folder / f"w{self._serial}"
        path.mkdir(parents=True)
        return path

    def home(self) -> str:
        """Draw the folder that a text names in place of the real one."""
        return self.rng.choice(_HOMES)

    def run(
        self, command: Sequence[str], cwd: Path, home: str | None = None, env: Mapping[str, str] | None = None
    ) -> str:
        """Run a command; returns what it printed on both streams, with neutral paths."""
        return without_local_paths(output_of(command, cwd, env), {str(cwd): home or "/repo"})


def output_of(command: Sequence[str], cwd: Path, env: Mapping[str, str] | None = None) -> str:
    """Run a command; returns what it printed on both streams, unchanged."""
    process = subprocess.run(  # noqa: S603 - commands of ours over files of ours
        command,
        cwd=cwd,
        env={**_environment(), **(env or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        timeout=300,
        check=False,
    )
    return process.stdout.decode("utf-8", "replace")


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


def without_local_paths(text: str, folders: Mapping[str, str]) -> str:
    """Replace this machine's paths and memory addresses by neutral ones, and drop colours."""
    for old, new in (*folders.items(), *_PATHS):
        text = text.replace(old, new)
    text = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text).replace("\r", "")
    aliases: dict[str, str] = {}
    return _ADDRESS.sub(lambda m: aliases.setdefault(m[0], f"0x7f3a{len(aliases) * 4096 + 0x1C40:08x}"), text).rstrip(
        "\n"
    )


def names_this_machine(text: str, folder: Path) -> bool:
    """Whether the text still names this machine's own folders."""
    tops = {Path(path).parts[1] for path in (sys.prefix, sys.base_prefix)} - {"usr", "home", "opt"}
    return any(path in text for path in (str(folder), sys.prefix, *(f"/{top}/" for top in sorted(tops))))


PYTHON = sys.executable
