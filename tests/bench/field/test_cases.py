from __future__ import annotations

from pathlib import Path

import pytest

from contextprune.bench.field.cases import REPOSITORY, find_cases, load_cases
from contextprune.errors import SettingsError

INDEX = """
[[case]]
name = "lights"
tool = "lamp"
origin = "written by hand"
goal = "Which lamp is out?"
call = { name = "bash", arguments = { command = "lamp list" } }
needs = ["lamp 7: out"]
"""


def a_set(folder: Path, index: str = INDEX) -> Path:
    family = folder / "household"
    family.mkdir(parents=True)
    (family / "cases.toml").write_text(index, encoding="utf-8")
    (family / "lights.txt").write_bytes(b"lamp 6: on\r\nlamp 7: out\r\n")
    return folder


def test_a_folder_with_families_is_the_set(tmp_path: Path) -> None:
    assert find_cases(a_set(tmp_path)) == tmp_path


def test_without_a_folder_the_repository_has_the_set() -> None:
    assert find_cases(None) == REPOSITORY


def test_without_any_set_the_error_says_what_to_give(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("contextprune.bench.field.cases.REPOSITORY", tmp_path / "nowhere")
    with pytest.raises(SettingsError, match="--data DIR"):
        find_cases(tmp_path)


def test_a_case_has_its_output_byte_for_byte(tmp_path: Path) -> None:
    (case,) = load_cases(a_set(tmp_path))
    assert case.text == "lamp 6: on\r\nlamp 7: out\r\n"
    assert case.arguments == '{"command": "lamp list"}'


def test_families_that_are_not_named_are_left_out(tmp_path: Path) -> None:
    assert load_cases(a_set(tmp_path), frozenset({"garden"})) == []


def test_the_half_depends_on_the_name_alone() -> None:
    cases = load_cases(REPOSITORY)
    assert {case.half for case in cases} == {"open", "judge"}
    assert [case.half for case in cases] == [case.half for case in load_cases(REPOSITORY)]


def test_an_index_without_a_goal_is_refused(tmp_path: Path) -> None:
    broken = "\n".join(line for line in INDEX.splitlines() if not line.startswith("goal"))
    with pytest.raises(SettingsError, match=r"cases\.toml"):
        load_cases(a_set(tmp_path, broken))
