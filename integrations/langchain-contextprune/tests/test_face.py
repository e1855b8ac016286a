"""The package stands on public faces alone, and shows one of its own."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest

import langchain_contextprune

FOLDER = Path(langchain_contextprune.__file__).parent
FILES = sorted(FOLDER.glob("*.py"))

every_file = pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)


@every_file
def test_only_the_face_of_contextprune_is_imported(file: Path) -> None:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert not (node.module or "").startswith("contextprune"), "write `import contextprune as cp`"
        elif isinstance(node, ast.Import):
            assert all(not name.name.startswith("contextprune.") for name in node.names)


@every_file
def test_of_contextprune_only_public_names_are_used(file: Path) -> None:
    import contextprune as cp

    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "cp":
            assert node.attr in cp.__all__, node.attr


def test_the_face_is_sorted_complete_and_says_what_everything_is() -> None:
    names = langchain_contextprune.__all__
    assert names == sorted(names)
    assert all(inspect.getdoc(getattr(langchain_contextprune, name)) for name in names)


@every_file
def test_files_stay_short(file: Path) -> None:
    assert len(file.read_text(encoding="utf-8").splitlines()) <= 260
