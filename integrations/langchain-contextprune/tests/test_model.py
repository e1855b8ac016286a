"""The middleware with the shipped model, where the extra `torch` is installed."""

from __future__ import annotations

from typing import Any

import contextprune as cp
import pytest
from agents import FAILURE, LONG, Scripted, calls, read_log, results
from langchain.agents import create_agent
from langchain_core.documents import Document
from langchain_core.messages import AIMessage

from langchain_contextprune import ContextPruneCompressor, ContextPruneMiddleware

for package in ("torch", "safetensors", "tokenizers"):
    pytest.importorskip(package)
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
ASKED: Any = {"messages": [("user", "Which order failed?")]}


def engine(deadline: float | None = None) -> cp.Pruner:
    scorer = cp.load_scorer("neural", "cpu")
    return cp.Pruner(cp.Policy(), scorer, cp.Tiktoken(), cp.MemoryStore(), deadline=deadline)


@pytest.mark.parametrize("deadline", [None, 60.0])
def test_an_agent_keeps_the_failure_and_sends_the_same_again(deadline: float | None) -> None:
    replies = [calls(("read_log", {"name": name}, f"c-{name}")) for name in ("orders", "items")]
    model = Scripted(replies=[*replies, AIMessage("48777")])
    out = create_agent(model, [read_log], middleware=[ContextPruneMiddleware(engine(deadline))]).invoke(ASKED)
    first = results(out["messages"])[0].content
    assert FAILURE in str(first)
    assert len(str(first)) < len(LONG) / 2
    assert [results(sent)[0].content for sent in model.seen[1:]] == [first, first]


def test_documents_keep_the_answer() -> None:
    text = "The town lies on a river. The bridge was built in 1874. The market is held on Tuesdays. Trains stop here."
    (got,) = ContextPruneCompressor(budget=0.5, pruner=engine()).compress_documents(
        [Document(text)], "When was the bridge built?"
    )
    assert "built in 1874" in got.page_content


def test_what_the_model_does_not_score_in_time_is_scored_by_words_which_is_said_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    replies = [calls(("read_log", {"name": name}, f"c-{name}")) for name in ("orders", "items")]
    model = Scripted(replies=[*replies, AIMessage("48777")])
    out = create_agent(model, [read_log], middleware=[ContextPruneMiddleware(engine(1e-6))]).invoke(ASKED)
    first, second = (str(message.content) for message in results(out["messages"]))
    assert FAILURE in first
    assert max(len(first), len(second)) < len(LONG) / 2
    assert caplog.text.count("is scored by words") == 1
