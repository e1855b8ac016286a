"""Facts about what tools run over."""

from __future__ import annotations

import ast
from pathlib import Path

from contextprune.training.executed.material import docstring_summary, find_packages, parse_module


def test_packages_are_found_by_name(folder: Path) -> None:
    assert [package.name for package in find_packages([folder])] == [
        "asyncio",
        "concurrent",
        "email",
        "json",
        "urllib",
    ]


def test_symbols_have_their_lines(folder: Path) -> None:
    module = parse_module(folder / "json" / "__init__.py")
    assert module is not None
    lines = module.text.split("\n")
    for symbol in module.symbols:
        assert f"def {symbol.name}" in lines[symbol.line]
        assert isinstance(symbol.node, ast.FunctionDef)
        assert symbol.line <= symbol.head < symbol.end


def test_a_file_that_does_not_parse_is_none(tmp_path: Path) -> None:
    (tmp_path / "x.py").write_text("def (")
    assert parse_module(tmp_path / "x.py") is None


def test_the_first_sentence_ends_at_its_stop() -> None:
    assert docstring_summary("One thing.  And another.\n\nMore") == "One thing"
