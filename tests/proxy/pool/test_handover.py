"""What a scorer process that starts is told."""

from __future__ import annotations

from collections.abc import Sequence

from contextprune.policy import Policy
from contextprune.proxy.job import PREFIX, Job, Task, unpack
from contextprune.proxy.pool.handover import Handover
from contextprune.proxy.worker.answer import Answerer
from contextprune.storage.store import MemoryStore
from tests.proxy.pool.running_pool import body, texts
from tests.strategies import COUNTER, LEXICAL


def job(sent: bytes) -> Job:
    return Job(1, Task.SHORTEN, sent, dialect="openai-chat", seconds=60.0)


def process() -> Answerer:
    return Answerer(Policy(), LEXICAL, COUNTER, MemoryStore())


def messages(handover: Handover) -> list[Sequence[bytes]]:
    sent: list[Sequence[bytes]] = []
    handover.send_all(sent.append)
    return sent


def test_a_process_goes_on_where_the_one_before_it_ended_although_the_store_is_in_memory() -> None:
    asked, handover = job(body("u1", 2)), Handover()
    handover.single = True
    sent = process()(asked, lambda: False)
    assert sent.notes is not None
    handover.noted(asked, sent.notes)
    (message,) = messages(handover)
    head, parts = unpack(message[0][PREFIX.size :], memoryview(b"".join(message[1:])))

    next_one = process()
    next_one.noted(head["tenant"], parts[0] or b"")
    answer = next_one(job(body("u1", 3)), lambda: False)
    assert sent.body is not None
    assert answer.body is not None
    assert texts(answer.body)[:2] == texts(sent.body)


def test_the_oldest_gives_way() -> None:
    handover = Handover(max_bytes=1000)
    handover.single = True
    for number in range(10):
        handover.noted(job(b"{}"), b"%d" % number * 300)
    assert [message[1][:1] for message in messages(handover)] == [b"8", b"9"]


def test_where_processes_share_a_store_it_tells_the_next_one() -> None:
    handover = Handover()
    handover.noted(job(b"{}"), b"{}")
    assert messages(handover) == []


def test_a_refusal_comes_after_what_was_refused() -> None:
    handover = Handover()
    handover.single = True
    handover.noted(job(b"{}"), b"{}")
    refusal = handover.refused(job(b"{}"))
    assert messages(handover)[1:] == [refusal]
