"""What several tests need: a scripted model, a pruner in memory, nodes about a tower, and a log with an error in it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from llama_index.core.base.llms.types import ToolCallBlock
from llama_index.core.bridge.pydantic import Field
from llama_index.core.instrumentation import get_dispatcher
from llama_index.core.instrumentation.event_handlers import BaseEventHandler
from llama_index.core.instrumentation.events import BaseEvent
from llama_index.core.llms import ChatMessage
from llama_index.core.llms.mock import MockFunctionCallingLLM
from llama_index.core.schema import NodeWithScore, TextNode
from llama_index.core.tools import FunctionTool, ToolOutput

import contextprune as cp
from llama_index.postprocessor.contextprune import ContextPrunePostprocessor

COUNT = cp.Tiktoken()

_OWN = Path(__file__).parents[1] / "examples"
FOLDER_OF_EXAMPLES = _OWN if _OWN.is_dir() else _OWN.parents[2] / "examples"
"""In a source distribution beside the tests, in the repository two folders up."""

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

QUESTION = "When was the tower built?"
CRASH = "ERROR worker 91 crashed: out of memory"


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


def postprocessor(**settings: Any) -> ContextPrunePostprocessor:
    """A postprocessor that leaves nothing on disk."""
    return ContextPrunePostprocessor(**{"pruner": pruner(), **settings})


def texts(nodes: Sequence[NodeWithScore]) -> list[str]:
    """The bare texts of nodes."""
    return [scored.node.get_content() for scored in nodes]


def dumped(nodes: Sequence[NodeWithScore]) -> list[Any]:
    """All that nodes hold."""
    return [scored.model_dump() for scored in nodes]


class Heard(BaseEventHandler):
    """Keeps the events that it hears."""

    events: list[BaseEvent] = Field(default_factory=list)

    @classmethod
    def class_name(cls) -> str:
        """Its name."""
        return "Heard"

    def handle(self, event: BaseEvent, **_: Any) -> Any:
        """Keep an event."""
        self.events.append(event)


@contextmanager
def hearing(module: str) -> Iterator[list[BaseEvent]]:
    """Hear the events of one module of ours."""
    dispatcher = get_dispatcher(f"llama_index.postprocessor.contextprune.{module}")
    handler, before = Heard(), list(dispatcher.event_handlers)
    dispatcher.event_handlers = [*before, handler]
    yield handler.events
    dispatcher.event_handlers = before


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


def read_log(path: str, lines: int = 100) -> str:
    """Read a log.

    :param path: where it lies
    """
    assert path
    return "\n".join(LOG.splitlines()[:lines]) + "\n"


def run(tool: Any, **arguments: Any) -> ToolOutput:
    """Call a tool as an agent does."""
    assert isinstance(tool, FunctionTool)
    return asyncio.run(tool.acall(**arguments))


def key_in(text: str) -> str:
    """The recall key in a shortened text."""
    found = re.search(r"recall=([a-z2-7]{12})", text)
    assert found is not None
    return found[1]
