"""Constants of a module, read from its source, and a module loaded with one of them changed.

The source is changed before it runs: other modules copy a constant when they import it, and a default of a dataclass
is part of a compiled function, so neither can be changed afterwards. Nothing here imports the engine.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

PACKAGE = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class _Slot:
    """The place of a constant's value: of an assignment, or one element of the tuple that is assigned."""

    name: str
    holder: ast.Assign | ast.AnnAssign | ast.Tuple
    index: int = 0

    @property
    def value(self) -> ast.expr:
        """The expression that stands there."""
        value = self.holder.elts[self.index] if isinstance(self.holder, ast.Tuple) else self.holder.value
        assert value is not None
        return value

    def put(self, value: ast.expr) -> None:
        """Replace it."""
        if isinstance(self.holder, ast.Tuple):
            self.holder.elts[self.index] = value
        else:
            self.holder.value = value


def constants(module: str) -> dict[str, Any]:
    """The literals that a module of the package assigns, by name; a field of a class as `Class.field`.

    module   its name below the package, such as "selection.targets"
    """
    literals = {}
    for slot in _slots(ast.parse(_path(module).read_bytes())):
        try:
            literals[slot.name] = ast.literal_eval(slot.value)
        except ValueError:  # an expression, which is no number that somebody chose
            continue
    return literals


def change(module: str, name: str, value: object) -> None:
    """Have the module `module` loaded with `name` at `value` from now on.

    Raises KeyError where it assigns no such name, RuntimeError where it has been imported already.
    """
    if name not in constants(module):
        raise KeyError(f"{module} assigns no {name}")
    full_name = f"{PACKAGE.name}.{module}"
    if full_name in sys.modules:
        raise RuntimeError(f"{full_name} has been imported already")
    sys.meta_path.insert(0, _Finder(full_name, name, value))


class _Finder(MetaPathFinder):
    """Finds one module, to be loaded with a constant changed."""

    def __init__(self, module: str, name: str, value: object) -> None:
        self._module, self._name, self._value = module, name, value

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self._module:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        assert spec is not None
        assert spec.origin is not None
        spec.loader = _Loader(fullname, spec.origin, self._name, self._value)
        return spec


class _Loader(SourceFileLoader):
    """Compiles a module with a constant changed; byte code is neither read nor written."""

    def __init__(self, module: str, path: str, name: str, value: object) -> None:
        super().__init__(module, path)
        self._name, self._value = name, value

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        tree = ast.parse(self.get_data(path))
        for slot in _slots(tree):
            if slot.name == self._name:
                slot.put(ast.copy_location(ast.parse(repr(self._value), mode="eval").body, slot.value))
        code = compile(ast.fix_missing_locations(tree), path, "exec", dont_inherit=True)
        assert isinstance(code, CodeType)
        return code


def _slots(tree: ast.Module) -> Iterator[_Slot]:
    """The places of all values that a module, or a class in it, assigns to names."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            for field in node.body:
                if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and field.value is not None:
                    yield _Slot(f"{node.name}.{field.target.id}", field)
        elif isinstance(node, ast.Assign):
            target, value = node.targets[0], node.value
            if isinstance(target, ast.Name):
                yield _Slot(target.id, node)
            elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
                names = [each.id for each in target.elts if isinstance(each, ast.Name)]
                yield from (_Slot(name, value, index) for index, name in enumerate(names))


def _path(module: str) -> Path:
    return PACKAGE.joinpath(*module.split(".")).with_suffix(".py")
