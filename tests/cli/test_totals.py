"""`contextprune stats`: the totals by day, week and month, read from the file that proxies add to."""

from __future__ import annotations

import json
import time
from datetime import date, timedelta
from pathlib import Path

import pytest
import typer

from contextprune.cli.app import main
from contextprune.cli.totals import By, periods_of, since_of
from contextprune.proxy.telemetry.totals import Totals, day_of
from tests.proxy.telemetry.sample_traffic import record_of

DAY = 86_400.0
TODAY = date.fromisoformat(day_of(time.time()))


@pytest.fixture
def totals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Totals:
    monkeypatch.setenv("CONTEXTPRUNE_STORE", str(tmp_path / "originals.sqlite3"))
    return Totals(tmp_path / "totals.sqlite3")


def counted(totals: Totals, days_ago: float = 0, **fields: object) -> None:
    """A request of which 3,800 of 10,000 tokens went, and 21 cents of a dollar."""
    told = {"route": "messages", "status": "applied", "upstream": 200, "before": 10_000, "after": 6200}
    record = record_of(**told | {"dollars": (1.0, 0.79), "session": "1f2e", "overhead": 0.02, **fields})
    totals.add(record, time.time() - days_ago * DAY)
    totals.flush()


def test_without_any_request_it_says_so(totals: Totals, capsys: pytest.CaptureFixture[str]) -> None:
    assert totals.days() == {}
    assert main(["stats"]) == 0
    assert capsys.readouterr().out == "Today: no request yet.\n"


def test_each_day_is_a_row_below_the_sentence_of_today(totals: Totals, capsys: pytest.CaptureFixture[str]) -> None:
    counted(totals)
    counted(totals, 1, session="other")
    counted(totals, 1, status="passed", reason="late", after=10_000, dollars=(1.0, 1.0))
    assert main(["stats"]) == 0
    first, _, heads, today, yesterday = capsys.readouterr().out.splitlines()
    assert first.startswith("Today: 1 session, $0.21 of $1.00 saved (21 %)")
    assert heads.split()[:3] == ["day", "sessions", "requests"]
    assert today.split() == [str(TODAY), "1", "1", "10,000", "6,200", "38.0%", "$0.21", "of", "$1.00", "0"]
    assert yesterday.split()[1:] == ["2", "2", "20,000", "16,200", "19.0%", "$0.21", "of", "$2.00", "1"]


def test_a_status_line_is_short(totals: Totals, capsys: pytest.CaptureFixture[str]) -> None:
    counted(totals)
    assert main(["stats", "--line"]) == 0
    assert capsys.readouterr().out == "-38 %, $0.21 today\n"


@pytest.mark.parametrize(("by", "words"), [("day", "today"), ("week", "this week"), ("month", "this month")])
def test_a_status_line_names_its_stretch_of_time(
    totals: Totals, by: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    counted(totals)
    assert main(["stats", "--line", "--by", by]) == 0
    assert capsys.readouterr().out == f"-38 %, $0.21 {words}\n"


def test_a_day_without_a_request_has_a_status_line(totals: Totals, capsys: pytest.CaptureFixture[str]) -> None:
    counted(totals, 3)
    assert main(["stats", "--line"]) == 0
    assert capsys.readouterr().out == "0 % today\n"


def test_what_an_audit_would_have_saved_is_told_apart(totals: Totals, capsys: pytest.CaptureFixture[str]) -> None:
    counted(totals, status="audit")
    assert main(["stats"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("Today: 1 session, nothing saved")
    assert f"Audited {TODAY}: 1 session, $0.21 of $1.00 would have been saved" in text
    assert main(["stats", "--line"]) == 0
    assert capsys.readouterr().out == "-38 %, $0.21 today (audit)\n"


def test_json_has_every_figure(totals: Totals, capsys: pytest.CaptureFixture[str]) -> None:
    counted(totals)
    assert main(["stats", "--json", "--by", "month"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["by"], Path(told["totals"]).name) == ("month", "totals.sqlite3")
    [month] = told["periods"]
    assert (month["name"], month["first"]) == (str(TODAY)[:7], f"{str(TODAY)[:7]}-01")
    assert (month["before"], month["after"], month["saved"], month["requests"]) == (10_000, 6200, 3800, 1)
    assert month["dollars"] == pytest.approx(0.21)
    assert month["audit"]["counted"] == 0


def test_since_leaves_out_what_is_older(totals: Totals, capsys: pytest.CaptureFixture[str]) -> None:
    counted(totals, 40)
    counted(totals, 2)
    for args, periods in (([], 1), (["--since", "41"], 2), (["--since", "1"], 0)):
        assert main(["stats", "--json", *args]) == 0
        assert len(json.loads(capsys.readouterr().out)["periods"]) == periods


def test_a_week_begins_on_monday_and_a_month_on_its_first_day(totals: Totals) -> None:
    counted(totals)
    sums = next(iter(totals.days().values()))
    days = {"2026-11-29": sums, "2026-11-30": sums, "2026-12-01": sums}
    assert [(week.name, str(week.first), week.saved.requests) for week in periods_of(days, By.WEEK)] == [
        ("2026-W49", "2026-11-30", 2),
        ("2026-W48", "2026-11-23", 1),
    ]
    assert [(month.name, month.saved.requests) for month in periods_of(days, By.MONTH)] == [
        ("2026-12", 1),
        ("2026-11", 2),
    ]


@pytest.mark.parametrize(
    ("text", "day"), [("2026-11-01", date(2026, 11, 1)), ("0", TODAY), ("30", TODAY - timedelta(30))]
)
def test_a_start_is_a_day_or_a_number_of_days(text: str, day: date) -> None:
    assert since_of(text) == day


@pytest.mark.parametrize("text", ["", "yesterday", "-3", "2026-13-01", "9" * 30])
def test_another_start_is_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.BadParameter, match="neither a day"):
        since_of(text)
    assert main(["stats", f"--since={text}"]) == 2
    assert "--since" in capsys.readouterr().err


def test_a_store_in_memory_keeps_no_totals(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("CONTEXTPRUNE_STORE", "memory")
    assert main(["stats"]) == 1
    assert "no totals are kept" in capsys.readouterr().err


def test_a_file_that_is_no_totals_is_named(totals: Totals, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert totals.days() == {}
    (tmp_path / "totals.sqlite3").mkdir()
    assert main(["stats"]) == 1
    assert "totals.sqlite3" in capsys.readouterr().err
