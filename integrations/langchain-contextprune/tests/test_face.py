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


@pytest.mark.parametrize("name", langchain_contextprune.__all__)
def test_its_page_says_what_each_argument_is(name: str) -> None:
    one = getattr(langchain_contextprune, name)
    said = inspect.getdoc(one) or ""
    inherited = {field for base in getattr(one, "__mro__", ())[1:] for field in getattr(base, "model_fields", ())}
    own = inspect.get_annotations(one) if hasattr(one, "model_fields") else inspect.signature(one).parameters
    arguments = [each for each in inspect.signature(one).parameters if each in own and each not in inherited]
    assert arguments
    assert [each for each in arguments if f"\n    {each}: " not in said] == []
    assert "\nArgs:\n" in said or "\nAttributes:\n" in said


@every_file
def test_files_stay_short(file: Path) -> None:
    assert len(file.read_text(encoding="utf-8").splitlines()) <= 260
