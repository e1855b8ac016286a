"""Small test projects over real functions, some of whose tests fail by construction."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from random import Random

from contextprune.training.executed.facts import FACTS, Fact, FilledFact, evaluate, fill


@dataclass(frozen=True, slots=True)
class Case:
    """One test of a generated project.

    outcome   "ok", "wrong" (a false expectation), "raises", "fixture" (setup fails), "skip" or "xfail"
    """

    name: str
    description: str
    file: str
    fact: FilledFact
    outcome: str


def draw_cases(rng: Random, count: int, failing: int, package: str) -> list[Case]:
    """Draw `count` tests, mostly of one package, in a few files, `failing` of which fail; their names differ."""
    of_package = [fact for fact in FACTS if fact.package == package]
    drawn: list[Case] = []
    files = [f"test_{name}.py" for name in _files(rng, package)]
    for i in range(count):
        fact = rng.choice(of_package if of_package and rng.random() < 0.4 else FACTS)
        name = f"test_{fact.topic}_{_SUFFIX[i % len(_SUFFIX)]}{'' if i < len(_SUFFIX) else i}"
        drawn.append(Case(name, fact.description, files[i * len(files) // count], _working(rng, fact), "ok"))

    doomed = rng.sample(range(count), min(count, failing))
    for i in doomed:
        drawn[i] = _with_outcome(drawn[i], rng.choice(("wrong", "wrong", "raises", "raises", "fixture")))
    for i in rng.sample([i for i in range(count) if i not in doomed], min(count - len(doomed), rng.randrange(3))):
        drawn[i] = _with_outcome(drawn[i], rng.choice(("skip", "xfail")))
    return drawn


_SUFFIX_TEXT = (
    "basic nested empty unicode large twice order limits copy strict defaults roundtrip negative cached partial "
    "reverse shared lazy nightly legacy"
)
_SUFFIX = _SUFFIX_TEXT.split()


def _files(rng: Random, package: str) -> list[str]:
    return sorted({f"{package}_api", *rng.sample(["core", "formats", "edges", "service", "models"], rng.randrange(4))})


def _working(rng: Random, fact: Fact) -> FilledFact:
    filled = fill(rng, fact)
    evaluate(filled)
    return filled


def _with_outcome(case: Case, outcome: str) -> Case:
    return Case(case.name, case.description, case.file, case.fact, outcome)


def wrong_expectation(value: object) -> str:
    """Write an expectation that the value does not meet, as source text."""
    if isinstance(value, bool):
        return repr(not value)
    if isinstance(value, int | float):
        return repr(value + 3)
    if isinstance(value, str):
        return repr(value[:-1] + "?" if value else "none")
    if isinstance(value, list):
        return repr(value[:-1] or ["nothing"])
    return repr([value])


def pytest_file(cases: list[Case], described: bool) -> str:
    """Write a pytest module; `described`: each test has a docstring with its subject."""
    parts = ['"""Tests of what we rely on."""\n', "import pytest\n", *_imports(cases), ""]
    for case in cases:
        if case.outcome == "fixture":
            parts.append(f"\n@pytest.fixture\ndef {case.name[5:]}_input():\n    return {case.fact.bad}\n")
        if case.outcome == "skip":
            parts.append(f'\n@pytest.mark.skip(reason="{case.description} is not supported on this host")')
        if case.outcome == "xfail":
            parts.append(f'\n@pytest.mark.xfail(reason="known: {case.description}")')

        argument = f"{case.name[5:]}_input" if case.outcome == "fixture" else ""
        body = [f'    """Covers {case.description}."""'] if described else []
        body += [f"    {line}" for line in _body(case)]
        parts.append("\n".join([f"\ndef {case.name}({argument}):", *body, ""]))
    return "\n".join(parts)


def unittest_file(cases: list[Case], name: str) -> str:
    """Write a unittest module with one class."""
    parts = ["import unittest\n", *_imports(cases), f"\n\nclass {name}(unittest.TestCase):"]
    for case in cases:
        if case.outcome in {"skip", "xfail"}:
            mark = f'@unittest.skip("{case.description} needs a newer host")' if case.outcome == "skip" else ""
            parts.append(f"    {mark or '@unittest.expectedFailure'}")
        parts.append(f"    def {case.name}(self):")
        expected = (
            repr(evaluate(case.fact))
            if case.outcome not in {"wrong", "xfail"}
            else wrong_expectation(evaluate(case.fact))
        )
        if case.outcome in {"raises", "fixture"}:
            parts.append(f"        {case.fact.bad}\n")
        else:
            parts.append(f"        self.assertEqual({case.fact.good}, {expected})\n")
    return "\n".join(parts)


def _imports(cases: list[Case]) -> list[str]:
    return sorted({f"import {name}" for case in cases for name in case.fact.imports})


def _body(case: Case) -> list[str]:
    value = evaluate(case.fact)
    if case.outcome == "raises":
        return [f"result = {case.fact.bad}", "assert result is not None"]
    if case.outcome == "fixture":
        return [f"assert {case.name[5:]}_input"]
    expected = wrong_expectation(value) if case.outcome in {"wrong", "xfail"} else repr(value)
    return [f"result = {case.fact.good}", f"assert result == {expected}"]


def write_project(folder: Path, cases: list[Case], described: bool) -> None:
    """Write the project's files into the folder."""
    for file in sorted({case.file for case in cases}):
        (folder / file).write_text(pytest_file([c for c in cases if c.file == file], described))
