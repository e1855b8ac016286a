"""The real text that tools run over: packages with permissive licences, the standard library, and what is in them."""

from __future__ import annotations

import ast
import gc
import re
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

_PERMISSIVE_TEXT = (
    "rich pydantic click typer networkx jinja2 sympy sklearn scipy transformers torch requests urllib3 pygments "
    "markdown_it packaging pip setuptools yaml tomlkit narwhals joblib huggingface_hub anyio fsspec filelock "
    "pluggy _pytest mypy mpmath sortedcontainers h11 idna numpy sentence_transformers hatchling cloudpickle xdist "
    "iniconfig contextprune threadpoolctl"
)
PERMISSIVE = _PERMISSIVE_TEXT.split()
_STANDARD_TEXT = (
    "asyncio collections concurrent ctypes curses dbm email encodings html http importlib json lib2to3 logging "
    "multiprocessing pydoc_data re sqlite3 tkinter tomllib unittest urllib venv wsgiref xml xmlrpc zoneinfo"
)
STANDARD = _STANDARD_TEXT.split()
_SKIP = {"__pycache__", "tests", "test", "_vendor", "testing", "vendored", "conftest.py"}


@dataclass(frozen=True)
class Package:
    """A package on disk; files are relative to the folder that it stands in."""

    name: str
    home: Path
    files: tuple[str, ...]

    @cached_property
    def modules(self) -> list[str]:
        """Python files of the package between 900 and 90,000 bytes."""
        return [f for f in self.files if f.endswith(".py") and 900 < (self.home / f).stat().st_size < 90_000]


@dataclass(frozen=True, slots=True)
class Symbol:
    """A function, method or class; lines count from 0 and `end` is its last.

    top    first line, decorators included
    line   the line that names it
    head   the last line of its signature
    doc    first sentence of its docstring
    body   the first line after the docstring
    """

    name: str
    owner: str
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    top: int
    line: int
    head: int
    body: int
    end: int
    doc: str

    @property
    def qualified_name(self) -> str:
        """The name with its class."""
        return f"{self.owner}.{self.name}" if self.owner else self.name

    @property
    def is_class(self) -> bool:
        """Whether the symbol is a class rather than a function."""
        return isinstance(self.node, ast.ClassDef)


@dataclass(frozen=True, slots=True)
class Module:
    """A Python file, parsed."""

    text: str
    tree: ast.Module
    doc: str
    symbols: tuple[Symbol, ...]


def find_packages(folders: Sequence[Path]) -> list[Package]:
    """Find the packages in these folders whose licence is permissive; a folder's own modules count as a package too."""
    packages = []
    for folder in folders:
        for path in sorted(folder.iterdir()):
            if path.name in PERMISSIVE or path.name in STANDARD:
                files = tuple(_files(path, folder))
                if sum(f.endswith(".py") for f in files) > 3:
                    packages.append(Package(path.name, folder, files))
        top_level = tuple(sorted(p.name for p in folder.glob("*.py") if not p.name.startswith("_")))
        if len(top_level) > 50:  # the standard library's own modules
            packages.append(Package("stdlib", folder, top_level))
    return packages


def _files(path: Path, folder: Path) -> Iterable[str]:
    for file in sorted(path.rglob("*")):
        relative = file.relative_to(folder)
        if file.is_file() and file.suffix != ".pyc" and not _SKIP.intersection(relative.parts):
            yield relative.as_posix()


@lru_cache(maxsize=600)
def parse_module(path: Path) -> Module | None:
    """Parse a Python file; None where that fails."""
    gc_was_enabled = gc.isenabled()
    gc.disable()  # a tree of many nodes sets it off again and again: ten times slower
    try:
        text = path.read_text(encoding="utf-8")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except (SyntaxError, UnicodeDecodeError, ValueError):
        return None
    finally:
        if gc_was_enabled:
            gc.enable()
    return Module(text, tree, docstring_summary(ast.get_docstring(tree)), tuple(_symbols(tree, "")))


def _symbols(tree: ast.Module | ast.ClassDef, owner: str) -> Iterable[Symbol]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            top = min([node.lineno, *(d.lineno for d in node.decorator_list)]) - 1
            doc = ast.get_docstring(node)
            first = node.body[0]
            after = node.body[1].lineno - 1 if doc and len(node.body) > 1 else first.lineno - 1
            head = max(node.lineno - 1, first.lineno - 2)
            end = (node.end_lineno or node.lineno) - 1
            yield Symbol(node.name, owner, node, top, node.lineno - 1, head, after, end, docstring_summary(doc))
            if isinstance(node, ast.ClassDef) and not owner:
                yield from _symbols(node, node.name)


def docstring_summary(doc: str | None) -> str:
    """Take the first sentence of a docstring, on one line."""
    if not doc:
        return ""
    text = re.sub(r"\s+", " ", doc.strip().split("\n\n")[0])
    return re.split(r"(?<=[a-z)`])\.(?:\s|$)|:\s*$|\s::", text)[0].strip()
