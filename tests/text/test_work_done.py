from __future__ import annotations

import pytest

from contextprune.text.work_done import most_work, spilled
from tests.growth import assert_linear

DYNAMO = ['"Count": 3,', *(f'"Page": {i}, "ScannedCount": {i},' for i in range(30)), '"ScannedCount": 918220,']
COUCH = [*(f'"total_docs_examined": {i * 3},' for i in range(30)), "{", '"total_docs_examined": 6402117,']
CLICKHOUSE = [*(f"read_rows:     {i + 12}" for i in range(31)), "read_rows:     9,218,744"]
NEO4J = [*(f"+Filter@plan   DbHits: {i}" for i in range(31)), "+NodeByLabelScan@plan   DbHits: 7100233"]
FIREBIRD = [*(f"table TIDES_{i}: 4 records fetched" for i in range(31)), "table BERTHS: 2200145 records fetched"]
DUCK = [*(f"Filter: {i} rows scanned" for i in range(31)), "Seq scan: 5_000_000 rows scanned"]


@pytest.mark.parametrize("lines", [DYNAMO, COUCH, CLICKHOUSE, NEO4J, FIREBIRD, DUCK])
def test_the_largest_count_of_what_was_looked_at_is_told(lines: list[str]) -> None:
    assert most_work(lines) == [31]


@pytest.mark.parametrize(
    "lines",
    [
        [],
        ["rows examined: 12", "rows examined: 4"],
        [f"rows examined: {90_000 + i}" for i in range(20)],
        ["version: 91827364", "port = 27017", "2026-12-01 read-only 99999"],
    ],
)
def test_what_is_small_or_as_large_everywhere_or_no_count_is_not(lines: list[str]) -> None:
    assert most_work(lines) == []


def test_of_many_the_first_and_last_are_told() -> None:
    lines = [f"keys examined: {5_000 if i % 3 == 0 else 2}" for i in range(30)]
    assert most_work(lines) == [0, 3, 24, 27]


@pytest.mark.parametrize("piece", ["read" * 10 + "=", "1,000" * 9 + " rows ", "scanned: " + "9" * 30])
def test_it_takes_time_in_proportion(piece: str) -> None:
    assert_linear(lambda text: most_work([text] * 4), lambda size: piece * size, 200)


@pytest.mark.parametrize(
    "line",
    [
        "2. tides  ALL  NULL  48,112 rows  Using where; Using temporary; Using filesort",
        "`--USE TEMP B-TREE FOR ORDER BY",
        "Sort [ship ASC], spill size 1.2 GB, rows 4,100",
        "-> XN Sort (is_diskbased: t, rows: 410)",
        "Stage 7: 211.4 MB spilled to disk by 3 of 200 tasks",
        '"usedDisk": true,',
        "Buffers: shared hit=40, temp read=14812 written=14850",
    ],
)
def test_what_went_to_disk_is_told(line: str) -> None:
    assert spilled([*(f"stage {i}: in memory, spilled: 0" for i in range(20)), line]) == [20]


def test_where_everything_goes_to_disk_no_line_says_more_than_another() -> None:
    assert spilled([f"task {i} spilled to disk" for i in range(20)]) == []
