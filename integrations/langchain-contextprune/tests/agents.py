"""What the tests share: a chat model that says what it is told to, tools with long results, and an engine in memory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import contextprune as cp
from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool, tool
from pydantic import Field

LOG = "".join(f"2026-01-01 10:00:{i % 60:02} INFO worker-{i % 7}: order {48000 + i} packed\n" for i in range(400))
FAILURE = "2026-01-01 10:07:00 ERROR worker-3: order 48777 failed: TimeoutError\n"
LONG = LOG[: len(LOG) // 2] + FAILURE + LOG[len(LOG) // 2 :]
OTHER = "".join(f"GET /items/{i} 200 {i * 3} ms agent=probe-{i % 5}\n" for i in range(400))

_OWN = Path(__file__).parent.parent / "examples"
FOLDER_OF_EXAMPLES = _OWN if _OWN.is_dir() else _OWN.parents[2] / "examples"
"""In a source distribution beside the tests, in the repository two folders up."""

_WORDS = ("load", "store", "parse", "send", "wait", "check", "sort", "merge", "close", "open", "read")


class Scripted(BaseChatModel):
    """Gives its replies in order, and keeps what it was sent."""

    replies: list[AIMessage]
    seen: list[list[BaseMessage]] = Field(default_factory=list)
    offered: list[str] = Field(default_factory=list)
    model: str = "scripted"

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Runnable[Any, AIMessage]:
        """Keep the names of the tools."""
        self.offered[:] = [each.name if isinstance(each, BaseTool) else str(each) for each in tools]
        return self.bind(**kwargs)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        self.seen.append(list(messages))
        reply = self.replies[len(self.seen) - 1]
        return ChatResult(generations=[ChatGeneration(message=reply.model_copy())])


def engine(**policy: Any) -> cp.Pruner:
    """A pruner that leaves nothing on disk."""
    return cp.Pruner(cp.Policy(**policy), cp.load_scorer("lexical"), cp.Tiktoken(), cp.MemoryStore())


def calls(*asked: tuple[str, dict[str, Any], str], text: str = "") -> AIMessage:
    """A reply that calls tools: (name, arguments, id)."""
    return AIMessage(text, tool_calls=[{"name": name, "args": args, "id": id_} for name, args, id_ in asked])


def results(messages: Sequence[BaseMessage]) -> list[ToolMessage]:
    """The tools' results among messages."""
    return [message for message in messages if isinstance(message, ToolMessage)]


@tool
def read_log(name: str) -> str:
    """Show a log."""
    return LONG if name == "orders" else OTHER


@tool
def report(day: int) -> str:
    """Tell what happened on a day."""
    rows = (
        f"{day}-{i}: {_WORDS[(day * 7 + i) % 11]} {_WORDS[(day + i * 3) % 11]} took {i * day} ms" for i in range(200)
    )
    return "\n".join(rows)


@tool
def ping() -> str:
    """Say something short."""
    return "pong"
