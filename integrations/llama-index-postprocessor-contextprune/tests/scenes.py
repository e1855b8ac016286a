"""What several tests need: a scripted model, a pruner in memory, nodes about a tower, and a log with an error in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llama_index.core.base.llms.types import ToolCallBlock
from llama_index.core.llms import ChatMessage
from llama_index.core.llms.mock import MockFunctionCallingLLM
from llama_index.core.schema import NodeWithScore, TextNode

import contextprune as cp

COUNT = cp.Tiktoken()

LOG = (
    "\n".join(f"2026-01-01 12:00:{i % 60:02d} INFO worker {i} finished job {i * 7} in {i} ms" for i in range(90))
    + "\nERROR worker 91 crashed: out of memory\n"
)

TOWER = (
    "The tower was built in 1889 for a world fair and stood as the tallest of all buildings for forty years. "
    "It was meant to be taken down after twenty years, but it served the radio, and so it stayed where it was."
)
RIVER = (
    "The river rises in a forest far to the east and is joined by nine others before it meets the sea. "
    "Barges carry sand and grain on it in every season, and in some years it floods the lower quays."
)
BREAD = (
    "Bakers of the old town open before dawn and sell most of their bread by eight in the morning. "
    "Rye is bought on weekdays and white bread on Sundays, as it has been for longer than anyone knows."
)


def pruner(**policy: Any) -> cp.Pruner:
    """A pruner with the lexical scorer that leaves nothing on disk."""
    return cp.Pruner(cp.Policy(**policy), cp.load_scorer("lexical"), COUNT, cp.MemoryStore())


def scored(*texts: str) -> list[NodeWithScore]:
    """One node for each text: ids n0, n1, ... and falling scores."""
    return [
        NodeWithScore(node=TextNode(text=text, id_=f"n{i}", metadata={"file_path": f"{i}.txt"}), score=1.0 - i / 10)
        for i, text in enumerate(texts)
    ]


def tokens(nodes: Sequence[NodeWithScore]) -> int:
    """Tokens of the nodes' bare texts."""
    return sum(COUNT(scored.node.get_content()) for scored in nodes)


def call(key: str, name: str, /, **arguments: Any) -> ToolCallBlock:
    """A tool call of the model."""
    return ToolCallBlock(tool_call_id=key, tool_name=name, tool_kwargs=arguments)


def reply(*calls: ToolCallBlock, text: str = "") -> ChatMessage:
    """A reply of the model: calls, or words."""
    return ChatMessage(role="assistant", blocks=list(calls)) if calls else ChatMessage(role="assistant", content=text)


class Script:
    """A model that says its lines one by one; `seen` is what it was sent each time."""

    def __init__(self, *replies: ChatMessage) -> None:
        self.replies = list(replies)
        self.seen: list[list[ChatMessage]] = []

    def llm(self) -> MockFunctionCallingLLM:
        """The script as a function-calling model."""

        def answer(messages: Sequence[ChatMessage], **_: Any) -> ChatMessage:
            self.seen.append([message.model_copy(deep=True) for message in messages])
            return self.replies[len(self.seen) - 1]

        return MockFunctionCallingLLM(response_generator=answer)

    def results(self, at: int = -1) -> list[str]:
        """The tools' results in one request."""
        return [message.content or "" for message in self.seen[at] if message.role.value == "tool"]
