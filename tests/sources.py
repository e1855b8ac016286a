"""The package's source files, parsed once for all the rules that look at them."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "contextprune"

Functions = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Source:
    """A file: its name below the package, its text, its tree, and every node of that."""

    path: Path
    name: str
    text: str
    tree: ast.Module
    nodes: tuple[ast.AST, ...]

    @property
    def part(self) -> str:
        """The part of the package that it belongs to: its folder, or its own name; each `__main__.py` is a command."""
        return "__main__" if self.path.name == "__main__.py" else self.name.split("/")[0].removesuffix(".py")

    @property
    def functions(self) -> Iterator[Functions]:
        return (node for node in self.nodes if isinstance(node, Functions))

    @property
    def imports(self) -> Iterator[str]:
        """Every module that it imports, wherever in the file."""
        for node in self.nodes:
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{self.name} imports relatively"
                assert node.module is not None
                names = [f"{node.module}.{alias.name}" for alias in node.names]
                yield from names if node.module == "contextprune" else [node.module]

    def at(self, node: ast.AST) -> str:
        return f"{self.name}:{getattr(node, 'lineno', 0)}"


@cache
def sources() -> tuple[Source, ...]:
    """Every file, by path."""
    return tuple(_read(path) for path in sorted(PACKAGE.rglob("*.py")))


def offences(rule: Callable[[Source], Iterable[str]], but: Iterable[str] = ()) -> list[str]:
    """What a rule finds in any file but those whose names begin with one of these."""
    spared = tuple(but)
    return [each for source in sources() if not source.name.startswith(spared) for each in rule(source)]


def _read(path: Path) -> Source:
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    return Source(path, path.relative_to(PACKAGE).as_posix(), text, tree, tuple(ast.walk(tree)))
