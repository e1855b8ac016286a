"""The way back: the original of a marker, any part of it, and answers to what cannot be given."""

from __future__ import annotations

import json

import pytest

import contextprune as cp
from llama_index.postprocessor.contextprune import (
    prune_tool,
    prune_tools,
    recall_tool,
)
from tests.scenes import COUNT, CRASH, LOG, key_in, pruner, read_log, run


def test_the_recall_tool_gives_back_what_was_taken_out() -> None:
    tool, recall = prune_tools([read_log], pruner())
    key = key_in(run(tool, path="a.log").content)
    assert run(recall, key=key).content == read_log("a.log")
    assert run(recall, key=key, lines="3-4").content == "".join(LOG.splitlines(keepends=True)[2:4])
    assert run(recall, key=key, query="crashed").content == f"{CRASH}\n"


def test_the_recall_tool_tells_the_model_when_it_knows_no_such_key() -> None:
    answer = run(recall_tool(pruner()), key="aaaaaaaaaaaa").content
    assert "No original is kept" in answer
    assert "contextprune " not in answer


@pytest.mark.parametrize("text", ["".join(f"row {i} of many\n" for i in range(9000)), "x, " * 40_000])
def test_the_recall_tool_gives_no_more_than_its_tokens_and_says_how_to_go_on(text: str) -> None:
    engine = pruner()
    engine.store.put({engine.store.key(text): text})
    answer = run(recall_tool(engine, max_tokens=500), key=engine.store.key(text)).content
    assert 100 < COUNT(answer) <= 500
    assert "more characters: ask with" in answer.splitlines()[-1]


@pytest.mark.parametrize(
    ("place", "part"),
    [
        ({"rows": "171"}, '"id": 170'),
        ({"path": "items[170].state"}, '"failed"'),
        ({"query": "170 failed"}, '"id": 170'),
        ({"chars": "1-10"}, '{"items": '),
    ],
)
def test_the_recall_tool_reaches_any_part_of_a_line(place: dict[str, str], part: str) -> None:
    engine = pruner()
    text = json.dumps({"items": [{"id": i, "state": "failed" if i == 170 else "fine"} for i in range(9000)]})
    engine.store.put({engine.store.key(text): text})
    answer = run(recall_tool(engine, max_tokens=500), key=engine.store.key(text), **place).content
    assert part in answer
    assert COUNT(answer) < 200


def test_a_place_that_cannot_be_is_an_answer_for_the_model() -> None:
    engine = pruner()
    engine.store.put({engine.store.key(LOG): LOG})
    assert "counted from 1" in run(recall_tool(engine), key=engine.store.key(LOG), lines="a-b").content


def test_a_recall_tool_without_tokens_is_refused() -> None:
    with pytest.raises(cp.SettingsError, match="above 0"):
        recall_tool(pruner(), max_tokens=0)


def test_what_was_recalled_is_not_shortened_again() -> None:
    engine = pruner()
    recall = recall_tool(engine)
    assert prune_tool(recall, engine) is recall


def test_a_recall_tool_whose_store_is_broken_answers_the_model() -> None:
    class Lost(cp.MemoryStore):
        def get(self, key: str) -> str | None:
            raise OSError(f"the disk with {key} is gone")

    engine = cp.Pruner(cp.Policy(), cp.load_scorer("lexical"), COUNT, Lost())
    assert "call the original tool again" in run(recall_tool(engine), key="aaaaaaaaaaaa").content
