"""A memory that forgets: no result points to one that the model is no longer sent."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any

import pytest
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.memory import BaseMemory, ChatMemoryBuffer, Memory

from llama_index.postprocessor.contextprune import ContextPruneMemory, prune_tools
from tests.scenes import CRASH, LOG, Script, call, pruner, reply

KEPT = 1200  # tokens; of what both results are, and a few words


def buffer() -> BaseMemory:
    return ChatMemoryBuffer.from_defaults(token_limit=KEPT)


def memory() -> BaseMemory:
    return Memory.from_defaults(session_id="s", token_limit=KEPT, token_flush_size=300)


def pruned() -> BaseMemory:
    return ContextPruneMemory(buffer(), pruner())


def read_again(path: str) -> str:
    """Read a log."""
    return f"{path}\n{LOG}"


@pytest.mark.parametrize("make", [buffer, memory, pruned])
def test_no_result_points_to_one_that_a_memory_forgot(make: Callable[[], BaseMemory]) -> None:
    chatter = [reply(text="That is all there is to say of it. " * 12) for _ in range(6)]
    reads = [reply(call(str(i), "read_again", path="a")) for i in range(2)]
    script = Script(*reads, reply(text="memory"), *reads, reply(text="memory"), *chatter)
    agent: Any = FunctionAgent(tools=prune_tools([read_again], pruner()), llm=script.llm())
    kept = make()

    async def talk() -> None:
        for i in range(8):
            await agent.run(f"And what of worker {i}?", memory=kept)

    asyncio.run(talk())
    requests = [script.results(i) for i in range(len(script.seen))]
    assert any("as above" in text for texts in requests for text in texts)
    assert requests[-1] == [], "by then they are forgotten"
    for texts in requests:
        for i, text in enumerate(texts):
            keys = re.findall(r"as above, recall=(\w+)", text)
            assert all(any(key in other and CRASH in other for other in texts[:i]) for key in keys)
