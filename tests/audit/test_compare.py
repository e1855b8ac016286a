"""The table over other settings."""

from __future__ import annotations

from dataclasses import replace

import pytest

from contextprune.audit import total
from contextprune.audit.compare import REPETITIONS, variants
from contextprune.audit.total import Audit, audit
from contextprune.policy import Policy
from contextprune.pruner import Pruner
from tests.audit.logs import DATA, pruner

FILES = [str(DATA / name) for name in ("swe.json", "shell.json", "airline.json")]


@pytest.fixture(scope="module")
def compared() -> Audit:
    return audit(FILES, pruner(), compare=10)


def with_policy(policy: Policy) -> Pruner:
    engine = pruner()
    return Pruner(policy, engine.scorer, engine.counter, engine.store)


@pytest.mark.parametrize(
    ("policy", "names", "in_force"),
    [
        (Policy(), ["0.8", "0.95", "0.99", REPETITIONS], "0.95"),
        (Policy(recall=0.9), ["0.8", "0.9", "0.95", "0.99", REPETITIONS], "0.9"),
        (Policy(repetitions_only=True), ["0.8", "0.95", "0.99", REPETITIONS], REPETITIONS),
    ],
)
def test_the_settings_in_force_are_one_of_the_rows(policy: Policy, names: list[str], in_force: str) -> None:
    rows = variants(with_policy(policy))
    assert [row.name for row in rows] == names
    assert [row.name for row in rows if row.in_force] == [in_force]


def test_each_row_is_an_audit_under_its_settings(compared: Audit) -> None:
    table = compared.compared
    for row, recall in zip(table, (0.8, 0.95, 0.99), strict=False):
        alone = audit(FILES, with_policy(Policy(recall=recall)))
        assert row.cost == pytest.approx(alone.cost)
        assert (row.sight.used, row.sight.in_sight) == (alone.sight.used, alone.sight.in_sight)
    alone = audit(FILES, with_policy(Policy(repetitions_only=True)))
    assert table[-1].cost == pytest.approx(alone.cost)


def test_where_only_repetitions_go_all_that_is_used_later_is_in_sight(compared: Audit) -> None:
    row = compared.compared[-1]
    assert (row.name, row.sight.unseen) == (REPETITIONS, ())
    assert row.sight.used > 0


@pytest.mark.parametrize("compare", [0, 1, 2])
def test_only_so_many_sessions_are_compared(compare: int) -> None:
    found = audit(FILES, pruner(), compare=compare)
    assert {len(row.sessions) for row in found.compared} == ({compare} if compare else set())
    assert len(found.sessions) == 3


def test_a_session_that_takes_too_long_is_left_out_of_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    files = FILES[1:]
    sizes = {each.name: each.before.tokens for each in audit(files, pruner()).sessions}
    monkeypatch.setattr(total, "MOST_COMPARED", max(sizes.values()) - 1)
    row = audit(files, pruner(), compare=10).compared[0]
    assert max(sizes, key=lambda name: sizes[name]) not in {each.name for each in row.sessions}


def test_the_table_is_in_one_currency() -> None:
    found = audit(FILES[1:], pruner(), model="anthropic", compare=10)
    assert not any(row.priced for row in found.compared)
    assert replace(found.compared[0], sessions=found.compared[1].sessions).cost == found.compared[1].cost


def test_the_progress_names_the_settings_that_are_tried() -> None:
    stages: list[str] = []
    audit(FILES[:1], pruner(), progress=stages.append, compare=1)
    for title in ("file 1 of 1: swe.json, request 2", "file 1 of 1, recall 0.99: swe.json, request 2"):
        assert title in stages
    assert "file 1 of 1, repetitions only: swe.json, request 2" in stages


def test_rows_differ_in_their_settings_and_not_in_what_came_too_late() -> None:
    late = audit(FILES[:1], pruner(), patience=lambda _new: -1.0, compare=1)
    in_time = audit(FILES[:1], pruner(), compare=1)
    assert late.cost[1] > in_time.cost[1]
    assert [row.cost for row in late.compared] == [row.cost for row in in_time.compared]
    assert [row.late for row in late.compared] == [late.requests] * 4
