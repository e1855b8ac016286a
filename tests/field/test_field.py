"""The set is what its README says, and a floor on what stays of it without the model."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from statistics import fmean

import pytest

from contextprune.bench.field.cases import Case, load_cases
from contextprune.bench.field.measure import FieldResult, compressing, judge

ROOT = Path(__file__).parent
CASES = load_cases(ROOT)
FLOORS = {0.3: 0.88, None: 0.92}
"""Shares of the cases that pass under a budget, and on arrival; raise them when ours keep more."""
COMMON = 12  # lines: what more of them hold is nothing that anybody looks for


@pytest.fixture(scope="module")
def results() -> dict[float | None, list[FieldResult]]:
    arm = compressing("lexical")
    return {share: [judge(case, "ours", arm, share) for case in CASES] for share in FLOORS}


def test_names_are_unique() -> None:
    assert [name for name, count in Counter(case.name for case in CASES).items() if count > 1] == []


def test_every_output_belongs_to_a_case() -> None:
    named = {ROOT / case.family / f"{case.name}.txt" for case in CASES}
    assert set(ROOT.glob("*/*.txt")) == named


def test_the_set_is_as_wide_as_it_says() -> None:
    families = Counter(case.family for case in CASES)
    assert len(CASES) >= 120
    assert len({case.tool for case in CASES}) >= 60
    assert len(families) == 12
    assert min(families.values()) >= 7


def test_both_halves_are_large_enough_to_tell_something() -> None:
    halves = Counter(case.half for case in CASES)
    assert min(halves["open"], halves["judge"]) > len(CASES) / 3


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_case_is_well_formed(case: Case) -> None:
    assert case.goal
    assert case.tool
    assert case.origin.startswith(("run", "written", "generated"))
    assert case.call.isidentifier() or case.call.startswith("mcp__")
    assert isinstance(json.loads(case.arguments), dict)
    assert case.needs
    assert [need for need in case.needs if case.text.count(need) not in range(1, COMMON)] == []
    assert [piece for piece in case.unbroken if piece not in case.text] == []


@pytest.mark.parametrize("share", FLOORS)
def test_what_stays_without_the_model_does_not_fall(
    results: dict[float | None, list[FieldResult]], share: float | None
) -> None:
    assert fmean(result.passed for result in results[share]) >= FLOORS[share]


def test_a_budget_is_kept(results: dict[float | None, list[FieldResult]]) -> None:
    assert [result.name for result in results[0.3] if result.share > 0.3 + 0.02] == []


def test_arrival_leaves_less_than_half_on_average(results: dict[float | None, list[FieldResult]]) -> None:
    assert fmean(result.share for result in results[None]) < 0.5
