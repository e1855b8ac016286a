"""Nothing that goes wrong in ours ends a run, at any door: a scorer, a store, a counter, an agent kept otherwise."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.llms import ChatMessage
from llama_index.core.memory import ChatMemoryBuffer

import contextprune as cp
from llama_index.postprocessor.contextprune import (
    ContextPruneMemory,
    ContextPruneMemoryBlock,
    ContextPrunePostprocessor,
    PrunedTool,
    prune_tool,
    prune_tools,
    recall_tool,
)
from tests.scenes import BREAD, COUNT, CRASH, LOG, QUESTION, RIVER, TOWER, Script, call, read_log, reply, run, scored


class OutOfMemory:
    """A scorer whose GPU is full."""

    name = "out-of-memory"

    def __call__(self, context: cp.Context, spans: Sequence[cp.Span]) -> list[float]:
        raise RuntimeError("CUDA out of memory")


class Diverged:
    """A scorer whose weights are broken."""

    name = "diverged"

    def __call__(self, context: cp.Context, spans: Sequence[cp.Span]) -> list[float]:
        return [float("nan")] * len(spans)


class Uncounted:
    """A counter that fails."""

    name = "uncounted"

    def __call__(self, text: str) -> int:
        raise ValueError("no such encoding")


class Full(cp.MemoryStore):
    """A store whose disk is full."""

    def put(self, texts: Mapping[str, str]) -> None:
        raise OSError("no space left on device")


def engine(fault: str) -> cp.Pruner:
    scorers: Mapping[str, cp.Scorer] = {"scorer": OutOfMemory(), "scores": Diverged()}
    counter: Any = Uncounted() if fault == "counter" else COUNT
    store = Full() if fault == "store" else cp.MemoryStore()
    return cp.Pruner(cp.Policy(), scorers.get(fault) or cp.load_scorer("lexical"), counter, store)


every_fault = pytest.mark.parametrize("fault", ["scorer", "scores", "counter", "store"])


@every_fault
@pytest.mark.parametrize("at_once", [None, 50])
def test_an_agent_goes_on_with_whole_results(fault: str, at_once: int | None) -> None:
    script = Script(reply(call("1", "read_log", path="a")), reply(call("2", "read_log", path="b")), reply(text="done"))
    tools = prune_tools([read_log], engine(fault), at_once=at_once)

    async def go() -> Any:
        return await FunctionAgent(tools=tools, llm=script.llm()).run("Why did it crash?")

    assert str(asyncio.run(go())) == "done"
    assert script.results() == [read_log("a"), read_log("b")]
    assert isinstance(tools[0], PrunedTool)
    assert tools[0].failures == 2


@every_fault
def test_a_memory_shows_its_history(fault: str) -> None:
    told = [
        ChatMessage(role="user", content="Why did it crash?"),
        reply(call("1", "read_log", path="a")),
        ChatMessage(role="tool", content=LOG, additional_kwargs={"tool_call_id": "1"}),
        reply(text="memory"),
    ]
    memory = ContextPruneMemory(ChatMemoryBuffer.from_defaults(token_limit=100_000), engine(fault))
    memory.set(list(told))
    assert memory.get() == told
    assert memory.failures == 1


@every_fault
def test_a_block_shows_messages_and_can_be_truncated(fault: str) -> None:
    block = ContextPruneMemoryBlock(tokens=150, pruner=engine(fault))
    asyncio.run(block.aput([ChatMessage(role="user", content=text) for text in (TOWER, RIVER, BREAD) * 3]))
    shown = asyncio.run(block.aget([ChatMessage(role="user", content=QUESTION)]))
    assert 0 < COUNT(shown) <= 150
    assert COUNT(asyncio.run(block.atruncate(f"{TOWER} {RIVER}", 20)) or "") <= COUNT(f"{TOWER} {RIVER}") - 20


@every_fault
def test_nodes_come_back(fault: str) -> None:
    given = scored(TOWER, RIVER)
    one = ContextPrunePostprocessor(pruner=engine(fault))
    got = one.postprocess_nodes(given, query_str=QUESTION)
    assert "The tower was built in 1889" in got[0].text
    assert (one.failures, got == given) == ((0, False) if fault == "store" else (1, True)), "nothing of nodes is stored"


@every_fault
def test_the_recall_tool_answers(fault: str) -> None:
    assert "No original is kept" in run(recall_tool(engine(fault)), key="abcdefgh2345").content


def test_a_result_is_short_where_an_agent_keeps_its_run_otherwise(caplog: pytest.LogCaptureFixture) -> None:
    class Elsewhere:
        """The context of an agent of somebody's own."""

        class store:  # noqa: N801 - as LlamaIndex names it
            @staticmethod
            async def get(path: str, default: Any = None) -> Any:
                raise KeyError(path)

    tool = prune_tool(read_log, engine(""))
    assert isinstance(tool, PrunedTool)
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            content = run(tool, path="a", contextprune_context=Elsewhere()).content
            assert CRASH in content
            assert COUNT(content) < 0.8 * COUNT(LOG)
    assert (tool.failures, len(caplog.records)) == (2, 1)
