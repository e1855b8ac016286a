"""What is new in a body, and how long its decisions may take."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from contextprune.proxy.job import Job, Task
from contextprune.proxy.pool.deadlines import FORGIVEN, LEAST, Allowance, SessionHistory, SpeedEstimate
from tests.growth import assert_linear
from tests.proxy.pool.running_pool import body

DEADLINE, PREFILL, CACHE = 2.0, 10_000.0, 300.0


def sessions(capacity: int = 20_000) -> SessionHistory:
    return SessionHistory(DEADLINE, PREFILL, CACHE, capacity)


def job(sent: bytes, **told: object) -> Job:
    return replace(Job(1, Task.SHORTEN, sent), **told)  # type: ignore[arg-type]


def sent(known: SessionHistory, what: Job, now: float = 0.0, home: int = 0) -> Allowance:
    """One request that comes and is answered."""
    allowed = known.allow(what, now)
    known.note(allowed, home, now)
    return allowed


def test_all_of_a_first_request_is_new() -> None:
    first = body("n1", 5)
    assert sessions().allow(job(first), 0.0).job.new == len(first) // 4


@pytest.mark.parametrize("turns", [2, 5, 30])
def test_of_the_next_request_of_a_session_only_what_it_adds_is_new(turns: int) -> None:
    known = sessions()
    for turn in range(1, turns):
        sent(known, job(body("n2", turn)))
    allowed = known.allow(job(body("n2", turns)), 0.0)
    assert allowed.job.new == (len(body("n2", turns)) - len(body("n2", turns - 1))) // 4


def test_what_stands_behind_the_messages_does_not_hide_what_stands_before() -> None:
    known = sessions()
    tools = [{"name": f"tool{i}", "description": "does one thing and does it well"} for i in range(40)]
    sent(known, job(body("n3", 9, tools=tools)), home=1)
    allowed = known.allow(job(body("n3", 10, tools=tools)), 0.0)
    assert allowed.home == 1
    assert allowed.job.new < len(body("n3", 10, tools=tools)) / 4 / 2


def test_sessions_of_different_tenants_are_different() -> None:
    known = sessions()
    sent(known, job(body("n4", 5), tenant="one"))
    assert known.allow(job(body("n4", 5), tenant="two"), 0.0).job.new == len(body("n4", 5)) // 4


def test_time_is_half_of_what_reading_the_new_tokens_takes() -> None:
    tokens = 20_000
    allowed = sessions().allow(job(bytes(4 * tokens)), 0.0)
    assert allowed.job.seconds == allowed.limit == pytest.approx(0.5 * tokens / PREFILL)


@pytest.mark.parametrize(("size", "seconds"), [(10, LEAST), (10_000_000, DEADLINE)])
def test_time_is_never_less_than_the_least_nor_more_than_the_deadline(size: int, seconds: float) -> None:
    assert sessions().allow(job(bytes(size)), 0.0).job.seconds == seconds


def test_a_session_whose_last_request_failed_has_nothing_new_in_the_cache() -> None:
    known = sessions()
    first = job(body("n5", 5))
    sent(known, first)
    assert not known.allow(job(body("n5", 6)), 0.0).job.uncached
    known.failed(first)
    assert known.allow(job(body("n5", 6)), 0.0).job.uncached
    sent(known, job(body("n5", 6)))
    assert not known.allow(job(body("n5", 7)), 0.0).job.uncached


def test_a_request_that_failed_after_another_one_of_its_session_says_nothing_of_that() -> None:
    known = sessions()
    sent(known, job(body("n9", 6)))
    known.failed(job(body("n9", 5)))
    assert not known.allow(job(body("n9", 7)), 0.0).job.uncached


def test_whoever_counted_a_request_that_was_late_knows_its_session() -> None:
    known = sessions()
    late = job(body("m1", 5))
    sent(known, late, home=-1)
    known.moved(late, 1)
    assert known.home(late) == 1
    assert known.allow(job(body("m1", 6)), 0.0).home == 1


def test_what_was_counted_after_another_request_of_its_session_moves_nothing() -> None:
    known = sessions()
    sent(known, job(body("m2", 6)), home=0)
    known.moved(job(body("m2", 5)), 1)
    assert known.home(job(body("m2", 5))) == -1
    assert known.allow(job(body("m2", 7)), 0.0).home == 0


def test_after_a_long_silence_the_cache_is_cold() -> None:
    known = sessions()
    sent(known, job(body("n6", 5)), now=0.0)
    assert not known.allow(job(body("n6", 6)), CACHE + 1).job.cold  # this model's cache lives for ten minutes
    assert known.allow(job(body("n6", 6)), 2 * CACHE + 1).job.cold
    assert not known.allow(job(body("other", 6)), 2 * CACHE + 1).job.cold


def test_a_request_over_which_a_process_died_is_as_new_as_before_and_counted() -> None:
    known = sessions()
    for strikes in range(3):
        allowed = known.allow(job(body("n7", 5)), 0.0)
        assert allowed.strikes == strikes
        assert allowed.job.new == len(body("n7", 5)) // 4
        known.strike(allowed, 0.0)
    assert known.allow(job(body("n7", 5)), FORGIVEN + 1).strikes == 0
    sent(known, job(body("n7", 5)))
    assert known.allow(job(body("n7", 5)), 0.0).strikes == 0


def test_what_the_side_car_asks_for_has_the_time_of_its_caller() -> None:
    allowed = sessions().allow(job(body("n8", 5), task=Task.COMPRESS, seconds=9.0), 0.0)
    assert allowed.limit == allowed.job.seconds == 9.0


def test_only_so_many_sessions_are_remembered() -> None:
    known = sessions(capacity=20)
    for i in range(50):
        sent(known, job(json.dumps({"number": i, "text": "x" * 5000}).encode()))
    assert len(known) == 20


def test_a_large_body_is_looked_at_in_linear_time() -> None:
    known = sessions()
    allowed = assert_linear(lambda large: known.allow(large, 0.0), lambda size: job(bytes(size)), 2 << 20)
    assert len(allowed.job.body) == 8 << 20


def test_what_a_token_costs_is_learnt_and_one_stall_does_not_spoil_it() -> None:
    cost = SpeedEstimate(1e-6)
    for _ in range(100):
        cost.learn(1000, 0.004)
    assert cost.seconds(1000) == pytest.approx(0.004, rel=0.05)
    cost.learn(1000, 60.0)
    assert cost.seconds(1000) < 0.01
