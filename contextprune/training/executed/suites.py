"""Small test projects over real functions, some of whose tests fail by construction."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from random import Random

from contextprune.training.executed.facts import FACTS, Fact, Made, filled, value


@dataclass(frozen=True, slots=True)
class Case:
    """One test.

    fate   "ok", "wrong" (a false expectation), "raises", "fixture" (setup fails), "skip" or "xfail"
    """

    name: str
    says: str
    file: str
    made: Made
    fate: str


def cases(rng: Random, count: int, failing: int, package: str) -> list[Case]:
    """Tests mostly of one package, in a few files; their names differ."""
    own = [fact for fact in FACTS if fact.package == package]
    made: list[Case] = []
    files = [f"test_{name}.py" for name in _files(rng, package)]
    for i in range(count):
        fact = rng.choice(own if own and rng.random() < 0.4 else FACTS)
        name = f"test_{fact.topic}_{_SUFFIX[i % len(_SUFFIX)]}{'' if i < len(_SUFFIX) else i}"
        made.append(Case(name, fact.says, files[i * len(files) // count], _safe(rng, fact), "ok"))
    doomed = rng.sample(range(count), min(count, failing))
    for i in doomed:
        made[i] = _fated(made[i], rng.choice(("wrong", "wrong", "raises", "raises", "fixture")))
    for i in rng.sample([i for i in range(count) if i not in doomed], min(count - len(doomed), rng.randrange(3))):
        made[i] = _fated(made[i], rng.choice(("skip", "xfail")))
    return made


_SUFFIX_TEXT = (
    "basic nested empty unicode large twice order limits copy strict defaults roundtrip negative cached partial "
    "reverse shared lazy nightly legacy"
)
_SUFFIX = _SUFFIX_TEXT.split()


def _files(rng: Random, package: str) -> list[str]:
    return sorted({f"{package}_api", *rng.sample(["core", "formats", "edges", "service", "models"], rng.randrange(4))})


def _safe(rng: Random, fact: Fact) -> Made:
    made = filled(rng, fact)
    value(made)
    return made


def _fated(case: Case, fate: str) -> Case:
    return Case(case.name, case.says, case.file, case.made, fate)


def wrong(found: object) -> str:
    """An expectation that is not met, as source text."""
    if isinstance(found, bool):
        return repr(not found)
    if isinstance(found, int | float):
        return repr(found + 3)
    if isinstance(found, str):
        return repr(found[:-1] + "?" if found else "none")
    if isinstance(found, list):
        return repr(found[:-1] or ["nothing"])
    return repr([found])


def pytest_file(cases: list[Case], told: bool) -> str:
    """The source of a pytest module; `told`: each test says what it is about."""
    parts = ['"""Tests of what we rely on."""\n', "import pytest\n", *_imports(cases), ""]
    for case in cases:
        if case.fate == "fixture":
            parts.append(f"\n@pytest.fixture\ndef {case.name[5:]}_input():\n    return {case.made.bad}\n")
        if case.fate == "skip":
            parts.append(f'\n@pytest.mark.skip(reason="{case.says} is not supported on this host")')
        if case.fate == "xfail":
            parts.append(f'\n@pytest.mark.xfail(reason="known: {case.says}")')
        argument = f"{case.name[5:]}_input" if case.fate == "fixture" else ""
        body = [f'    """Covers {case.says}."""'] if told else []
        body += [f"    {line}" for line in _body(case)]
        parts.append("\n".join([f"\ndef {case.name}({argument}):", *body, ""]))
    return "\n".join(parts)


def unittest_file(cases: list[Case], name: str) -> str:
    """The source of a unittest module with one class."""
    parts = ["import unittest\n", *_imports(cases), f"\n\nclass {name}(unittest.TestCase):"]
    for case in cases:
        if case.fate in {"skip", "xfail"}:
            mark = f'@unittest.skip("{case.says} needs a newer host")' if case.fate == "skip" else ""
            parts.append(f"    {mark or '@unittest.expectedFailure'}")
        parts.append(f"    def {case.name}(self):")
        expected = repr(value(case.made)) if case.fate not in {"wrong", "xfail"} else wrong(value(case.made))
        if case.fate in {"raises", "fixture"}:
            parts.append(f"        {case.made.bad}\n")
        else:
            parts.append(f"        self.assertEqual({case.made.good}, {expected})\n")
    return "\n".join(parts)


def _imports(cases: list[Case]) -> list[str]:
    return sorted({f"import {name}" for case in cases for name in case.made.imports})


def _body(case: Case) -> list[str]:
    found = value(case.made)
    if case.fate == "raises":
        return [f"result = {case.made.bad}", "assert result is not None"]
    if case.fate == "fixture":
        return [f"assert {case.name[5:]}_input"]
    expected = wrong(found) if case.fate in {"wrong", "xfail"} else repr(found)
    return [f"result = {case.made.good}", f"assert result == {expected}"]


def write(place: Path, cases: list[Case], told: bool) -> None:
    """The project's files."""
    for file in sorted({case.file for case in cases}):
        (place / file).write_text(pytest_file([c for c in cases if c.file == file], told))
