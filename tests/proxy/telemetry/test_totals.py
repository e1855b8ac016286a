from __future__ import annotations

import logging
from datetime import UTC, datetime
from pathlib import Path

import pytest

from contextprune.proxy.telemetry.summary import summarise
from contextprune.proxy.telemetry.totals import Totals, day_of, totals_path
from tests.proxy.telemetry.sample_traffic import NOON, record_of

TODAY = day_of(NOON)
FIELDS = {"route": "messages", "status": "applied", "before": 1000, "after": 400, "dollars": (3.0, 1.0)}


def counted(totals: Totals, now: float = NOON, **fields: object) -> None:
    totals.add(
        record_of(**FIELDS | {"session": "1f2e", "started": now - 1, "overhead": 0.02, "upstream": 200, **fields}), now
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "totals.sqlite3"


def test_totals_outlive_the_process_that_counted_them(path: Path) -> None:
    for _ in range(2):
        totals = Totals(path)
        counted(totals)
        totals.flush()
    summary = summarise(Totals(path).days()[TODAY])
    assert (summary.requests, summary.before, summary.after, summary.dollars, summary.sessions) == (2, 2000, 800, 4, 1)
    assert summary.overhead_p50 is not None


def test_without_a_file_they_last_as_long_as_the_process() -> None:
    totals = Totals()
    counted(totals)
    totals.flush()
    counted(totals)
    assert summarise(totals.days()[TODAY]).requests == 2


def test_each_request_counts_on_its_day() -> None:
    totals = Totals()
    counted(totals)
    counted(totals, NOON + 86_400)
    assert [summarise(sums).requests for sums in totals.days().values()] == [1, 1]


def test_a_session_has_the_figures_of_its_requests() -> None:
    totals = Totals()
    counted(totals, client="Claude Code", model="claude-opus-4-5")
    counted(totals, NOON + 60, status="passed", reason="late")
    counted(totals, NOON + 90, session="other")
    other, first = totals.sessions(10)
    assert (other.session, first.session) == ("other", "1f2e")
    assert (first.facts.client, first.facts.model, first.facts.last) == ("Claude Code", "claude-opus-4-5", NOON + 60)
    summary = summarise(first.sums)
    assert (summary.requests, summary.saved, summary.late) == (2, 600, 1)


def test_requests_that_are_only_relayed_belong_to_no_session() -> None:
    totals = Totals()
    counted(totals, route="other", before=0)
    assert totals.sessions(10) == []
    assert summarise(totals.days()[TODAY]).requests == 1


def test_where_the_file_cannot_be_written_nothing_is_lost(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    blocker = tmp_path / "folder"
    blocker.write_text("no folder")
    totals = Totals(blocker / "totals.sqlite3")
    with caplog.at_level(logging.WARNING, "contextprune.proxy"):
        for _ in range(3):
            counted(totals)
            totals.flush()
    assert len(caplog.records) == 1
    assert summarise(totals.days()[TODAY]).requests == 3
    assert summarise(totals.sessions(1)[0].sums).requests == 3

    blocker.unlink()
    totals.flush()
    assert summarise(Totals(blocker / "totals.sqlite3").days()[TODAY]).requests == 3


def test_a_file_has_no_content_and_no_credential(path: Path) -> None:
    totals = Totals(path)
    secret = "the user's words"
    counted(totals, heat=secret.encode(), keys=(secret,), trace=secret, gone=secret, provider=secret)
    totals.flush()
    assert secret.encode() not in path.read_bytes()


def test_a_day_is_that_of_this_machine() -> None:
    noon = datetime(2026, 11, 30, 12, tzinfo=UTC).astimezone()
    assert day_of(noon.timestamp()) == noon.date().isoformat()


def test_the_file_lies_beside_the_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    assert totals_path("/srv/cp/originals.sqlite3") == Path("/srv/cp/totals.sqlite3")
    assert totals_path("") == totals_path("redis://10.0.0.1/0") == Path("/data/contextprune/totals.sqlite3")
    assert totals_path("memory") is None


def test_a_name_that_no_file_takes_is_replaced(path: Path) -> None:
    totals = Totals(path)
    counted(totals, model="\ud800" + "x" * 5000, client="\ud800")
    [row] = totals.sessions(1)
    assert (row.facts.client, len(row.facts.model)) == ("?", 100)


def test_what_is_lost_to_lateness_is_reckoned_by_the_size_of_new_results() -> None:
    totals = Totals()
    counted(totals, new=(9600, 0))
    counted(totals, reason="late", new=(0, 400))
    assert summarise(totals.days()[TODAY]).lost_share == 0.04
