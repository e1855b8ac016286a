"""The context of a request as the dashboard gets it: what was sent, of every block."""

from __future__ import annotations

import json
from typing import Any

import pytest

from contextprune.policy import Policy
from contextprune.proxy.job import Answer, Job, Task
from contextprune.proxy.worker.answer import Answerer
from contextprune.proxy.worker.heat import MARKER
from contextprune.scoring import load_scorer
from contextprune.storage.store import MemoryStore
from contextprune.tokens import Tiktoken
from tests.proxy.pool.running_pool import body, texts

SCORER, COUNTER = load_scorer("lexical"), Tiktoken()


def answerer(policy: Policy | None = None) -> Answerer:
    return Answerer(policy or Policy(), SCORER, COUNTER, MemoryStore())


def ask(engine: Answerer, sent: bytes) -> Answer:
    job = Job(1, Task.SHORTEN, sent, dialect="openai-chat", seconds=60.0, show=True)
    return engine(job, lambda: False)


def results(answer: Answer) -> list[Any]:
    """The rows of the tool results."""
    assert answer.heat is not None
    return [row for row in json.loads(answer.heat) if row[0] == "tool_result"]


def sent_text(row: Any) -> str:
    """What a row says was sent of a block."""
    return "".join(text for text, action, *_ in row[2] if action in ("keep", MARKER))


def test_every_block_shows_the_text_that_was_sent() -> None:
    engine = answerer()
    for turns in range(1, 4):
        answer = ask(engine, body("h1", turns, rows=40))
        assert answer.body is not None
        assert list(map(sent_text, results(answer))) == texts(answer.body)


def test_a_block_names_the_request_that_cut_it() -> None:
    engine = answerer()
    answers = [ask(engine, body("h2", turns)) for turns in range(1, 4)]
    facts = [row[3] for row in results(answers[-1])]
    assert [(fact["cut"], fact["request"]) for fact in facts] == [("old", 2), ("old", 3), ("now", 4)]


def test_a_process_that_never_saw_the_session_names_the_same_request() -> None:
    store = MemoryStore()
    first, second = (Answerer(Policy(), SCORER, COUNTER, store) for _ in range(2))
    ask(first, body("h3", 2))
    assert [row[3]["request"] for row in results(ask(second, body("h3", 2)))] == [2, 3]


def test_tokens_are_those_received_and_sent() -> None:
    engine = answerer()
    ask(engine, body("h4", 1))
    answer = ask(engine, body("h4", 2))
    assert answer.heat is not None
    sizes = [row[3]["tokens"] for row in json.loads(answer.heat)]
    assert (sum(before for before, _ in sizes), sum(after for _, after in sizes)) == (answer.before, answer.after)


def test_markers_are_set_apart_in_new_and_in_old_decisions() -> None:
    engine = answerer()
    for turns in (1, 2):
        for row in results(ask(engine, body("h5", turns))):
            markers = [text for text, action, *_ in row[2] if action == MARKER]
            assert markers
            assert all(" cut" in marker for marker in markers)


def test_a_kept_text_that_looks_like_a_marker_is_no_marker() -> None:
    look_alike = "[lines 2-9 cut, recall=abcdefgh2345]"
    request = json.loads(body("h6", 1))
    request["messages"][-1]["content"] += f"\nERROR: h6 was slow {look_alike}"
    longer = json.loads(body("h6", 2))
    longer["messages"][: len(request["messages"])] = request["messages"]
    engine = answerer()
    ask(engine, json.dumps(request).encode())
    rows = results(ask(engine, json.dumps(longer).encode()))
    assert rows[0][3]["cut"] == "old"
    assert look_alike not in [text for text, action, *_ in rows[0][2] if action == MARKER]


def test_blocks_that_an_epoch_changed_say_so() -> None:
    engine = answerer(Policy(window=4000))
    for turns in range(1, 12):
        answer = ask(engine, body("h7", turns))
        if answer.epoch:
            break
    later = ask(engine, body("h7", turns + 1))
    assert "epoch" in [row[3]["cut"] for row in results(answer)]
    assert "epoch" in [row[3]["cut"] for row in results(later)]
    assert later.body is not None
    assert list(map(sent_text, results(later))) == texts(later.body)


@pytest.mark.parametrize("turns", [1, 2])
def test_long_kept_texts_are_cut_off(turns: int) -> None:
    request = json.loads(body("h8", turns))
    request["messages"][1]["content"] = "why? " * 5000
    answer = ask(answerer(), json.dumps(request).encode())
    assert answer.heat is not None
    [user] = [row for row in json.loads(answer.heat) if row[0] == "user"]
    assert len(user[2][0][0]) < 4100
