from __future__ import annotations

import pytest

from contextprune.text.stages import slowest_stage
from tests.growth import assert_linear

PLAN = [
    " Limit  (cost=9.0..9.9 rows=20) (actual time=9120.1..9120.2 rows=20 loops=1)",
    "   ->  Hash Join  (cost=3.0..9.4 rows=10) (actual time=61.2..8411.9 rows=12 loops=1)",
    "         Hash Cond: (b.ship_id = s.id)",
    "         ->  Seq Scan on bookings b  (cost=0.0..9.0 rows=10) (actual time=0.1..52.4 rows=12 loops=1)",
    "               Filter: (b.state = 'paid')",
    "         ->  Aggregate  (cost=1.0..1.1 rows=1) (actual time=0.7..0.8 rows=1 loops=10000)",
    "               ->  Seq Scan on fares f  (cost=0.0..1.0 rows=9) (actual time=0.1..0.7 rows=9 loops=10000)",
    "                     Filter: (f.kind = b.kind)",
    "         ->  Hash  (cost=1.0..1.9 rows=96) (actual time=60.1..60.2 rows=96 loops=1)",
    " Execution Time: 9144.6 ms",
]
PROFILE = [
    "main time=90",
    "  read time=11",
    "  parse time=70",
    "    split time=64",
    "      at the comma",
    "  write time=8",
]


def test_the_stage_with_the_most_time_of_its_own_is_found_by_its_loops_with_those_around_it() -> None:
    assert slowest_stage(PLAN) == [1, 2, 5, 6, 7]


def test_what_a_stage_says_belongs_to_it() -> None:
    assert slowest_stage(PROFILE) == [0, 2, 3, 4]


@pytest.mark.parametrize(
    "lines", [[], PLAN[:3], [f"GET /items/{i} took {i} ms" for i in range(20)], ["no times", "  at all"] * 9]
)
def test_lines_that_are_no_tree_of_stages_have_no_slowest_one(lines: list[str]) -> None:
    assert slowest_stage(lines) == []


@pytest.mark.parametrize("unit", ["time=9..", "time ", " ", "time=9 loops", "took 9 "])
def test_looking_for_stages_is_linear(unit: str) -> None:
    assert_linear(lambda text: slowest_stage([text] * 4), lambda size: unit * size, 1_000)
