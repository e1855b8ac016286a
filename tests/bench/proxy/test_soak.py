"""The soak: its load, and what it calls growth."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

pytest.importorskip("uvicorn")

from contextprune.bench.proxy.soak import Load, Reading, conversations, growths, read_state, soak


def test_growth_is_that_after_the_warm_up() -> None:
    warm, later = Reading(50, 100, 20, 0), Reading(100, 200, 40, 1000)
    figures = {figure.name: figure for figure in growths([warm] * 10 + [later] * 29 + [Reading(500, 200, 40, 1000)])}
    assert figures["memory of the front: growth after the warm-up"].met
    assert figures["descriptors of the front at the end"].value == 40


def test_what_doubles_after_the_warm_up_misses_its_target() -> None:
    readings = [Reading(100 + 10 * step, 100, 20, 1000) for step in range(40)]
    figures = {figure.name: figure for figure in growths(readings)}
    assert not figures["memory of the front: growth after the warm-up"].met
    assert figures["files of the store: growth after the warm-up"].met


def test_conversations_come_round_turn_by_turn() -> None:
    calls = conversations(1000)
    assert len(calls) == 100
    bodies = [json.loads(call.raw.partition(b"\r\n\r\n")[2])["messages"] for call in calls]
    assert bodies[10][: len(bodies[0])] == bodies[0]


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="it reads /proc")
def test_the_state_of_a_process_is_read(tmp_path: Path) -> None:
    (tmp_path / "originals.sqlite3").write_bytes(bytes(1234))
    reading = read_state(os.getpid(), tmp_path)
    assert reading.front > 1 << 20
    assert reading.descriptors > 2
    assert reading.store == 1234


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="it reads /proc")
def test_a_short_one_loses_no_request_and_no_stream() -> None:
    figures = {figure.name: figure for figure in soak(Load(minutes=0.03, requests=40, streams=1, idle=5))}
    assert figures["requests"].value == 40
    assert figures["answered"].met
    assert figures["40 streams: equal to the last byte"].met
