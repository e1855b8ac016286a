"""The front's own replay: what was sent stays sent, whatever has become of scorers and stores."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from contextprune.errors import StoreError
from contextprune.policy import Policy
from contextprune.proxy.job import Answer, Job, Reason, Task, pass_through
from contextprune.proxy.replay.replayer import Replayer
from contextprune.proxy.worker.answer import Answerer
from contextprune.storage.sqlite import SQLiteStore
from contextprune.storage.store import MemoryStore, Store
from tests.proxy.pool.running_pool import body, texts
from tests.strategies import COUNTER, LEXICAL

NUMBERS = count(1)


def job(sent: bytes, **more: Any) -> Job:
    return Job(next(NUMBERS), Task.SHORTEN, sent, **{"dialect": "openai-chat", "seconds": 60.0, **more})


def scorer(store: Store) -> Callable[[Job], Answer]:
    """A scorer process that has just started."""
    engine = Answerer(Policy(), LEXICAL, COUNTER, store)
    return lambda asked: engine(asked, lambda: False)


def replay(replayer: Replayer, asked: Job, reason: Reason = Reason.LATE) -> Answer:
    return asyncio.run(replayer.replay(asked, pass_through(asked, reason)))


def remembered(replayer: Replayer, asked: Job, answer: Answer) -> Replayer:
    """The replayer once it has heard what a scorer process decided."""
    if answer.notes is not None:
        replayer.remember(asked, answer.notes)
        replayer._thread.submit(lambda: None).result()
    return replayer


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "originals.sqlite3"


@pytest.mark.parametrize("reason", [Reason.LATE, Reason.STARTING, Reason.CRASHED, Reason.BUSY])
def test_what_was_sent_goes_up_again_after_a_restart_and_what_is_new_as_it_stands(path: Path, reason: Reason) -> None:
    sent = scorer(SQLiteStore(path))(job(body("r1", 2)))
    answer = replay(Replayer(lambda: SQLiteStore(path)), job(body("r1", 3)), reason)
    assert sent.body is not None
    assert answer.body is not None
    assert (answer.status, answer.reason) == ("applied", reason)
    assert texts(answer.body) == [*texts(sent.body), texts(body("r1", 3))[2]]


def test_a_late_block_stays_whole_for_every_process_from_then_on(path: Path) -> None:
    two, three, four = (body("r2", turns, rows=40) for turns in (2, 3, 4))  # too little for a second chance to pay
    scorer(SQLiteStore(path))(job(two))
    late = replay(Replayer(lambda: SQLiteStore(path)), job(three))
    later = scorer(SQLiteStore(path))(job(four))
    assert late.body is not None
    assert later.body is not None
    assert texts(later.body)[:3] == texts(late.body)
    assert texts(later.body)[3] != texts(four)[3]


def test_a_decision_that_was_noted_before_the_replay_is_sent(path: Path) -> None:
    decided = scorer(SQLiteStore(path))(job(body("r3", 3)))
    assert replay(Replayer(lambda: SQLiteStore(path)), job(body("r3", 3))).body == decided.body


def test_a_decision_that_comes_after_the_replay_counts_for_nothing(path: Path) -> None:
    replay(Replayer(lambda: SQLiteStore(path)), job(body("r4", 1)))
    decided = scorer(SQLiteStore(path))(job(body("r4", 1)))
    assert decided.body is None
    assert decided.before == decided.after > 0


def test_a_second_chance_that_is_replayed_is_declared_as_an_epoch(path: Path) -> None:
    replay(Replayer(lambda: SQLiteStore(path)), job(body("r10", 1)))
    decided = scorer(SQLiteStore(path))(job(body("r10", 2), uncached=True))
    replayed = replay(Replayer(lambda: SQLiteStore(path)), job(body("r10", 2)))
    later = replay(Replayer(lambda: SQLiteStore(path)), job(body("r10", 3)))
    assert decided.epoch
    assert replayed.body == decided.body
    assert [replayed.epoch, later.epoch] == [True, False]


@pytest.mark.parametrize("head", [{"system": "now"}, {"tools": [{"type": "function", "function": {"name": "x"}}]}])
def test_a_changed_head_changes_nothing(path: Path, head: dict[str, Any]) -> None:
    sent = scorer(SQLiteStore(path))(job(body("r5", 2)))
    changed = json.loads(body("r5", 2))
    if "system" in head:
        changed["messages"].insert(0, {"role": "system", "content": f"nonce {head}"})
    else:
        changed |= head
    answer = replay(Replayer(lambda: SQLiteStore(path)), job(json.dumps(changed).encode()))
    assert sent.body is not None
    assert answer.body is not None
    assert [text for text in texts(answer.body) if "nonce" not in text] == texts(sent.body)


def test_what_a_scorer_process_said_is_enough_where_no_store_keeps_it() -> None:
    asked = job(body("r6", 2))
    sent = scorer(MemoryStore())(asked)
    replayer = remembered(Replayer(MemoryStore), asked, sent)
    assert replay(replayer, job(body("r6", 2))).body == sent.body


class Unreadable(MemoryStore):
    """A store of notes whose place is gone."""

    def note(self, notes: object) -> None:
        raise StoreError(str(notes))

    def noted(self, keys: object) -> dict[bytes, bytes]:
        raise StoreError(str(keys))


def test_a_store_that_cannot_be_read_takes_nothing_back() -> None:
    asked = job(body("r7", 2))
    sent = scorer(MemoryStore())(asked)
    replayer = remembered(Replayer(Unreadable), asked, sent)
    answer = replay(replayer, job(body("r7", 3)), Reason.STORE)
    assert sent.body is not None
    assert answer.body is not None
    assert texts(answer.body)[:2] == texts(sent.body)


def test_another_tenant_gets_nothing_of_it(path: Path) -> None:
    scorer(SQLiteStore(path))(job(body("r8", 2), tenant="one"))
    answer = replay(Replayer(lambda: SQLiteStore(path)), job(body("r8", 2), tenant="two"))
    assert (answer.status, answer.body) == ("passed", None)


def test_the_answer_stays_where_a_body_cannot_be_read() -> None:
    answer = replay(Replayer(MemoryStore), job(b"{"), Reason.BUSY)
    assert (answer.status, answer.reason, answer.body) == ("passed", "busy", None)


def test_a_store_that_does_not_answer_holds_up_nobody_for_ever() -> None:
    waiting, asked = Event(), job(body("r9", 2))

    def slow() -> Store:
        waiting.wait(30)
        return MemoryStore()

    async def late() -> Answer:
        try:
            return await Replayer(slow, seconds=0.05).replay(asked, pass_through(asked, Reason.LATE))
        finally:
            waiting.set()

    assert asyncio.run(late()).status == "passed"


def test_counting_tokens_notes_nothing(path: Path) -> None:
    counted = job(body("s1", 1))
    replay(Replayer(lambda: SQLiteStore(path)), Job(counted.number, Task.COUNT, counted.body, "openai-chat"))
    assert scorer(SQLiteStore(path))(job(body("s1", 1))).status == "applied"


class Hanging(SQLiteStore):
    """A store that stops to answer once `hangs` is set, until `ends` is."""

    hangs, ends = Event(), Event()

    def noted(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        if self.hangs.is_set():
            self.ends.wait(30)
        return super().noted(keys)


def test_a_store_that_hangs_takes_nothing_back(path: Path) -> None:
    asked = job(body("t1", 2))
    sent = scorer(SQLiteStore(path))(asked)
    replayer = remembered(Replayer(lambda: Hanging(path), seconds=0.5), asked, sent)
    Hanging.hangs.set()
    answer = replay(replayer, job(body("t1", 3)))
    Hanging.ends.set()
    assert sent.body is not None
    assert answer.body is not None
    assert texts(answer.body)[:2] == texts(sent.body)


def test_what_the_provider_refused_is_not_replayed(path: Path) -> None:
    asked = job(body("t2", 2))
    replayer = remembered(Replayer(lambda: SQLiteStore(path)), asked, scorer(SQLiteStore(path))(asked))
    replayer.refused(asked)
    assert replay(replayer, job(body("t2", 3))).body is None
