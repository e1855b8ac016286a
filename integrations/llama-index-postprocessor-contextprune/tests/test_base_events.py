"""Calls: asynchronous ones, what they tell, and what becomes of those that fail."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence

import pytest
from llama_index.core.instrumentation.events import BaseEvent
from llama_index.core.schema import NodeWithScore

import contextprune as cp
from llama_index.postprocessor.contextprune import (
    ContextPruneEndEvent,
    ContextPrunePostprocessor,
    ContextPruneStartEvent,
)
from tests.scenes import BREAD, QUESTION, RIVER, TOWER, dumped, hearing, postprocessor, scored, texts, tokens


@pytest.fixture
def heard() -> Iterator[list[BaseEvent]]:
    with hearing("base") as events:
        yield events


@pytest.mark.parametrize("budget", [cp.Budget(tokens=3), 0.01])
def test_a_budget_that_holds_no_sentence_is_raised_with_a_warning(
    budget: cp.Budget | float, heard: list[BaseEvent], caplog: pytest.LogCaptureFixture
) -> None:
    got = postprocessor(budget=budget).postprocess_nodes(scored(RIVER, TOWER, BREAD), query_str=QUESTION)
    assert "The tower was built in 1889" in texts(got)[0]
    assert "raised" in caplog.text
    end = heard[-1]
    assert isinstance(end, ContextPruneEndEvent)
    assert end.raised is not None
    assert tokens(got) <= end.raised


def test_async_gives_the_same() -> None:
    given = scored(RIVER, TOWER, BREAD)
    one = postprocessor(budget=0.4)
    later = asyncio.run(one.apostprocess_nodes(given, query_str=QUESTION))
    assert dumped(later) == dumped(one.postprocess_nodes(given, query_str=QUESTION))


def test_the_event_loop_goes_on_while_nodes_are_pruned() -> None:
    class Slow:
        name = "slow"

        def __call__(self, context: cp.Context, spans: Sequence[cp.Span]) -> list[float]:
            time.sleep(0.5 if context.query else 0)
            return [0.5] * len(spans)

    slow = cp.Pruner(scorer=Slow(), store=cp.MemoryStore())
    one = ContextPrunePostprocessor(budget=0.5, pruner=slow)

    async def both() -> tuple[list[list[NodeWithScore]], int]:
        queries = [one.apostprocess_nodes(scored(RIVER, TOWER), query_str=q) for q in ("river", "tower", "bread")]
        running = asyncio.gather(*queries)
        ticks = 0
        while not running.done():
            await asyncio.sleep(0.01)
            ticks += 1
        return await running, ticks

    got, ticks = asyncio.run(both())
    assert len(got) == 3
    assert ticks > 5


def test_events_say_what_came_and_what_is_left(heard: list[BaseEvent]) -> None:
    given = scored(RIVER, TOWER, BREAD)
    got = postprocessor(budget=0.35).postprocess_nodes(given, query_str=QUESTION)
    start, end = heard
    assert isinstance(start, ContextPruneStartEvent)
    assert isinstance(end, ContextPruneEndEvent)
    assert (start.query, start.budget) == (QUESTION, cp.Budget(ratio=0.35))
    assert [node.node_id for node in start.nodes] == ["n0", "n1", "n2"]
    assert [node.node_id for node in end.nodes] == [node.node_id for node in got]
    assert (end.before, end.after) == (tokens(given), tokens(got))
    assert set(end.dropped) == {"n0", "n1", "n2"} - {node.node_id for node in got}
    assert start.model_dump()["class_name"] == "ContextPruneStartEvent"


@pytest.mark.parametrize("later", [False, True])
def test_events_lie_in_the_span_of_the_call(heard: list[BaseEvent], later: bool) -> None:
    one = postprocessor(budget=0.5)
    if later:
        asyncio.run(one.apostprocess_nodes(scored(TOWER), query_str=QUESTION))
    else:
        one.postprocess_nodes(scored(TOWER), query_str=QUESTION)
    spans = {event.span_id for event in heard}
    assert len(spans) == 1
    assert "postprocess_nodes" in str(spans.pop())


def test_what_fails_gives_the_nodes_back_and_is_counted_and_said_once(
    heard: list[BaseEvent], caplog: pytest.LogCaptureFixture
) -> None:
    class Broken:
        name = "broken"

        def __call__(self, context: cp.Context, spans: Sequence[cp.Span]) -> list[float]:
            raise RuntimeError(f"CUDA out of memory at {len(spans) and context.query}")

    given = scored(RIVER, TOWER)
    one = ContextPrunePostprocessor(pruner=cp.Pruner(scorer=Broken(), store=cp.MemoryStore()))
    for _ in range(2):
        assert one.postprocess_nodes(given, query_str=QUESTION) == given
    assert asyncio.run(one.apostprocess_nodes(given, query_str=QUESTION)) == given
    assert one.failures == 3
    assert "CUDA out of memory" in one.reason
    assert len(caplog.records) == 1
    assert isinstance(heard[-1], ContextPruneEndEvent)
    assert "CUDA out of memory" in heard[-1].failed
