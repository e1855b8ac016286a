"""What a job comes back as: engine and store are real, the scorer is the lexical one."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from contextprune.context import Context, Span
from contextprune.errors import StoreError
from contextprune.markers import RECALL_TOOL
from contextprune.policy import Policy
from contextprune.proxy.job import Answer, Job, Task
from contextprune.proxy.telemetry.logs import log_at_once
from contextprune.proxy.worker.answer import ENGINES, Answerer
from contextprune.scoring import load_scorer
from contextprune.storage.sqlite import SQLiteStore
from contextprune.storage.store import MemoryStore, Store
from contextprune.tokens import Tiktoken
from tests.proxy.pool.running_pool import body, texts

NUMBERS = count(1)
SCORER, COUNTER = load_scorer("lexical"), Tiktoken()


@dataclass
class Full:
    """A store in which nothing more can be kept."""

    inner: Store

    def key(self, text: str) -> str:
        return self.inner.key(text)

    def put(self, texts: Mapping[str, str]) -> None:
        if texts:
            raise StoreError("the disk is full")

    def get(self, key: str) -> str | None:
        return self.inner.get(key)


class Broken:
    """A scorer with a fault."""

    name = "broken"

    def __call__(self, context: Context, spans: Sequence[Span]) -> list[float]:
        raise ZeroDivisionError(f"{len(spans)}: {context.query}")


def answerer(store: Store | None = None, policy: Policy | None = None, scorer: Any = SCORER) -> Answerer:
    return Answerer(policy or Policy(), scorer, COUNTER, MemoryStore() if store is None else store)


def job(sent: bytes, task: Task = Task.SHORTEN, **told: Any) -> Job:
    return Job(next(NUMBERS), task, sent, **{"dialect": "openai-chat", "seconds": 60.0, **told})


def ask(engine: Answerer, what: Job, *, abandoned: bool = False) -> Answer:
    return engine(what, lambda: abandoned)


@pytest.fixture(params=["memory", "file"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return MemoryStore() if request.param == "memory" else SQLiteStore(tmp_path / "store.sqlite3")


def test_every_byte_that_is_not_cut_is_as_it_was(store: Store) -> None:
    sent = body("w1").replace(b'"model": "gpt-5"', b'"model" :  "gpt-5", "seed": 1.00, "seed": 1e2')
    answer = ask(answerer(store), job(sent))
    assert answer.body is not None
    start = sent.index(b"2026-01-01")
    assert answer.body[:start] == sent[:start]
    assert answer.body.endswith(b'"}]}')


def test_an_answer_says_what_it_saved_of_which_kind_and_what_it_costs() -> None:
    answer = ask(answerer(), job(body("w2")))
    assert answer.model == "gpt-5"
    assert set(answer.kinds) == {"system", "user", "tool_call", "tool_result"}
    assert sum(before for before, _ in answer.kinds.values()) == answer.before
    assert answer.dollars is not None
    assert answer.dollars[0] > answer.dollars[1] > 0
    assert {"read", "fold", "splice"} <= set(answer.seconds)


def test_markers_name_keys_only_where_somebody_can_redeem_them() -> None:
    off, mcp = ask(answerer(), job(body("w3"))), ask(answerer(), job(body("w3"), recall="mcp"))
    assert off.body is not None
    assert mcp.body is not None
    assert b"recall=" not in off.body
    assert off.keys == mcp.keys
    assert f"recall={mcp.keys[0]}".encode() in mcp.body


def test_the_recall_tool_is_there_in_every_request_and_its_results_are_filled_in() -> None:
    engine, sent = answerer(), json.loads(body("w4", 0))
    first = ask(engine, job(json.dumps(sent).encode(), recall="tool"))
    assert first.body is not None
    assert json.loads(first.body)["tools"][0]["function"]["name"] == RECALL_TOOL
    sent = json.loads(body("w4", 1))
    second = ask(engine, job(json.dumps(sent).encode(), recall="tool"))
    assert second.body is not None
    function = {"name": RECALL_TOOL, "arguments": json.dumps({"key": second.keys[0]})}
    sent["messages"].append(
        {"role": "assistant", "tool_calls": [{"id": "r", "type": "function", "function": function}]}
    )
    sent["messages"].append({"role": "tool", "tool_call_id": "r", "content": "Error: there is no such tool"})
    third = ask(engine, job(json.dumps(sent).encode(), recall="tool"))
    assert third.body is not None
    assert json.loads(third.body)["tools"] == json.loads(first.body)["tools"]
    assert texts(third.body)[-1] == texts(body("w4", 1))[0]


def test_a_late_answer_is_as_if_it_had_never_been_given_where_no_store_keeps_it() -> None:
    engine = answerer()
    one, two, three = (body("w7", turns, rows=40) for turns in (1, 2, 3))  # too little for a second chance to pay
    first = ask(engine, job(one))
    late = job(two)
    assert ask(engine, late).status == "applied"
    engine.late(late.number)
    third = ask(engine, job(three))
    assert first.body is not None
    assert third.body is not None
    sent, now = texts(three), texts(third.body)
    assert now[0] == texts(first.body)[0] != sent[0]
    assert now[1] == sent[1]
    assert now[2] != sent[2]


def test_an_answer_in_time_is_not_forgotten_for_a_job_before_it() -> None:
    engine = answerer()
    before, last = job(body("w8", 1)), job(body("w8", 2))
    ask(engine, before)
    answer = ask(engine, last)
    engine.late(before.number)
    assert ask(engine, job(body("w8", 2))).body == answer.body


def test_an_epoch_that_comes_too_late_is_sent_with_the_next_request() -> None:
    engine = answerer(policy=Policy(window=4000))
    for turns in range(1, 12):
        late = job(body("w9", turns))
        answer = ask(engine, late)
        if answer.epoch:
            engine.late(late.number)
            later = ask(engine, job(body("w9", turns + 1)))
            assert later.epoch
            assert later.body is not None
            assert answer.body is not None
            assert texts(later.body)[0] == texts(answer.body)[0]
            return
    raise AssertionError("there was no epoch")


def test_beyond_the_window_blocks_that_were_cut_far_on_arrival_are_cut_further() -> None:
    engine = answerer(policy=Policy(window=4000))
    answers = [ask(engine, job(body("y9", turns))) for turns in range(1, 9)]
    arrived, shrunk = ([texts(answer.body)[0] for answer in answers if answer.body][i] for i in (0, -1))
    assert len(arrived) < 0.3 * len(texts(body("y9"))[0])  # the share that an epoch leaves otherwise
    assert len(shrunk) < len(arrived)


def test_new_results_are_told_by_their_size_as_decided_or_without_time() -> None:
    engine = answerer()
    size = len(texts(body("x0"))[0])
    assert ask(engine, job(body("x0"))).new == (size, 0)
    assert ask(engine, job(body("x0", 2), seconds=0.0)).new == (0, len(texts(body("x0", 2))[1]))


def test_the_pace_of_blocks_is_measured_before_a_write_that_may_have_to_wait() -> None:
    measured: list[bool] = []

    class Watching(MemoryStore):
        def put_for(self, tenant: str, texts: Mapping[str, str]) -> None:
            assert engine._deadline is not None
            measured.append(engine._deadline._last is None)
            super().put_for(tenant, texts)

    engine = answerer(Watching())
    assert ask(engine, job(body("w1"))).status == "applied"
    assert measured == [True]


def test_what_there_is_no_time_for_stands_and_says_late(store: Store) -> None:
    engine = answerer(store)
    answer = ask(engine, job(body("x1"), seconds=0.0))
    assert (answer.status, answer.reason, answer.body) == ("passed", "late", None)
    later = ask(engine, job(body("x1", 2)))
    assert later.body is not None
    assert texts(later.body)[0] == texts(body("x1"))[0]


def test_in_a_moment_of_rest_the_next_request_is_prepared_and_comes_out_the_same() -> None:
    rested, busy = answerer(), answerer()
    for turns in range(1, 5):
        answers = [ask(engine, job(body("x2", turns))) for engine in (rested, busy)]
        assert answers[0].body == answers[1].body is not None
        rested.prepare_next(lambda: False)
        busy.prepare_next(lambda: True)


def test_after_a_rest_nothing_old_is_cut_up_again() -> None:
    engine = answerer()
    late = job(body("x3", 8), seconds=0.0)
    ask(engine, late)
    engine.late(late.number)
    engine.prepare_next(lambda: False)
    [tenant] = engine._engines.values()
    [conversation] = tenant.pruner("off")._conversations._remembered.values()
    results = [i for i, segment in enumerate(conversation.state.segments) if segment.kind == "tool_result"]
    assert len(results) == 8
    assert all(conversation.state._samenesses[i] is not None for i in results)


def test_nobody_waiting_nothing_is_remembered() -> None:
    engine = answerer()
    assert ask(engine, job(body("x4")), abandoned=True).reason == "late"
    assert engine.idle
    assert ask(engine, job(body("x4"))).status == "applied"


def test_a_refused_conversation_is_left_alone(store: Store) -> None:
    engine = answerer(store)
    refused = job(body("x5", 2))
    ask(engine, refused)
    engine.refused(refused)
    assert ask(engine, job(body("x5", 3))).reason == "refused"
    again = answerer(store)  # another process knows it by its notes, as far as they go
    after = ask(again, job(body("x5", 3))).body
    if isinstance(store, SQLiteStore):
        assert after is not None
        assert texts(after)[:2] == texts(body("x5", 2))


def test_a_full_store_lets_the_body_through_and_takes_nothing_back_later() -> None:
    inner = MemoryStore()
    engine = answerer(inner)
    first = ask(engine, job(body("x6")))
    engine._store = Full(inner)
    for tenant in engine._engines.values():
        tenant.store._store, tenant.store._shared = Full(inner), None  # type: ignore[attr-defined]
    second = ask(engine, job(body("x6", 2)))
    assert (second.status, second.reason, second.body) == ("passed", "store", None)  # the front replays what was sent

    for tenant in engine._engines.values():
        tenant.store._store = inner  # type: ignore[attr-defined]
    third = ask(engine, job(body("x6", 3)))
    assert first.body is not None
    assert third.body is not None
    assert texts(third.body)[:2] == [texts(first.body)[0], texts(body("x6", 2))[1]]


def test_a_fault_in_the_engine_lets_the_body_through_and_tells_no_content() -> None:
    stream = io.StringIO()
    end = log_at_once(stream)
    answer = ask(answerer(scorer=Broken()), job(body("x7")))
    end()
    assert (answer.status, answer.reason) == ("passed", "error")
    [line] = map(json.loads, stream.getvalue().splitlines())
    assert (line["message"], line["error"]) == ("a request passed unchanged", "ZeroDivisionError")
    assert any("test_answer.py" in place for place in line["at"])
    assert "x7" not in stream.getvalue()


def test_a_store_that_fails_is_complained_of_once_a_while() -> None:
    stream = io.StringIO()
    end = log_at_once(stream)
    engine = answerer(Full(MemoryStore()))
    for name in ("x8", "x9"):
        assert ask(engine, job(body(name))).reason == "store"
    end()
    [line] = map(json.loads, stream.getvalue().splitlines())
    assert (line["level"], line["message"]) == ("warning", "requests pass unchanged: the disk is full")


def test_it_knows_whether_its_store_can_be_used(tmp_path: Path) -> None:
    assert answerer().trouble() == ""
    file = tmp_path / "file"
    file.touch()
    assert "Set CONTEXTPRUNE_STORE=memory or to a writable path" in answerer(SQLiteStore(file / "s")).trouble()


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"null",
        b"{}",
        b'{"messages": [1]}',
        b'{"messages": [{"role": 1}]}',
        b'\xff\xfe{"messages"',
        b'{"messages": [], "n": ' + b"9" * 5000 + b"}",
        b'{"messages": ' + b"[" * 50_000,
    ],
)
def test_what_cannot_be_read_is_a_payload(sent: bytes) -> None:
    assert ask(answerer(), job(sent)).reason == "payload"


def test_the_side_car_gets_as_many_messages_back_and_finds_what_was_cut() -> None:
    engine, sent = answerer(), json.loads(body("x8", 3))
    read_request = json.dumps({"messages": sent["messages"], "config": {"mode": "ccr"}}).encode()
    answer = ask(engine, job(read_request, Task.COMPRESS, dialect=""))
    assert answer.status == "applied"
    assert answer.body is not None
    told = json.loads(answer.body)
    assert len(told["messages"]) == len(sent["messages"])
    assert told["tokens_after"] == answer.after < answer.before
    wanted = json.dumps({"key": told["ccr_hashes"][0], "query": None, "lines": None}).encode()
    found = ask(engine, job(wanted, Task.RETRIEVE, dialect=""))
    assert found.body is not None
    assert json.loads(found.body)["original_content"] in texts(body("x8", 3))
    wanted = json.dumps({"key": "abcdefghijkl", "query": None, "lines": None}).encode()
    assert ask(engine, job(wanted, Task.RETRIEVE, dialect="")).reason == "not_found"


def test_where_the_proxy_audits_the_side_car_measures_and_gives_the_messages_back_as_they_came() -> None:
    sent = json.loads(body("x8", 3))["messages"]
    answer = ask(answerer(), job(json.dumps({"messages": sent}).encode(), Task.COMPRESS, dialect="", audit=True))
    assert answer.body is not None
    assert json.loads(answer.body)["messages"] == sent
    assert answer.after < answer.before


def test_only_so_many_tenants_are_held() -> None:
    engine = answerer()
    for i in range(ENGINES + 5):
        assert ask(engine, job(body("x9"), tenant=f"t{i}")).status == "applied"
    assert len(engine._engines) == ENGINES


def test_a_store_that_was_wiped_in_the_middle_is_told_once_and_counted(tmp_path: Path) -> None:
    stream = io.StringIO()
    ask(answerer(SQLiteStore(tmp_path / "first.sqlite3")), job(body("z1", 2)))
    wiped = answerer(SQLiteStore(tmp_path / "second.sqlite3"))
    end = log_at_once(stream)
    answers = [ask(wiped, job(body("z1", turns))) for turns in (3, 4)]
    end()
    assert [answer.unknown for answer in answers] == [2, 0]
    assert answers[0].body is not None
    assert texts(answers[0].body)[:2] == texts(body("z1", 3))[:2]
    [line] = map(json.loads, stream.getvalue().splitlines())
    assert line["message"].startswith("2 results of a session that goes on are not known")
