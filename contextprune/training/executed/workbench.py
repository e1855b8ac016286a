"""The workbench: where tools are run, on what, and how traces of this machine are taken out of their texts."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from random import Random

from contextprune.training.executed.material import Module, Package, parse_module

_HOMES = ("/repo", "/app", "/home/user/project", "/srv/service", "/usr/src/app", "/home/dev/src", "/opt/build")
_ADDRESS = re.compile(r"\b0x[0-9a-f]{6,16}\b")
_PROJECTS_TEXT = (
    "orchard beacon harbor lantern quarry meadow cobalt falcon juniper marble onyx pepper ridge saffron tundra umber "
    "velvet willow yarrow zephyr amber bramble cedar delta ember fjord glacier hazel indigo jasper kestrel linden"
)
MAX_SECONDS = 300  # of one run of a tool
PROJECTS = tuple(_PROJECTS_TEXT.split())
"""Names of made projects, which stand for packages where samples are grouped."""


def _site() -> str:
    """Find the folder that this project's packages are installed in."""
    spec = find_spec("typer")
    return str(Path(spec.origin).parents[1]) if spec and spec.origin else sysconfig.get_paths()["purelib"]


SITE = _site()
STANDARD = sysconfig.get_paths()["stdlib"]
_PATHS = (
    (SITE, "/usr/lib/python3/site-packages"),
    (STANDARD, "/usr/lib/python3.11"),
    (str(Path(SITE).parents[2]), "/usr"),
    (sys.prefix, "/usr"),
    (sys.base_prefix, "/usr"),
)


class MissingTool(Exception):  # noqa: N818 - a family is left out; nothing went wrong
    """A program that a family needs is not installed; its text is the program's name."""


def _anything(_name: str) -> bool:
    return True


@dataclass(slots=True)
class Workbench:
    """Packages to run tools over, and a folder to run them in.

    folder   the workbench's own; its name must not stay in a text
    tools    a folder with further programs, looked into before the system's
    cache    a folder in which tools may keep what they have built, for later workbenches
    wanted   whether a project or package of this name may be drawn
    """

    rng: Random
    packages: Sequence[Package]
    folder: Path
    tools: Path | None = None
    cache: Path | None = None
    wanted: Callable[[str], bool] = _anything
    _serial: int = field(default=0)

    def tool(self, program: str) -> str:
        """Find a program. Raises MissingTool."""
        path = shutil.which(program, path=_search_path(self.tools))
        if path is None:
            raise MissingTool(program)
        return path

    def project_name(self) -> str:
        """Draw the name of a made project."""
        return self.rng.choice([name for name in PROJECTS if self.wanted(name)] or PROJECTS)

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
        places = {"PATH": _search_path(self.tools), "GOCACHE": str(self.cache or self.folder / "cache")}
        folders = {str(cwd): home or "/repo", **({str(self.tools.parent): "/usr"} if self.tools else {})}
        return without_local_paths(output_of(command, cwd, {**places, **(env or {})}), folders)


def output_of(command: Sequence[str], cwd: Path, env: Mapping[str, str] | None = None) -> str:
    """Run a command; returns what it printed on both streams, unchanged."""
    process = subprocess.run(  # noqa: S603 - commands of ours over files of ours
        command,
        cwd=cwd,
        env={**_environment(), **(env or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        timeout=MAX_SECONDS,
        check=False,
    )
    return process.stdout.decode("utf-8", "replace")


def _search_path(tools: Path | None) -> str:
    """List the folders with programs: the interpreter's first, for packages that it runs are ours."""
    first = [str(Path(sys.executable).parent), str(Path(SITE).parents[2] / "bin"), *([str(tools)] if tools else [])]
    return ":".join([*first, "/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", f"{Path.home()}/.cargo/bin"])


def _environment() -> dict[str, str]:
    fixed = {
        "PATH": _search_path(None),
        "LC_ALL": "C.UTF-8",
        "PYTHONHASHSEED": "0",
        "HOME": "/home/user",
        "COLUMNS": "110",
        "NO_COLOR": "1",
    }
    homes = {"RUSTUP_HOME": f"{Path.home()}/.rustup", "CARGO_HOME": f"{Path.home()}/.cargo"}
    return {**fixed, **homes, "TZ": "UTC", "GIT_CONFIG_NOSYSTEM": "1", "OMP_NUM_THREADS": "1"}


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
