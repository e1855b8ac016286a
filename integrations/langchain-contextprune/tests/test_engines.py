"""The engine that is built where none is given, and copies of all that holds one."""

from __future__ import annotations

import copy
import logging
import pickle
from pathlib import Path
from typing import Any

import contextprune as cp
import pytest
from agents import FAILURE, LONG, engine
from langchain_core.documents import Document

from langchain_contextprune import (
    ContextPruneCallbackHandler,
    ContextPruneCompressor,
    ContextPruneExampleSelector,
    ContextPruneMessages,
    ContextPruneMiddleware,
    ContextPruneNode,
    ContextPruneRecall,
)
from langchain_contextprune.engines import _say, _say_of_scorer, built


def test_where_the_file_cannot_be_written_originals_are_kept_in_memory_which_is_said_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    _say.cache_clear()
    (tmp_path / "home").write_text("a file where a folder would be")
    monkeypatch.setenv("CONTEXTPRUNE_STORE", str(tmp_path / "home" / "deep" / "originals.sqlite3"))
    engines = [built(hints=False) for _ in range(2)]
    assert all(isinstance(pruner.store, cp.MemoryStore) for pruner in engines)
    assert not engines[0].resources.hints
    assert caplog.text.count("cannot be written: originals are kept in memory") == 1


def test_where_there_is_no_model_the_log_says_so_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    _say_of_scorer.cache_clear()
    monkeypatch.setenv("CONTEXTPRUNE_SCORER", "auto")
    monkeypatch.setattr("contextprune.scoring.load._lacking", lambda: "torch is not installed")
    with caplog.at_level(logging.INFO):
        built()
        built()
    assert caplog.text.count("scored without the model: torch is not installed") == 1


def test_where_it_can_be_they_are_in_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTEXTPRUNE_STORE", str(tmp_path / "new" / "originals.sqlite3"))
    store = built().store
    assert isinstance(store, cp.SQLiteStore)
    store.put({store.key("a"): "a"})
    assert built().store.get(store.key("a")) == "a"


HOLDERS: list[Any] = [
    ContextPruneCompressor(pruner=engine()),
    ContextPruneExampleSelector([{"q": "a", "a": "b"}], pruner=engine()),
    ContextPruneMiddleware(engine()),
    ContextPruneNode(engine()),
    ContextPruneMessages(engine()),
    ContextPruneCallbackHandler(engine()),
    ContextPruneRecall(pruner=engine()),
]


@pytest.mark.parametrize("holder", HOLDERS, ids=lambda holder: type(holder).__name__)
def test_everything_can_be_pickled_and_copied(holder: Any) -> None:
    assert type(pickle.loads(pickle.dumps(holder))) is type(holder)
    assert copy.deepcopy(holder).pruner is holder.pruner


def test_a_copy_that_was_pickled_works() -> None:
    compressor = pickle.loads(pickle.dumps(ContextPruneCompressor(budget=0.3, pruner=engine())))
    (got,) = compressor.compress_documents([Document(LONG)], "Which order failed?")
    assert FAILURE in got.page_content
    recall = copy.deepcopy(HOLDERS[-1])
    HOLDERS[-1].pruner.store.put({HOLDERS[-1].pruner.store.key(LONG): LONG})
    assert recall.invoke({"key": recall.pruner.store.key(LONG), "lines": "201"}) == FAILURE


MISSPELT: list[tuple[Any, dict[str, Any]]] = [
    (ContextPruneMiddleware, {"on_arival": True}),
    (ContextPruneNode, {"modle": "x"}),
    (ContextPruneMessages, {"ratio": 0.3}),
    (ContextPruneCallbackHandler, {"budget": 0.3}),
    (ContextPruneExampleSelector, {"tokens": 10}),
    (ContextPruneRecall, {"max_token": 10}),
]


@pytest.mark.parametrize(("kind", "misspelt"), MISSPELT, ids=lambda value: str(value)[:40])
def test_a_misspelt_argument_is_refused(kind: Any, misspelt: dict[str, Any]) -> None:
    with pytest.raises((TypeError, ValueError), match=next(iter(misspelt))):
        kind(pruner=engine(), **misspelt)


def test_an_agent_waits_a_second_for_a_model_and_no_longer() -> None:
    assert ContextPruneMiddleware(deadline=0.5).pruner.scorer.name == cp.load_scorer("lexical").name
    with pytest.raises(cp.ScorerError, match="above 0"):
        cp.Pruner(scorer=Slow(), deadline=0.0)
    assert cp.Pruner(scorer=Slow(), store=cp.MemoryStore(), deadline=1.0).scorer.name == "slow.v1"


class Slow:
    """A scorer of somebody's."""

    name = "slow.v1"

    def __call__(self, context: cp.Context, spans: Any) -> list[float]:
        return [0.5] * len(spans)
