"""The page of threats names a test for each control, and that test exists."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "explanation" / "threats.md"
_NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
_CELL = re.compile(r"(?<!\\)\|")
_OPEN = ("**open**", "**not ours**")


def test_every_test_that_the_page_names_exists() -> None:
    named = _NAMED.findall(PAGE.read_text(encoding="utf-8"))
    missing = [f"{file}::{name}" for file, name in named if name not in _functions(ROOT / file)]
    assert len(named) > 20
    assert missing == []


def test_every_threat_has_a_control_and_a_test_or_is_said_to_be_open() -> None:
    tables = PAGE.read_text(encoding="utf-8").split("| threat | what stands against it | test |\n|---|---|---|\n")[1:]
    rows = [line for table in tables for line in table.partition("\n\n")[0].splitlines()]
    assert [row for row in rows if not _NAMED.search(row) and not any(word in row for word in _OPEN)] == []


def test_every_attack_that_once_worked_has_a_test_of_its_own() -> None:
    table = PAGE.read_text(encoding="utf-8").partition("| attack | now | test |\n|---|---|---|\n")[2]
    rows = table.partition("\n\n")[0].splitlines()
    tests = [test for row in rows for test in _NAMED.findall(row)]
    assert len(rows) >= 35
    assert len(set(tests)) == len(tests) == len(rows)


def test_every_section_of_the_page_is_a_table_whose_rows_are_whole() -> None:
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    assert [line for line in lines if len(_CELL.split(line.strip("|"))) != 3] == []


@cache
def _functions(path: Path) -> set[str]:
    if not path.exists():
        return set()
    return {
        node.name for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.FunctionDef)
    }
