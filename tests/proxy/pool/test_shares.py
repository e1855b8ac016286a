"""Shares of the processes: who had much of them lately, and who leaves them to the others."""

from __future__ import annotations

from contextprune.proxy.pool.shares import DEBT, HALF_LIFE, PRESENT, TENANTS, Shares


def shares(*tenants: str) -> Shares:
    shared = Shares()
    for tenant in tenants:
        shared.note_request(tenant, 0.0)
    return shared


def test_what_a_tenant_had_fades() -> None:
    shared = shares("a")
    shared.use("a", 8.0, 0.0, 0.0)
    assert shared.lately("a", HALF_LIFE) == 4.0
    assert shared.lately("b", HALF_LIFE) == 0.0


def test_a_tenant_whose_jobs_kept_processes_beyond_their_time_is_in_debt_for_a_while() -> None:
    shared = shares("a", "b")
    shared.use("a", 9.0, 2 * DEBT, 0.0)
    assert shared.is_in_debt("a", 0.9 * HALF_LIFE)
    assert not shared.is_in_debt("a", 1.1 * HALF_LIFE)
    assert not shared.is_in_debt("b", 0.0)


def test_work_in_its_time_makes_no_debt() -> None:
    shared = shares("a", "b")
    shared.use("a", 100.0, 0.0, 0.0)
    assert not shared.is_in_debt("a", 0.0)


def test_who_is_alone_owes_nobody_anything() -> None:
    shared = shares("a")
    shared.use("a", 9.0, 9.0, 0.0)
    assert not shared.is_in_debt("a", 0.0)
    shared.note_request("b", 1.0)
    assert shared.is_in_debt("a", 1.0)
    assert not shared.is_in_debt("a", 2.0 + PRESENT)


def test_tenants_that_asked_long_ago_are_forgotten() -> None:
    shared = shares(*map(str, range(TENANTS + 1)))
    shared.use("0", 9.0, 9.0, 0.0)
    assert shared.lately("0", 0.0) == 0.0
