"""The pruner that is built where none is given."""

from __future__ import annotations

import logging

import pytest

import contextprune as cp
from llama_index.postprocessor.contextprune.engine import _say_of_scorer, agents_pruner, nodes_pruner
from tests.scenes import RIVER, TOWER


def test_where_there_is_no_model_the_log_says_so_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    _say_of_scorer.cache_clear()
    monkeypatch.setenv("CONTEXTPRUNE_SCORER", "auto")
    monkeypatch.setattr("contextprune.scoring.load._lacking", lambda: "torch is not installed")
    with caplog.at_level(logging.INFO):
        for build in (agents_pruner, nodes_pruner, agents_pruner):
            build()
    assert caplog.text.count("scored without the model: torch is not installed") == 1


def test_where_words_were_asked_for_nothing_is_said(caplog: pytest.LogCaptureFixture) -> None:
    _say_of_scorer.cache_clear()
    with caplog.at_level(logging.INFO):
        nodes_pruner(scorer="lexical")
    assert caplog.text == ""


def test_agents_and_nodes_have_a_deadline(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setenv("CONTEXTPRUNE_SCORER", "neural")
    monkeypatch.setattr("llama_index.postprocessor.contextprune.engine.DEADLINE", 1e-6)
    for made in (agents_pruner(), nodes_pruner(), nodes_pruner(recall=0.9)):
        caplog.clear()
        assert made.scorer.name.startswith("neural")
        for question in ("Who?", "Where?"):
            cp.prune_documents([cp.Document(text=f"{TOWER} {RIVER}")], question, cp.Budget(ratio=0.5), made)
        assert caplog.text.count("is scored by words") == 1
