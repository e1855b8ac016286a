"""Locks name every package that the project needs, with hashes; the bill of materials names what is no package."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from supply.sbom import SHIPPED, completed, version

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = {
    "run": ("code", "images", "mcp", "otel", "prices", "proxy", "redis"),
    "model": ("torch",),
    "test": ("code", "dev"),
}
_PIN = re.compile(r"(?m)^([A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?==([^\s;\\]+)")
_NAME = re.compile(r"[A-Za-z0-9][\w.-]*")


def name_of(requirement: str) -> str:
    match = _NAME.match(requirement)
    assert match
    return re.sub(r"[-_.]+", "-", match[0]).lower()


def pins(path: Path) -> dict[str, str]:
    text = path.read_text(encoding="utf-8")
    return {name_of(name): pinned for name, pinned in _PIN.findall(text)}


def wanted(extra: str) -> set[str]:
    """The packages of an extra; those of an extra of ours that it names, too."""
    names: set[str] = set()
    for requirement in PROJECT["optional-dependencies"][extra]:
        inner = re.fullmatch(r"contextprune-ai\[([\w,-]+)\]", requirement)
        names |= {n for e in inner[1].split(",") for n in wanted(e)} if inner else {name_of(requirement)}
    return names


LOCKS = sorted((ROOT / "supply").glob("*.txt"))


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.name)
def test_every_package_of_a_lock_has_hashes(path: Path) -> None:
    requirements = path.read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    assert len(requirements) > 20
    assert [line for line in requirements if "==" not in line or "--hash=sha256:" not in line] == []


@pytest.mark.parametrize("path", [path for path in LOCKS if path.name != "tools.txt"], ids=lambda path: path.name)
def test_a_lock_has_the_versions_that_the_tests_pass_with(path: Path) -> None:
    tested, locked = pins(ROOT / "constraints.txt"), pins(path)
    assert {name: v for name, v in locked.items() if tested.get(name, v) != v} == {}


def test_locks_agree_with_one_another() -> None:
    versions: dict[str, set[str]] = {}
    for path in LOCKS:
        for name, pinned in pins(path).items():
            versions.setdefault(name, set()).add(pinned)
    assert {name: pinned for name, pinned in versions.items() if len(pinned) > 1} == {}


@pytest.mark.parametrize("lock", EXTRAS)
def test_a_lock_names_all_that_its_extras_need(lock: str) -> None:
    needed = {name_of(requirement) for requirement in PROJECT["dependencies"]}
    needed |= {name for extra in EXTRAS[lock] for name in wanted(extra)}
    assert needed - pins(ROOT / "supply" / f"{lock}.txt").keys() == set()


def test_the_lock_for_a_cpu_names_all_of_the_model_but_torch() -> None:
    assert wanted("torch") - pins(ROOT / "supply" / "model-cpu.txt").keys() == {"torch"}


def bill(**part: Any) -> dict[str, Any]:
    root = {"bom-ref": "root", "name": "contextprune-ai"}
    return {"metadata": {"component": root}, "components": [part], "dependencies": [{"ref": "root"}]}


def test_the_bill_names_weights_and_vocabularies_with_licences_and_hashes() -> None:
    licence = [{"license": {"id": "MIT"}}]
    components = completed(bill(name="rich", licenses=licence))["components"]
    ours = {part["name"]: part for part in components[1:]}
    assert ours.keys() == {file for file, *_ in SHIPPED}
    assert ours["contextprune/vocab/o200k_base.tiktoken.gz"]["licenses"] == licence
    weights = ours["contextprune/weights/model.safetensors"]
    assert (weights["version"], len(weights["hashes"][0]["content"])) == (version(), 64)
    assert weights["pedigree"]["ancestors"][0]["licenses"][0]["license"]["id"] == "Apache-2.0"
    json.dumps(components)


def test_all_data_of_the_wheel_stands_in_the_bill() -> None:
    data = {
        path.relative_to(ROOT).as_posix()
        for folder in ("weights", "vocab")
        for path in (ROOT / "contextprune" / folder).iterdir()
        if path.suffix not in (".md", "") and path.name != "scorer.json"
    }
    assert data == {file for file, *_ in SHIPPED}


def test_a_package_without_a_licence_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="no licence is known of stranger"):
        completed(bill(name="stranger"))
