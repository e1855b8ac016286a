"""The scorer processes, real ones: whatever happens to them, every request is answered in time."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from contextprune.proxy.job import Answer, Job, Task
from contextprune.proxy.options import Options
from contextprune.proxy.pool.breaker import PAUSE, Breaker
from contextprune.proxy.pool.pool import ScorerPool
from contextprune.proxy.pool.slot import STUCK
from contextprune.proxy.worker.heat import MARKER
from tests.proxy.in_process import until
from tests.proxy.pool.running_pool import BRIEF, PATIENT, Asking, asking, body, texts

LATE = 3.0  # seconds of a deadline that a stopped process misses, and one that works on a busy machine does not


@pytest.fixture(scope="module", autouse=True)
def _store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A store file of the module's own, so that nothing is known from elsewhere."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONTEXTPRUNE_STORE", str(tmp_path_factory.mktemp("store") / "originals.sqlite3"))
        yield


@pytest.fixture(scope="module")
def two(_store: None) -> Iterator[Asking]:
    with asking(count=2) as scorers:
        yield scorers


def test_a_body_comes_back_shorter_and_otherwise_as_it_was(two: Asking) -> None:
    sent = body("a1")
    answer = two.ask(sent)
    assert (answer.status, answer.reason) == ("applied", "")
    assert answer.body is not None
    assert len(answer.body) < len(sent)
    assert 0 < answer.after < answer.before
    old, new = json.loads(sent), json.loads(answer.body)
    for before, after in zip(old["messages"], new["messages"], strict=True):
        assert before == after or before["role"] == "tool"


def test_two_turns_of_a_session_begin_with_the_same_bytes(two: Asking) -> None:
    first = two.ask(body("a2", 1)).body
    second = two.ask(body("a2", 2)).body
    assert first is not None
    assert second is not None
    assert second.startswith(first[:-2])
    assert len(second) < len(body("a2", 2))


def test_a_body_with_nothing_to_take_out_is_no_edit(two: Asking) -> None:
    answer = two.ask(body("a3", 0))
    assert (answer.status, answer.body) == ("noop", None)


def test_counting_gets_the_same_replacement_as_the_request_that_follows(two: Asking) -> None:
    counted = two.ask(body("a4"), Task.COUNT)
    assert counted.body == two.ask(body("a4")).body is not None


def test_an_audit_measures_and_changes_nothing_then_or_later(two: Asking) -> None:
    audited = two.ask(body("a5"), audit=True)
    assert (audited.status, audited.body) == ("audit", None)
    assert audited.after < audited.before
    later = two.ask(body("a5", 2))
    assert later.body is not None
    assert texts(later.body)[0] == texts(body("a5", 2))[0]  # the first turn was sent as it stood


def test_tenants_find_nothing_of_one_another(two: Asking) -> None:
    mine = two.ask(body("a6"), tenant="one", recall="mcp")
    yours = two.ask(body("a6"), tenant="two", recall="mcp")
    assert mine.keys
    assert set(mine.keys).isdisjoint(yours.keys)
    asked = json.dumps({"key": mine.keys[0], "query": None, "lines": None}).encode()
    told = two.ask(asked, Task.RETRIEVE, tenant="one", dialect="")
    assert told.body is not None
    assert json.loads(told.body)["original_content"] == texts(body("a6"))[0]
    assert two.ask(asked, Task.RETRIEVE, tenant="two", dialect="").reason == "not_found"


@pytest.mark.parametrize("sent", [b"", b"{", b"[]", b'{"messages": 7}', b'{"messages": "\xff"}', b"[" * 100_000])
def test_a_body_that_cannot_be_read_goes_through(two: Asking, sent: bytes) -> None:
    answer = two.ask(sent)
    assert (answer.status, answer.reason, answer.body) == ("passed", "payload", None)


def test_answers_never_cross_between_jobs(two: Asking) -> None:
    jobs = [two.job(body(f"x{i}", rows=60 + i)) for i in range(60)]
    waiting = [(job, two.begin(job)) for job in jobs]
    for job, coming in waiting:
        answer = coming.result(60)
        assert answer.number == job.number
        if answer.body is not None:
            name = json.loads(job.body)["messages"][1]["content"]
            assert json.loads(answer.body)["messages"][1]["content"] == name


def test_a_large_job_under_way_does_not_hold_up_small_ones(two: Asking) -> None:
    pid = two.pids()[-1]  # the other one is for small jobs
    os.kill(pid, signal.SIGSTOP)
    slow = two.begin(two.job(body("large", rows=7000)))
    until(lambda: two.status().in_flight == 1)
    assert two.ask(body("small")).status == "applied"
    assert not slow.done()
    os.kill(pid, signal.SIGCONT)
    assert slow.result(60).number


def test_a_refused_job_is_left_alone_from_then_on(two: Asking) -> None:
    job = two.job(body("a7"))
    assert two.begin(job).result(60).status == "applied"
    two.loop.call_soon_threadsafe(two.scorers.refused, job)
    for turns in (1, 2, 3):
        answer = two.ask(body("a7", turns))
        assert (answer.status, answer.reason, answer.body) == ("passed", "refused", None)


def test_what_nobody_waits_for_any_more_is_not_decided(two: Asking) -> None:
    job = two.job(body("a8", rows=600), seconds=30.0)
    coming = two.begin(job)
    until(lambda: two.status().in_flight == 1)
    coming.cancel()
    until(lambda: two.status().in_flight == 0)
    assert two.ask(body("a8", rows=600)).status == "applied"


def test_the_dashboard_gets_every_text_with_what_became_of_it(two: Asking) -> None:
    shown = two.ask(body("a9"), show=True)
    assert shown.heat is not None
    rows = json.loads(shown.heat)
    assert [row[0] for row in rows] == ["system", "user", "tool_call", "tool_result"]
    assert "".join(text for text, action, *_ in rows[3][2] if action != MARKER) == texts(body("a9"))[0]
    assert {action for _, action, *_ in rows[3][2]} > {"keep"}


def test_killed_in_the_middle_of_a_job_it_costs_that_job_only() -> None:
    with asking() as scorers:
        [pid] = scorers.pids()
        os.kill(pid, signal.SIGSTOP)
        coming = scorers.begin(scorers.job(body("k1")))
        until(lambda: scorers.status().in_flight == 1)
        os.kill(pid, signal.SIGKILL)
        answer = coming.result(60)
        assert (answer.status, answer.reason) == ("passed", "crashed")
        assert scorers.ask(body("k1")).status == "applied"  # it waited for the next process
        assert scorers.pids() != [pid]
        assert scorers.ask(body("k2")).status == "applied"
        assert scorers.status().restarts == 1


async def in_the_start(deadline: float, sent: bytes) -> Answer:
    """The answer to a request that comes while the first process starts."""
    scorers = ScorerPool(Options(deadline=deadline, scorers=1))
    starting = asyncio.create_task(scorers.start())
    await asyncio.sleep(0.01)  # so that the start is under way
    try:
        return await scorers.ask(Job(1, Task.SHORTEN, sent, "openai-chat"))
    finally:
        await scorers.stop()
        await starting


def test_what_comes_before_the_first_process_is_up_waits_for_it() -> None:
    answer = asyncio.run(in_the_start(PATIENT, body("w1")))
    assert (answer.status, answer.reason) == ("applied", "")


def test_a_process_that_is_not_up_in_time_is_waited_for_no_longer() -> None:
    answer = asyncio.run(in_the_start(0.01, body("w2")))
    assert (answer.status, answer.reason) == ("passed", "starting")


def test_hung_it_is_killed_and_the_next_one_works() -> None:
    with asking(prefill=BRIEF, grace=0.1) as scorers:
        [pid] = scorers.pids()
        os.kill(pid, signal.SIGSTOP)
        answer = scorers.ask(body("h1"))
        assert (answer.status, answer.reason) == ("passed", "late")
        until(lambda: scorers.scorers.ready and scorers.pids() != [pid])
        until(lambda: scorers.ask(body("h3", rows=3000)).status == "applied")


def test_one_that_hangs_is_waited_for_once() -> None:
    with asking(prefill=BRIEF, grace=600.0) as scorers:
        [pid] = scorers.pids()
        os.kill(pid, signal.SIGSTOP)
        assert scorers.ask(body("h4")).reason == "late"
        time.sleep(STUCK)
        assert scorers.ask(body("h5")).reason == "busy"
        os.kill(pid, signal.SIGKILL)


def test_a_process_that_fails_again_and_again_is_left_alone_until_a_probe_works() -> None:
    now = [0.0]
    with asking(breaker=lambda: Breaker(lambda: now[0], limit=3)) as scorers:
        for i in range(3):
            until(lambda: scorers.scorers.ready)
            os.kill(scorers.pids()[0], signal.SIGSTOP)
            coming = scorers.begin(scorers.job(body(f"b{i}")))
            until(lambda: scorers.status().in_flight == 1)
            os.kill(scorers.pids()[0], signal.SIGKILL)
            assert coming.result(60).reason == "crashed"
        until(lambda: scorers.scorers.ready)
        assert scorers.status().breaker == "open"
        assert scorers.ask(body("b5")).reason == "breaker"
        now[0] += PAUSE
        assert scorers.status().breaker == "half-open"
        assert scorers.ask(body("b6")).status == "applied"
        assert scorers.status().breaker == "closed"


def test_a_session_that_costs_process_after_process_is_left_alone_and_others_are_not() -> None:
    with asking() as scorers:
        for _ in range(2):
            until(lambda: scorers.scorers.ready)
            os.kill(scorers.pids()[0], signal.SIGSTOP)
            coming = scorers.begin(scorers.job(body("p1")))
            until(lambda: scorers.status().in_flight == 1)
            os.kill(scorers.pids()[0], signal.SIGKILL)
            assert coming.result(60).reason == "crashed"
        until(lambda: scorers.scorers.ready)
        assert scorers.ask(body("p1")).reason == "crashed"
        assert scorers.ask(body("p2")).status == "applied"
        assert scorers.status().restarts == 2


def test_a_credential_that_kept_processes_too_long_leaves_large_jobs_to_the_others(two: Asking) -> None:
    shares, large = two.scorers._shares, body("debt", rows=3000)
    for tenant in ("debtor", "other"):
        shares.note_request(tenant, time.monotonic())
    shares.use("debtor", 30.0, 30.0, time.monotonic())
    assert two.ask(large, tenant="debtor").reason == "busy"
    assert two.ask(body("debt 2"), tenant="debtor").status == "applied"
    assert two.ask(large, tenant="other").status == "applied"


def test_beyond_its_tokens_the_queue_takes_nothing_in() -> None:
    with asking(queue_tokens=1000) as scorers:
        os.kill(scorers.pids()[0], signal.SIGSTOP)
        waiting = [scorers.begin(scorers.job(body("q1"))) for _ in range(2)]
        until(lambda: scorers.status().waiting == 1)
        assert scorers.ask(body("q2")).reason == "busy"
        assert scorers.status().waiting == 1
        os.kill(scorers.pids()[0], signal.SIGCONT)
        assert [each.result(60).status for each in waiting] == ["applied", "applied"]


def test_what_was_sent_stays_so_whatever_came_too_late_after_it() -> None:
    with asking(deadline=LATE, grace=20.0) as scorers:
        asked = ((name, scorers.ask(body(name, 1))) for name in ("l1", "l2", "l3"))
        name, first = next((name, answer) for name, answer in asked if answer.body is not None)  # a core may be busy
        assert first.body is not None
        os.kill(scorers.pids()[0], signal.SIGSTOP)
        assert scorers.ask(body(name, 2)).reason == "late"
        os.kill(scorers.pids()[0], signal.SIGCONT)
        until(lambda: scorers.status().in_flight == 0)
        third = scorers.ask(body(name, 3))
        assert third.body is not None
        sent, now = texts(body(name, 3)), texts(third.body)
        assert now[0] == texts(first.body)[0] != sent[0]
        assert now[2] != sent[2]


def test_a_process_that_cannot_start_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTEXTPRUNE_RECALL", "7")
    with pytest.raises(AssertionError, match="recall lies above 0"), asking():
        pass


def test_with_a_store_that_cannot_be_written_requests_go_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "store.sqlite3"
    place.write_bytes(b"not a database" * 1000)
    monkeypatch.setenv("CONTEXTPRUNE_STORE", str(place))
    with asking() as scorers:
        answer = scorers.ask(body("s1"))
        assert (answer.status, answer.reason) == ("passed", "store")


def test_a_request_that_no_process_had_is_the_last_one_of_its_session_all_the_same() -> None:
    async def is_uncached() -> bool:
        scorers = ScorerPool(Options())  # none is started
        first, again, later = (
            Job(number, Task.SHORTEN, body("q1", turns), "openai-chat") for number, turns in ((1, 5), (2, 5), (3, 6))
        )
        assert (await scorers.ask(first)).reason == "starting"
        scorers.failed(first)
        assert scorers._sessions.allow(again, 0.0).job.uncached
        assert (await scorers.ask(again)).reason == "starting"  # the client's retry, which the provider takes
        return scorers._sessions.allow(later, 0.0).job.uncached

    assert not asyncio.run(is_uncached())
