"""Plain LangGraph, without `create_agent`: a node that prepares what is sent, and results shortened in a `ToolNode`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import contextprune as cp
from langchain_core.messages import AnyMessage, ToolMessage
from langchain_core.tools import BaseTool
from langgraph.prebuilt.tool_node import ToolCallRequest

from langchain_contextprune.compress import arrive, view
from langchain_contextprune.engines import built
from langchain_contextprune.failures import TellsFailures
from langchain_contextprune.metadata import pinned
from langchain_contextprune.persons import is_persons
from langchain_contextprune.recall_tool import ContextPruneRecall
from langchain_contextprune.tool_results import ToolResult, each_result, messages_of

_log = logging.getLogger(__name__)


class ContextPruneNode(TellsFailures):
    """A node: reads the conversation from a state, and writes what is to be sent of it under another name.

        prune = ContextPruneNode()
        graph.add_node("prune", prune)
        graph.add_edge("prune", "model")  # which calls the model with state["llm_input_messages"]
        tools = [*my_tools, *prune.tools]  # with which the model reads what was taken out
        ToolNode(tools, wrap_tool_call=prune.wrap_tool_call, awrap_tool_call=prune.awrap_tool_call)

    The conversation itself is not changed by the node; with the wrapped calls, results are short before it holds them.
    Nothing that fails in it ends a run: what could not be shortened goes through as it is, which `failures` counts, and
    `reason` says why.

    Args:
        pruner: One for all graphs that share a store and a policy.
        key: Where the conversation stands.
        sent: Where what is sent is written; it is made anew each time, so its channel overwrites and does not add.
        model: The model's name, which tells its prices and whether its reasoning is bound to what stands before it.
        pastes: As `ContextPruneMiddleware` takes it.
        recall_tool: Whether `tools` holds the recall tool; without it markers name no keys.

    Raises:
        ValueError: What is sent would overwrite the conversation.
    """

    def __init__(
        self,
        pruner: cp.Pruner | None = None,
        *,
        key: str = "messages",
        sent: str = "llm_input_messages",
        model: str = "",
        pastes: int | None = None,
        recall_tool: bool = True,
    ) -> None:
        if key == sent:
            raise ValueError(f"{key!r} holds the conversation itself; write what is sent of it under another name")
        self.pruner = pruner or built(hints=recall_tool)
        self.tools: list[BaseTool] = [ContextPruneRecall(pruner=self.pruner)] if recall_tool else []
        self._key, self._sent, self._model, self._pastes = key, sent, model, pastes
        self._fail_open = cp.FailOpen(_log)

    def __call__(self, state: Any) -> dict[str, list[AnyMessage]]:
        """Prepare what is to be sent, as an update of the state."""
        messages: list[Any] = list(messages_of(state, self._key))

        def prepared() -> list[AnyMessage]:
            return view(self.pruner, messages, model=self._model, pastes=self._pastes, from_start=True).messages

        return {self._sent: self._fail_open("a request goes out as it is", prepared, messages)}

    def wrap_tool_call(self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], ToolResult]) -> ToolResult:
        """Shorten the result before the state holds it: for `ToolNode(tools, wrap_tool_call=...)`."""
        return self._arrived(request, handler(request))

    async def awrap_tool_call(
        self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], Awaitable[ToolResult]]
    ) -> ToolResult:
        """As `wrap_tool_call`, for `ToolNode(tools, awrap_tool_call=...)`; the work is done in a thread."""
        return await asyncio.to_thread(self._arrived, request, await handler(request))

    def _arrived(self, request: ToolCallRequest, result: ToolResult) -> ToolResult:
        history, config = messages_of(request.state, self._key), getattr(request.runtime, "config", None)
        is_direct = bool(getattr(request.tool, "return_direct", False))

        def change(message: ToolMessage) -> ToolMessage:
            if is_direct or is_persons(message, config):
                return pinned(message)  # for a person, or a person's: the node leaves it as it is, too
            arrived = arrive(self.pruner, history, message, model=self._model, pastes=self._pastes, from_start=True)
            return arrived.message

        work = lambda: each_result(result, request.tool_call["id"], change)  # noqa: E731 - one line
        return self._fail_open("a tool's result is left as it is", work, result)
