"""What one core bears: the requests that are sent, and what is read of their answers."""

from __future__ import annotations

import json
import os
from pathlib import Path
from time import process_time

import pytest

pytest.importorskip("uvicorn")

from contextprune.bench.proxy.capacity import AGENTS, KINDS, call_of, cpu_seconds, opening, outcome_of, shares
from contextprune.bench.proxy.load import Answer, Call


def messages(call: Call) -> list[dict[str, object]]:
    body = json.loads(call.raw.partition(b"\r\n\r\n")[2])
    assert isinstance(body["messages"], list)
    return body["messages"]


def test_no_two_requests_are_equal() -> None:
    assert len({call_of(kind, number).raw for kind in KINDS for number in range(50)}) == 150


def test_what_is_replayed_goes_on_with_what_was_opened() -> None:
    opened = [messages(call) for call in opening()]
    for number in range(2 * AGENTS):
        request = messages(call_of("replayed", number))
        assert request[:3] == opened[number % AGENTS]
        assert len(request) == 5


def test_what_is_new_brings_a_result_of_some_thousand_tokens() -> None:
    assert 15_000 < len(str(messages(call_of("new", 1))[-1]["content"])) < 25_000
    assert len(messages(call_of("small", 1))) == 1


def test_headers_say_what_became_of_a_request() -> None:
    applied = Answer(0.1, 0.1, 200, {b"x-contextprune-status": b"applied"})
    shed = Answer(0.1, 0.1, 200, {b"x-contextprune-status": b"passed", b"x-contextprune-reason": b"busy"})
    assert [outcome_of(applied), outcome_of(shed)] == ["applied", "passed, busy"]
    figures = {figure.name: figure.value for figure in shares("new", [applied, shed, shed, shed])}
    assert figures == {"new: answered": 100, "new: applied": 25, "new: passed, busy": 75}


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="it reads /proc")
def test_the_cpu_time_of_a_process_is_read() -> None:
    assert cpu_seconds(os.getpid()) >= process_time() - 0.1 > 0
