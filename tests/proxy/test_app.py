"""Requests in flight, how they end, and what is told of them."""

from __future__ import annotations

import asyncio
import json
import threading
from dataclasses import dataclass, field

import httpx2

from contextprune.proxy.job import Answer, Job
from tests.proxy.in_process import Running, Scripted, edits, running, until
from tests.proxy.provider import Provider, providing

CHAT = {"model": "m", "messages": [{"role": "user", "content": "a long story"}]}


@dataclass
class Held(Scripted):
    """Scorers that answer when they are released."""

    released: threading.Event = field(default_factory=threading.Event)

    async def ask(self, job: Job) -> Answer:
        await asyncio.to_thread(self.released.wait, 60)
        return await super().ask(job)


def test_an_audit_that_takes_its_time_delays_nothing_and_is_recorded() -> None:
    scorers = Held(edits(b"long", b"").say)
    with running(scorers=scorers, mode="audit", deadline=0.05) as proxy:
        got = proxy.post("/v1/messages", CHAT)
        assert got.status_code == 200
        assert "x-contextprune-tokens-before" not in got.headers
        assert not proxy.monitor.recent  # the audit is not over
        scorers.released.set()
        record = proxy.records()[0]
        assert (record.answer.status, record.answer.before, record.answer.after) == ("audit", 100, 40)


def test_too_many_requests_at_once_are_told_to_come_again() -> None:
    with providing(pause=0.01, events=100_000) as provider, running(provider, Scripted(), connections=1) as proxy:
        streaming = {**CHAT, "stream": True}
        with httpx2.Client() as client, client.stream("POST", f"{proxy.url}/v1/messages", json=streaming):
            got = proxy.post("/v1/messages", CHAT)
            assert (got.status_code, got.headers["retry-after"]) == (503, "1")
            assert got.json()["error"]["type"] == "overloaded_error"
            assert proxy.get("/livez").status_code == 200


def test_every_request_is_recorded_once(provider: Provider) -> None:
    with running(provider, edits(b"long ", b"")) as proxy:
        proxy.post("/v1/chat/completions", CHAT, headers={"x-contextprune-session-id": "s", "traceparent": "00-a-b-01"})
        proxy.get("/v1/models", headers={"anthropic-version": "1"})
        proxy.get("/livez")
        other, chat = proxy.records(2)
    assert (chat.route, chat.dialect, chat.provider, chat.answer.status) == ("chat", "openai-chat", "openai", "applied")
    assert (chat.answer.before, chat.answer.after, chat.answer.model, chat.upstream) == (100, 40, "m", 200)
    assert chat.bytes_in == len(json.dumps(CHAT, separators=(",", ":")))
    assert chat.usage.output == 5
    assert chat.total >= chat.first_byte > 0
    assert chat.trace == "00-a-b-01"
    assert len(chat.session) == 8
    assert (other.route, other.provider, other.answer.status, other.answer.reason) == (
        "other",
        "anthropic",
        "passed",
        "",
    )


def test_many_requests_at_once_are_not_mixed_up(editing: Running) -> None:
    wrong: list[str] = []

    def ask(name: str) -> None:
        with httpx2.Client(timeout=60) as client:
            for k in range(5):
                got = client.post(f"{editing.url}/v1/files", content=f"{name}-{k}".encode())
                if got.text != f"{name}-{k}":
                    wrong.append(got.text)

    threads = [threading.Thread(target=ask, args=(f"t{i}",)) for i in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    until(lambda: editing.app.in_flight == 0)


class Slow(Scripted):
    """Scorers that never get up."""

    started = stopped = False

    async def start(self) -> None:
        self.started = True
        await asyncio.sleep(600)

    async def stop(self) -> None:
        self.stopped = True


def test_requests_do_not_wait_for_scorers_that_start() -> None:
    scorers = Slow()
    with running(scorers=scorers) as proxy:
        got = proxy.post("/v1/messages", CHAT)
        assert (got.status_code, got.headers["x-contextprune-reason"]) == (200, "starting")
        assert scorers.started
        assert not scorers.stopped
    assert scorers.stopped


def test_one_request_that_ends_badly_leaves_the_next_alone(editing: Running) -> None:
    for scenario in ("drop", "garbage", "500", ""):
        editing.post("/v1/messages", CHAT, headers={"x-scenario": scenario} if scenario else {})
    until(lambda: editing.records()[0].upstream == 200)
    until(lambda: editing.app.in_flight == editing.monitor.in_flight == 0)


def test_what_was_refused_here_is_recorded_without_an_upstream(editing: Running) -> None:
    before = len(editing.monitor.recent)
    editing.post("/v1/messages", CHAT, headers={"x-contextprune-mode": "of"})
    record = editing.records(before + 1)[0]
    assert (record.route, record.upstream, record.answer.status) == ("messages", 0, "refused")


def test_how_late_the_loop_is_can_be_seen(editing: Running) -> None:
    until(lambda: "contextprune_event_loop_lag_seconds_count" in editing.get("/metrics").text)


def test_long_logs_are_shortened_by_a_scorer_of_its_own_and_come_out_the_same_next_time() -> None:
    """The whole way: scorer process, splice, provider, answer."""
    log = "\n".join(f"12:00:{k % 60:02} INFO worker {k} is idle, nothing to do" for k in range(400))
    call = {"id": "a", "type": "function", "function": {"name": "bash", "arguments": '{"cmd": "make"}'}}
    messages = [
        {"role": "user", "content": "Why does the build fail?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "a", "content": f"{log}\nERROR: missing header zlib.h in codec.c line 7\n"},
    ]
    with running(deadline=60.0, prefill=1.0) as proxy:
        first = proxy.post("/v1/chat/completions", {"model": "gpt-5", "messages": messages})
        turn = [{"role": "assistant", "content": "zlib is missing."}, {"role": "user", "content": "Fix it."}]
        second = proxy.post("/v1/chat/completions", {"model": "gpt-5", "messages": messages + turn})
        assert first.headers["x-contextprune-status"] == second.headers["x-contextprune-status"] == "applied"
        sent = [request.json["messages"] for request in proxy.provider.requests]
        assert sent[0][:2] == messages[:2]
        assert "missing header zlib.h" in sent[0][2]["content"]
        assert len(sent[0][2]["content"]) < 0.7 * len(log)
        assert sent[1] == sent[0] + turn
        before, after = (int(first.headers[f"x-contextprune-tokens-{when}"]) for when in ("before", "after"))
        assert after < 0.7 * before
