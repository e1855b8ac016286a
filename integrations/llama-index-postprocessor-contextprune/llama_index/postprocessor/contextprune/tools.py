"""Tools whose results are shortened as they arrive: before the model, the memory and the provider's cache see them.

That is the one place inside a run: a memory is asked only at its beginning. What the model has been sent is never
changed afterwards, so its cache and signed reasoning stay valid.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from llama_index.core.base.llms.types import ToolCallBlock
from llama_index.core.tools import AsyncBaseTool, BaseTool, FunctionTool, ToolOutput, adapt_to_async_tool

import contextprune as cp
from llama_index.postprocessor.contextprune.messages import Chat, as_call, as_chat, compressed, text_parts, with_texts

RECALL = "contextprune_recall"
"""The name by which contextprune knows what it gave back, which it never shortens again."""

_CONTEXT = "contextprune_context"
_ID = "arriving"


def prune_tools(
    tools: Sequence[BaseTool | Callable[..., Any]], pruner: cp.Pruner | None = None, *, recall: bool = True
) -> list[BaseTool | Callable[..., Any]]:
    """The tools with their results shortened on arrival, and a tool that gives back what was taken out of them.

    They are all of LlamaIndex's `BaseTool`; the type is the one that its agents ask for.

    recall   False leaves that tool out; markers in results then still say what is missing, and how much
    pruner   how to shorten; `cp.Policy(exclude_tools=...)` and its rules go by the tools' names
    """
    own = pruner or cp.Pruner()
    wrapped = [prune_tool(tool, own) for tool in tools]
    known = any(tool.metadata.name == RECALL for tool in wrapped)
    return [*wrapped, recall_tool(own)] if recall and not known else [*wrapped]


def prune_tool(tool: BaseTool | Callable[..., Any], pruner: cp.Pruner | None = None) -> BaseTool:
    """The tool with its results shortened; itself where that must not be: what is returned to the user as it is
    (`return_direct`), what is shortened already, and the recall tool.
    """
    own = tool if isinstance(tool, BaseTool) else FunctionTool.from_defaults(tool)
    if isinstance(own, PrunedTool) or own.metadata.return_direct or (own.metadata.name or "").endswith(RECALL):
        return own
    return PrunedTool(own, pruner or cp.Pruner())


def recall_tool(pruner: cp.Pruner | None = None) -> FunctionTool:
    """A tool that gives back what a marker stands for; `pruner` is the one that wrote the markers."""

    def contextprune_recall(key: str, lines: str | None = None, query: str | None = None) -> str:
        """Read text that was shortened: a note such as [lines 12-40 cut, recall=abcdefgh2345] stands for it.

        :param key: the 12 characters after recall=
        :param lines: only these lines of the original, such as 12-40 or 12,60-70
        :param query: only the lines that hold each of these words
        """
        return cp.recall(key, query=query or None, lines=lines or None, pruner=pruner)

    return FunctionTool.from_defaults(contextprune_recall, name=RECALL)


class PrunedTool(FunctionTool):
    """A tool whose results arrive shortened; name, description and schema are its own.

    The agent passes its context along, as it does to any tool that wants one, so that the question of the user and
    what earlier tools of the run returned are known. Errors, `raw_output` and whatever is no text stay as they are.
    """

    def __init__(self, tool: BaseTool, pruner: cp.Pruner) -> None:
        real = tool.real_fn if isinstance(tool, FunctionTool) else tool.__call__
        super().__init__(fn=real, metadata=tool.metadata)
        self.tool: AsyncBaseTool = adapt_to_async_tool(tool)
        self.pruner = pruner
        self._passes_context = isinstance(tool, FunctionTool) and tool.requires_context
        self._context = (tool.ctx_param_name if isinstance(tool, FunctionTool) else None) or _CONTEXT
        self.requires_context, self.ctx_param_name = True, self._context

    def __call__(self, *args: Any, **kwargs: Any) -> ToolOutput:
        """Call the tool and shorten its result."""
        return self.call(*args, **kwargs)

    def call(self, *args: Any, **kwargs: Any) -> ToolOutput:
        """Call the tool and shorten its result, without what the agent knows: that is read asynchronously."""
        output = self.tool.call(*args, **self._own(kwargs))
        return self._shortened(output, self._asked(args, kwargs), [])

    async def acall(self, *args: Any, **kwargs: Any) -> ToolOutput:
        """Call the tool and shorten its result, the model in a thread of its own."""
        output = await self.tool.acall(*args, **self._own(kwargs))
        before = await _so_far(kwargs.get(self._context))
        return await asyncio.to_thread(self._shortened, output, self._asked(args, kwargs), before)

    def _own(self, kwargs: dict[str, Any]) -> dict[str, Any]:
        """The arguments that the tool itself wants."""
        return kwargs if self._passes_context else self._said(kwargs)

    def _said(self, kwargs: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in kwargs.items() if name != self._context}

    def _asked(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The arguments that the model gave."""
        said = self._said(kwargs)
        return {"args": list(args), **said} if args else said

    def _shortened(self, output: ToolOutput, asked: Any, before: list[Chat]) -> ToolOutput:
        parts = text_parts(output.blocks)
        if output.is_error or not parts:
            return output
        name = self.metadata.get_name()
        call = {"role": "assistant", "content": None, "tool_calls": [as_call(_ID, name, asked)]}
        result = {"role": "tool", "tool_call_id": _ID, "name": name, "content": parts}
        sent = compressed([*before, call, result], self.pruner)[-1]
        if sent is result:
            return output
        blocks = with_texts(output.blocks, [part["text"] for part in sent["content"]])
        return output.model_copy(update={"blocks": blocks})


async def _so_far(context: Any) -> list[Chat]:
    """The user's question and what was called and returned in this run, as far as the agent's context tells."""
    store = getattr(context, "store", None)
    if store is None:
        return []
    goal = await store.get("user_msg_str", default=None)
    run = list(await store.get("scratchpad", default=None) or [])
    if run and any(isinstance(block, ToolCallBlock) for block in run[-1].blocks):
        run.pop()  # the very reply that calls: its other calls have no results yet
    asked = [{"role": "user", "content": goal}] if isinstance(goal, str) and goal else []
    return [*asked, *as_chat(run)]
