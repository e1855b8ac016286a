from __future__ import annotations

import asyncio
import copy
import pickle
from collections.abc import Sequence
from typing import Any

import pytest
from llama_index.core.bridge.pydantic import ValidationError
from llama_index.core.llms import ChatMessage
from llama_index.core.memory import BaseMemory, ChatMemoryBuffer, Memory
from llama_index.core.memory.memory import InsertMethod

import contextprune as cp
from llama_index.postprocessor.contextprune import ContextPruneMemory, ContextPruneMemoryBlock
from tests.scenes import BREAD, COUNT, LOG, RIVER, TOWER, call, pruner, reply

TOLD = [
    ChatMessage(role="user", content="Why did it crash?"),
    reply(call("1", "fetch", path="a")),
    ChatMessage(role="tool", content=LOG, additional_kwargs={"tool_call_id": "1"}),
    reply(text="memory"),
]


def buffer() -> ChatMemoryBuffer:
    return ChatMemoryBuffer.from_defaults(token_limit=100_000)


def pruned(memory: BaseMemory | None = None) -> ContextPruneMemory:
    return ContextPruneMemory(memory or buffer(), pruner())


def test_the_model_sees_a_short_history_and_the_memory_keeps_all_of_it() -> None:
    memory = pruned()
    memory.put_messages(list(TOLD))
    seen = memory.get()
    assert [m.role for m in seen] == [m.role for m in TOLD]
    assert COUNT(seen[2].content or "") < 0.8 * COUNT(LOG)
    assert memory.get_all() == TOLD


def test_a_memory_leaves_alone_the_tools_that_the_policy_names() -> None:
    memory = ContextPruneMemory(buffer(), pruner(exclude_tools=("fetch",)))
    memory.set(list(TOLD))
    assert memory.get() == TOLD


def test_async_gives_the_same() -> None:
    memory, later = pruned(), pruned()

    async def fill() -> tuple[list[ChatMessage], list[ChatMessage]]:
        await later.aput(TOLD[0])
        await later.aput_messages(list(TOLD[1:]))
        return await later.aget(), await later.aget_all()

    memory.set(list(TOLD))
    seen, kept = asyncio.run(fill())
    assert seen == memory.get()
    assert kept == TOLD


def test_messages_are_set_and_forgotten() -> None:
    memory = pruned()
    memory.put(TOLD[0])
    memory.set(list(TOLD[:2]))
    assert memory.get() == TOLD[:2]
    memory.reset()
    assert memory.get_all() == []

    async def again() -> list[ChatMessage]:
        await memory.aset(list(TOLD[:1]))
        await memory.areset()
        return await memory.aget()

    assert asyncio.run(again()) == []


@pytest.mark.parametrize("later", [False, True])
def test_it_works_over_the_memory_of_llama_index(later: bool) -> None:
    memory = ContextPruneMemory.from_defaults(token_limit=100_000, session_id="s", pruner=pruner())
    assert isinstance(memory.memory, Memory)

    async def run() -> list[ChatMessage]:
        await memory.aput_messages(list(TOLD))
        return await memory.aget(input="And then?")

    if later:
        seen = asyncio.run(run())
    else:
        memory.put_messages(list(TOLD))
        seen = memory.get(input="And then?")
    assert "recall=" in (seen[2].content or "")


def test_a_buffer_is_read_back_with_its_messages() -> None:
    store = {"class_name": "SimpleChatStore", "store": {"chat_history": [m.model_dump() for m in TOLD]}}
    inside = {"class_name": "ChatMemoryBuffer", "token_limit": 9_000, "chat_store": store}
    again = ContextPruneMemory.from_dict({"memory": inside}, pruner=pruner())
    assert again.get_all() == TOLD
    assert "recall=" in (again.get()[2].content or "")


def test_the_settings_of_a_memory_in_a_database_are_read_back() -> None:
    memory = ContextPruneMemory.from_defaults(
        token_limit=4_000, session_id="s", insert_method=InsertMethod.USER, pruner=pruner()
    )
    for again in (ContextPruneMemory.from_dict(memory.to_dict()), ContextPruneMemory.from_json(memory.to_json())):
        assert again.to_dict() == memory.to_dict()
        assert isinstance(again.memory, Memory)
        assert (again.memory.token_limit, again.memory.session_id) == (4_000, "s")
        assert again.memory.insert_method is InsertMethod.USER


def test_a_memory_of_your_own_can_take_the_place_of_the_one_inside() -> None:
    own = buffer()
    data = ContextPruneMemory.from_defaults(pruner=pruner()).to_dict()
    assert ContextPruneMemory.from_dict(data, memory=own, pruner=pruner()).memory is own


@pytest.mark.parametrize("inside", [{"class_name": "Mine"}, {"class_name": "Memory", "memory_blocks": [{"name": "a"}]}])
def test_what_cannot_be_read_back_is_told(inside: dict[str, Any]) -> None:
    with pytest.raises(cp.SettingsError, match="memory="):
        ContextPruneMemory.from_dict({"memory": inside})


def test_settings_beside_a_memory_are_refused() -> None:
    with pytest.raises(cp.SettingsError, match="token_limit"):
        ContextPruneMemory.from_defaults(buffer(), token_limit=5)


def said(*texts: str) -> list[ChatMessage]:
    return [ChatMessage(role="user" if i % 2 == 0 else "assistant", content=text) for i, text in enumerate(texts)]


def shown(block: ContextPruneMemoryBlock, question: str) -> str:
    return asyncio.run(block.aget([ChatMessage(role="user", content=question)]))


def test_a_block_shows_what_the_question_needs_within_its_tokens() -> None:
    block = ContextPruneMemoryBlock(tokens=60, pruner=pruner())
    asyncio.run(block.aput(said(RIVER, TOWER, BREAD, "I see.")))
    tower = shown(block, "When was the tower built?")
    assert "The tower was built in 1889" in tower
    assert COUNT(tower) <= 60
    assert "Bakers of the old town" in shown(block, "When do bakers open?")


def test_a_block_says_who_spoke_and_leaves_out_messages_without_text() -> None:
    block = ContextPruneMemoryBlock(pruner=pruner())
    asyncio.run(block.aput([*said("Hello.", "Good day."), reply(call("1", "fetch"))]))
    assert shown(block, "?") == "user: Hello.\n\nassistant: Good day."


@pytest.mark.parametrize("count", [30, 300, 1000])
def test_a_block_shows_as_much_of_a_long_history_as_of_a_short_one(count: int) -> None:
    block = ContextPruneMemoryBlock(tokens=300, pruner=pruner())
    turns = [f"Delivery {i} came to gate {i % 17} with {i * 3} boxes of rye." for i in range(count - 1)]
    asyncio.run(block.aput(said(*turns, TOWER)))
    content = shown(block, "When was the tower built?")
    assert "The tower was built in 1889" in content
    assert 200 < COUNT(content) <= 300


def test_a_block_of_many_tiny_messages_holds_its_tokens_with_the_headings() -> None:
    block = ContextPruneMemoryBlock(tokens=120, pruner=pruner())
    asyncio.run(block.aput(said(*[f"Yes, {i}." for i in range(400)])))
    assert 60 < COUNT(shown(block, "Which number was named last?")) <= 120


def test_a_model_reads_no_more_than_what_the_words_of_the_question_point_to() -> None:
    read: list[int] = []

    class Reader:
        name = "reader"

        def __call__(self, context: cp.Context, spans: Sequence[cp.Span]) -> list[float]:
            read.append(sum(COUNT(segment.text) for segment in context.segments))
            return [float("tower" in span.text) for span in spans]

    block = ContextPruneMemoryBlock(tokens=60, pruner=cp.Pruner(cp.Policy(), Reader(), COUNT, cp.MemoryStore()))
    asyncio.run(block.aput(said(TOWER, *[f"{RIVER} {BREAD} {i}" for i in range(60)])))
    assert "1889" in shown(block, "When was the tower built?")
    assert max(read) <= 10 * 60


class Broken:
    """A scorer whose device is lost."""

    name = "broken"

    def __call__(self, context: cp.Context, spans: Sequence[cp.Span]) -> list[float]:
        raise RuntimeError(f"CUDA out of memory over {len(spans) and len(context.segments)}")


def test_a_memory_whose_scorer_fails_shows_its_history_as_it_is(caplog: pytest.LogCaptureFixture) -> None:
    memory = ContextPruneMemory(buffer(), cp.Pruner(cp.Policy(), Broken(), COUNT, cp.MemoryStore()))
    memory.set(list(TOLD))
    assert memory.get() == asyncio.run(memory.aget()) == TOLD
    assert (memory.failures, len(caplog.records)) == (2, 1)
    assert "CUDA out of memory" in memory.reason


def test_a_block_whose_scorer_fails_shows_the_newest_messages() -> None:
    block = ContextPruneMemoryBlock(tokens=100, pruner=cp.Pruner(cp.Policy(), Broken(), COUNT, cp.MemoryStore()))
    asyncio.run(block.aput(said(TOWER, RIVER, BREAD)))
    content = shown(block, "When was the tower built?")
    assert content == f"user: {BREAD}"
    assert COUNT(content) <= 100
    assert COUNT(asyncio.run(block.atruncate(content, 20)) or "") <= COUNT(content) - 20
    assert block.failures == 2


def test_misspelt_settings_of_memories_are_refused() -> None:
    wrong: dict[str, Any] = {"token": 5}
    with pytest.raises(ValidationError, match="token"):
        ContextPruneMemoryBlock(**wrong)
    with pytest.raises(TypeError, match="token"):
        ContextPruneMemory(buffer(), **wrong)


def test_memories_can_be_pickled_and_copied() -> None:
    block = ContextPruneMemoryBlock(tokens=60, pruner=pruner())
    asyncio.run(block.aput(said(RIVER, TOWER, BREAD)))
    for again in (pickle.loads(pickle.dumps(block)), copy.deepcopy(block), block.model_copy(deep=True)):
        assert "The tower was built in 1889" in shown(again, "When was the tower built?")
    memory = pruned()
    memory.set(list(TOLD))
    for other in (pickle.loads(pickle.dumps(memory)), copy.deepcopy(memory)):
        assert other.get() == memory.get()


def test_an_empty_block_shows_nothing() -> None:
    assert shown(ContextPruneMemoryBlock(pruner=pruner()), "?") == ""


def test_a_block_forgets_the_oldest_messages() -> None:
    block = ContextPruneMemoryBlock(most=2, pruner=pruner())
    asyncio.run(block.aput(said("one", "two", "three")))
    assert [message.content for message in block.messages] == ["two", "three"]


def test_a_block_is_truncated_by_pruning() -> None:
    block = ContextPruneMemoryBlock(pruner=pruner())
    content = f"user: {TOWER}\n\nassistant: {RIVER}"
    less = asyncio.run(block.atruncate(content, 40))
    assert less is not None
    assert COUNT(less) <= COUNT(content) - 40
    assert asyncio.run(block.atruncate(content, 10_000)) is None


def test_what_falls_out_of_a_memory_comes_back_through_the_block() -> None:
    block = ContextPruneMemoryBlock(tokens=100, pruner=pruner())
    settings: dict[str, Any] = {"token_limit": 160, "token_flush_size": 40, "insert_method": "user"}
    memory = Memory.from_defaults(memory_blocks=[block], **settings)
    memory.put_messages(said(TOWER, "I see.", RIVER, "Fine.", BREAD, "Good."))
    memory.put(ChatMessage(role="user", content="When was the tower built?"))
    assert any("1889" in (message.content or "") for message in block.messages)
    last = memory.get()[-1]
    assert "The tower was built in 1889" in (last.content or "")
    assert "When was the tower built?" in (last.content or "")
