"""Facts about the long session that speed is measured on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from contextprune.bench.speed import median_seconds, session_of, time_overhead
from contextprune.bench.traces.future_use import visible_text
from contextprune.errors import SettingsError


def write(folder: Path) -> None:
    messages = [
        {"role": "user", "content": "go " * 40},
        {"role": "assistant", "tool_calls": [{"id": "c1", "function": {"name": "f", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "c1", "content": "found it " * 40},
        {"role": "assistant", "content": "There it is."},
    ]
    (folder / "traj_x.jsonl").write_text(json.dumps({"id": "a", "messages": messages}) + "\n", encoding="utf-8")


def test_a_long_session_is_joined_from_real_ones_with_unique_call_ids(tmp_path: Path) -> None:
    write(tmp_path)
    joined = session_of(tmp_path, 1_000)
    calls = [call["id"] for message in joined for call in message.get("tool_calls", ())]
    assert 3_500 <= len(visible_text(joined)) <= 5_000  # four characters a token, more or less
    assert len(calls) == len(set(calls)) > 1
    assert calls == [message["tool_call_id"] for message in joined if message["role"] == "tool"]


def test_no_sessions_is_said_plainly(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="trajectories"):
        session_of(tmp_path, 1_000)


def test_a_warm_up_comes_before_the_runs_that_count() -> None:
    calls: list[int] = []
    median_seconds(lambda: calls.append(1), 3)
    assert len(calls) == 4


def test_the_overhead_is_that_of_calls_on_a_session_that_grows_by_a_turn_each(tmp_path: Path) -> None:
    write(tmp_path)
    first, usual, worst, slope, processor = time_overhead(tmp_path, history=2_000, count=6)
    assert "each of 6 calls" in usual.what
    assert first.tokens < usual.tokens == worst.tokens
    assert 0 < usual.seconds <= worst.seconds
    assert slope.tokens == 1_000
    assert processor.seconds > 0
