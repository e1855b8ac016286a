"""Usage is read by session and by agent, and set beside the prediction in the same units."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from contextprune.bench.money.usage import MAIN, SUB, compare, find_usage, load_usage
from contextprune.money.reuse import Given, State
from contextprune.money.tariff import Bill

OPUS = "claude-opus-4-6"


def row(session: str, read: int, written: int, **more: Any) -> dict[str, Any]:
    counts = {"cache_read": read, "cache_creation": written, "input": 3}
    return {"session": session, "n": 0, "model": OPUS, **counts, "gap_s": None, **more}


@pytest.fixture
def kit(tmp_path: Path) -> Path:
    rows = [
        row("a", 0, 20_000),
        row("a", 20_000, 500, gap_s=9),
        row("a", 0, 4_000, stream="sub-1"),
        row("b", 1_000, 30_000, cache_creation_1h=30_000),
        row("b", 0, 0, input=0, gap_s=1),
    ]
    with gzip.open(tmp_path / "usage_requests.jsonl.gz", "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(each) + "\n" for each in rows)
    return tmp_path


def test_a_folder_without_usage_has_none(tmp_path: Path) -> None:
    assert find_usage(tmp_path) is None


def test_the_agents_of_a_session_have_lines_of_their_own(kit: Path) -> None:
    path = find_usage(kit)
    assert path is not None
    first, second = load_usage(path)
    assert [(line.agent, len(line.uses)) for line in first.lines] == [(MAIN, 2), (SUB, 1)]
    assert second.lines[0].uses[0].bill == Bill(fresh=3, read=1_000, hour=30_000)


def test_a_request_of_no_tokens_is_left_out(kit: Path) -> None:
    assert sum(len(line.uses) for session in load_usage(kit / "usage_requests.jsonl.gz") for line in session.lines) == 4


def test_some_of_the_sessions_are_the_same_ones_each_time(kit: Path) -> None:
    path = kit / "usage_requests.jsonl.gz"
    assert load_usage(path, 1) == load_usage(path, 1)
    assert len(load_usage(path, 1)) == 1


def test_costs_are_in_tokens_at_the_full_input_price(kit: Path) -> None:
    requests = list(compare(load_usage(kit / "usage_requests.jsonl.gz"), Given.SIZES))
    assert requests[0].billed == pytest.approx(3 + 1.25 * 20_000)
    assert requests[1].billed == pytest.approx(3 + 0.1 * 20_000 + 1.25 * 500)
    assert requests[3].billed == pytest.approx(3 + 0.1 * 1_000 + 2 * 30_000)
    assert requests[1].modelled == pytest.approx(0.1 * 20_003 + 1.25 * 500)


def test_a_sub_agent_finds_nothing_of_its_session(kit: Path) -> None:
    requests = list(compare(load_usage(kit / "usage_requests.jsonl.gz"), Given.SIZES))
    assert [(request.agent, request.expected.state) for request in requests] == [
        (MAIN, State.FIRST),
        (MAIN, State.GOES_ON),
        (SUB, State.FIRST),
        (MAIN, State.FIRST),
    ]
