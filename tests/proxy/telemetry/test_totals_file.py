from __future__ import annotations

import multiprocessing
import sqlite3
import stat
from pathlib import Path

import pytest

from contextprune.errors import StoreError
from contextprune.proxy.telemetry import totals_file
from contextprune.proxy.telemetry.series import Sums
from contextprune.proxy.telemetry.totals_file import Addition, Facts, TotalsFile

DAY, NEXT = "2026-11-30", "2026-12-01"
FACTS = Facts("Claude Code", "claude-opus-4-5", 100.0, 200.0)


def sums_of(tokens: float = 10, seconds: float = 0.02) -> Sums:
    sums = Sums()
    sums.add([(("tokens", "before"), tokens)], [(("overhead",), seconds)])
    return sums


def addition(day: str = DAY, session: str = "1f2e", facts: Facts = FACTS, tokens: float = 10) -> Addition:
    return Addition({day: sums_of(tokens)}, {(session, day): (facts, sums_of(tokens))})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "totals.sqlite3"


@pytest.mark.parametrize("where", ["file", "memory"])
def test_what_is_added_is_read_back(path: Path, where: str) -> None:
    totals = TotalsFile(path if where == "file" else None)
    totals.add(addition())
    totals.add(addition(tokens=5))
    sums = totals.days()[DAY]
    assert sums.numbers == {("tokens", "before"): 15, ("sessions",): 1}
    assert sums.times[("overhead",)] == Sums.__iadd__(sums_of(), sums_of()).times[("overhead",)]


def test_another_process_reads_it(path: Path) -> None:
    TotalsFile(path).add(addition())
    assert TotalsFile(path).days()[DAY].numbers[("tokens", "before")] == 10


def _add_many(path: Path, session: str) -> None:
    for _ in range(20):
        TotalsFile(path).add(addition(session=session))


def test_several_processes_add_up(path: Path) -> None:
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_add_many, args=(path, name)) for name in ("a", "b", "c")]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert TotalsFile(path).days()[DAY].numbers == {("tokens", "before"): 600, ("sessions",): 3}


def test_days_are_read_from_the_first_to_the_last(path: Path) -> None:
    totals = TotalsFile(path)
    for day in ("2026-11-29", DAY, NEXT):
        totals.add(addition(day))
    assert list(totals.days(DAY)) == [DAY, NEXT]
    assert list(totals.days(DAY, DAY)) == [DAY]


def test_a_session_is_the_same_on_the_next_day(path: Path) -> None:
    totals = TotalsFile(path)
    totals.add(addition())
    totals.add(addition(NEXT, facts=Facts("", "claude-sonnet-4-5", 300.0, 400.0)))
    [row] = totals.sessions(10)
    assert (row.session, row.facts) == ("1f2e", Facts("Claude Code", "claude-sonnet-4-5", 100.0, 400.0))
    assert row.sums.numbers == {("tokens", "before"): 20}
    assert [day.numbers[("sessions",)] for day in totals.days().values()] == [1, 1]


def test_the_sessions_seen_last_come_first(path: Path) -> None:
    totals = TotalsFile(path)
    for number, name in enumerate("abc"):
        totals.add(addition(session=name, facts=Facts("", "", number, number)))
    assert [row.session for row in totals.sessions(2)] == ["c", "b"]


def test_the_oldest_go(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(totals_file, "DAYS", 2)
    monkeypatch.setattr(totals_file, "SESSIONS", 2)
    totals = TotalsFile(path)
    for number, day in enumerate(("2026-11-28", "2026-11-29", "2026-11-30")):
        totals.add(addition(day, session=day, facts=Facts("", "", number, number)))
    assert list(totals.days()) == ["2026-11-29", "2026-11-30"]
    assert [row.session for row in totals.sessions(10)] == ["2026-11-30", "2026-11-29"]


def test_full_it_stays_small(path: Path) -> None:
    sums = Sums()
    for i in range(40):
        sums.add([(("requests", "messages", "applied", f"reason {i}"), 1)], [(("overhead",), 0.001 * i)])
    totals = TotalsFile(path)
    totals.add(
        Addition(
            {f"day {i:05}": sums for i in range(totals_file.DAYS)},
            {(f"{i:08}", DAY): (FACTS, sums_of()) for i in range(totals_file.SESSIONS + 100)},
        )
    )
    assert len(totals.sessions(10_000)) == totals_file.SESSIONS
    assert path.stat().st_size < 10 << 20


def test_a_file_that_is_absent_is_empty_and_not_created(path: Path) -> None:
    assert TotalsFile(path).days() == {}
    assert TotalsFile(path).sessions(5) == []
    assert not path.exists()


def test_only_its_owner_reads_it(path: Path) -> None:
    TotalsFile(path).add(addition())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_damaged_file_is_set_aside(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"no database " * 1000)
    TotalsFile(path).add(addition())
    assert list(TotalsFile(path).days()) == [DAY]
    assert path.with_name("totals.sqlite3.damaged").read_bytes().startswith(b"no database")


def test_the_database_of_another_program_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE theirs (a)")
    connection.close()
    with pytest.raises(StoreError, match="another program"):
        TotalsFile(path).add(addition())


def test_a_folder_that_cannot_be_made_is_an_error_of_ours(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="totals"):
        TotalsFile(tmp_path / "file" / "totals.sqlite3").add(addition())


def test_an_addition_that_fails_adds_nothing(path: Path) -> None:
    totals = TotalsFile(path)
    totals.add(addition())
    broken = Addition({DAY: sums_of()}, {("1f2e", DAY): (Facts("", "", None, 1.0), sums_of())})  # type: ignore[arg-type]
    with pytest.raises(StoreError):
        totals.add(broken)
    assert totals.days()[DAY].numbers[("tokens", "before")] == 10


def test_classes_of_another_version_are_left_out(path: Path) -> None:
    TotalsFile(path).add(addition())
    with sqlite3.connect(path) as connection:
        connection.execute("INSERT INTO sums VALUES (?, 'time|0.123|overhead', 7)", (DAY,))
    connection.close()
    assert sum(TotalsFile(path).days()[DAY].times[("overhead",)][:-1]) == 1
