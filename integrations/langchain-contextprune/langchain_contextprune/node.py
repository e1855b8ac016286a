"""Plain LangGraph, without `create_agent`: a node that prepares what is sent, and results shortened in a `ToolNode`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import contextprune as cp
from langchain_core.messages import AnyMessage, ToolMessage
from langgraph.prebuilt.tool_node import ToolCallRequest

from langchain_contextprune.compress import arrive, view
from langchain_contextprune.tool_results import ToolResult, each_result, messages_of


class ContextPruneNode:
    """A node: reads the conversation from a state, and writes what is to be sent of it under another name.

        graph.add_node("prune", ContextPruneNode())
        graph.add_edge("prune", "model")  # which calls the model with state["llm_input_messages"]
        ToolNode(tools, wrap_tool_call=node.wrap_tool_call, awrap_tool_call=node.awrap_tool_call)

    pruner   one for all graphs that share a store and a policy
    key      where the conversation stands
    sent     where what is sent is written; it is made anew each time, so its channel overwrites and does not add
    model    the model's name, which tells its prices and whether its reasoning is bound to what stands before it
    pastes   as `ContextPruneMiddleware` takes it

    The conversation itself is not changed by the node; with the wrapped calls, results are short before it holds them.
    Raises ContextPruneError.
    """

    def __init__(
        self,
        pruner: cp.Pruner | None = None,
        *,
        key: str = "messages",
        sent: str = "llm_input_messages",
        model: str = "",
        pastes: int | None = None,
    ) -> None:
        if key == sent:
            raise ValueError(f"{key!r} holds the conversation itself; write what is sent of it under another name")
        self.pruner = pruner or cp.Pruner()
        self._key, self._sent, self._model, self._pastes = key, sent, model, pastes

    def __call__(self, state: Any) -> dict[str, list[AnyMessage]]:
        """What is to be sent, as an update of the state."""
        messages = messages_of(state, self._key)
        seen = view(self.pruner, messages, model=self._model, pastes=self._pastes, from_start=True)
        return {self._sent: seen.messages}

    def wrap_tool_call(self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], ToolResult]) -> ToolResult:
        """For `ToolNode(tools, wrap_tool_call=...)`: the result is shortened before the state holds it."""
        return self._arrived(request, handler(request))

    async def awrap_tool_call(
        self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], Awaitable[ToolResult]]
    ) -> ToolResult:
        """For `ToolNode(tools, awrap_tool_call=...)`; the work is done in a thread."""
        return await asyncio.to_thread(self._arrived, request, await handler(request))

    def _arrived(self, request: ToolCallRequest, result: ToolResult) -> ToolResult:
        history = messages_of(request.state, self._key)

        def change(message: ToolMessage) -> ToolMessage:
            arrived = arrive(self.pruner, history, message, model=self._model, pastes=self._pastes, from_start=True)
            return arrived.message

        return each_result(result, request.tool_call["id"], change)
