"""Tools whose results are shortened as they arrive: before the model, the memory and the provider's cache see them.

That is the one place inside a run: a memory is asked only at its beginning. What the model has been sent is never
changed afterwards, so its cache and signed reasoning stay valid.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from llama_index.core.instrumentation import get_dispatcher
from llama_index.core.tools import AsyncBaseTool, BaseTool, FunctionTool, ToolOutput, adapt_to_async_tool

import contextprune as cp
from llama_index.postprocessor.contextprune.blocks import put_back, result_parts
from llama_index.postprocessor.contextprune.engine import agents_pruner
from llama_index.postprocessor.contextprune.events import ContextPruneToolEvent
from llama_index.postprocessor.contextprune.failures import TellsFailures
from llama_index.postprocessor.contextprune.messages import RECALL, Chat, arrived
from llama_index.postprocessor.contextprune.persons import is_persons
from llama_index.postprocessor.contextprune.recall import recall_tool
from llama_index.postprocessor.contextprune.runs import Run, read_run

dispatcher = get_dispatcher(__name__)
_log = logging.getLogger(__name__)

_CONTEXT = "contextprune_context"
_LEAST = 400  # characters; the message of a shorter error is not looked at


def prune_tools(
    tools: Sequence[BaseTool | Callable[..., Any]],
    pruner: cp.Pruner | None = None,
    *,
    recall: bool = True,
    at_once: int | None = None,
) -> list[BaseTool | Callable[..., Any]]:
    """Wrap tools so that their results arrive shortened, and add one that gives back what was taken out of them.

    They are all of LlamaIndex's `BaseTool`; the type is the one that its agents ask for.

    Args:
        tools: Functions, and tools of any class.
        pruner: How to shorten; `cp.Policy(exclude_tools=...)` and its rules go by the tools' names. One from the
            settings where none is given.
        recall: False leaves the recall tool out. Without a pruner of your own markers then name no keys, and no result
            points to an earlier one.
        at_once: The most tokens that results of parallel calls may keep, all of them together.

    Raises:
        SettingsError: `at_once` is below 1.
    """
    own = pruner or agents_pruner(hints=recall, references=recall)
    wrapped = [prune_tool(tool, own, at_once=at_once) for tool in tools]
    has_one = any(tool.metadata.name == RECALL for tool in wrapped)
    return [*wrapped, recall_tool(own)] if recall and not has_one else [*wrapped]


def prune_tool(
    tool: BaseTool | Callable[..., Any], pruner: cp.Pruner | None = None, *, at_once: int | None = None
) -> BaseTool:
    """Wrap a tool so that its results arrive shortened.

    What is returned to the user as it is (`return_direct`), what is wrapped already and the recall tool come back as
    they are.

    Args:
        tool: A function, or a tool of any class.
        pruner: How to shorten; one from the settings where none is given.
        at_once: As `prune_tools` takes it.

    Raises:
        SettingsError: `at_once` is below 1.
    """
    own = tool if isinstance(tool, BaseTool) else FunctionTool.from_defaults(tool)
    if isinstance(own, PrunedTool) or own.metadata.return_direct or (own.metadata.name or "").endswith(RECALL):
        return own
    return PrunedTool(own, pruner or agents_pruner(), at_once=at_once)


class PrunedTool(TellsFailures, FunctionTool):
    """A tool whose results arrive shortened; name, description and schema are its own.

    The agent passes its context along, as it does to any tool that wants one, so that the question of the user and
    what earlier tools of the run returned are known. `raw_output` and whatever is no text stay as they are. Where
    something fails the result arrives as it is; `failures` counts that, and `reason` says why.

    Args:
        tool: The tool.
        pruner: How to shorten.
        at_once: The most tokens that results of parallel calls may keep together.

    Raises:
        SettingsError: `at_once` is below 1.
    """

    def __init__(self, tool: BaseTool, pruner: cp.Pruner, *, at_once: int | None = None) -> None:
        if at_once is not None and at_once < 1:
            raise cp.SettingsError(f"at_once is a number of tokens above 0, not {at_once}")
        real = tool.real_fn if isinstance(tool, FunctionTool) else tool.__call__
        super().__init__(fn=real, metadata=tool.metadata)
        self.tool: AsyncBaseTool = adapt_to_async_tool(tool)
        self.pruner = pruner
        self.at_once = at_once
        self._fail_open = cp.FailOpen(_log)
        self._passes_context = isinstance(tool, FunctionTool) and tool.requires_context
        self._context = (tool.ctx_param_name if isinstance(tool, FunctionTool) else None) or _CONTEXT
        self.requires_context, self.ctx_param_name = True, self._context

    def __call__(self, *args: Any, **kwargs: Any) -> ToolOutput:
        """Call the tool and shorten its result."""
        return self.call(*args, **kwargs)

    def call(self, *args: Any, **kwargs: Any) -> ToolOutput:
        """Call the tool and shorten its result, without what the agent knows: that is read asynchronously."""
        output = self.tool.call(*args, **self._own(kwargs))
        return self._arrived(output, self._asked(args, kwargs), Run())

    async def acall(self, *args: Any, **kwargs: Any) -> ToolOutput:
        """Call the tool and shorten its result, the model in a thread of its own.

        The message of an exception that an agent would show to its model is shortened as well.
        """
        context = kwargs.get(self._context)
        asked = self._asked(args, kwargs)
        try:
            output = await self.tool.acall(*args, **self._own(kwargs))
        except Exception as exc:
            if context is None or len(str(exc)) < _LEAST:
                raise
            output = self._failed(exc, asked)
        run = Run() if context is None else await self._run(context)
        return await asyncio.to_thread(self._arrived, output, asked, run)

    async def _run(self, context: Any) -> Run:
        """What the agent's context tells of the run; nothing, where it cannot be read."""
        try:
            return await read_run(context)
        except Exception as exc:  # noqa: BLE001 - agents of somebody's own keep other things there
            return self._fail_open("a result is decided without what went before it", partial(_raise, exc), Run())

    def _own(self, kwargs: dict[str, Any]) -> dict[str, Any]:
        """The arguments that the tool itself wants."""
        return kwargs if self._passes_context else self._from_model(kwargs)

    def _from_model(self, kwargs: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in kwargs.items() if name != self._context}

    def _asked(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """The arguments that the model gave."""
        named = self._from_model(kwargs)
        return {"args": list(args), **named} if args else named

    def _failed(self, exc: Exception, asked: dict[str, Any]) -> ToolOutput:
        """The output that an agent makes of an exception."""
        return ToolOutput(
            content=str(exc),
            tool_name=self.metadata.get_name(),
            raw_input=asked,
            raw_output=str(exc),
            is_error=True,
            exception=exc,
        )

    def _arrived(self, output: ToolOutput, asked: dict[str, Any], run: Run) -> ToolOutput:
        as_it_is = _Arrived(output)
        name, failures = self.metadata.get_name(), self._fail_open.count
        outcome = f"a result of {name} is left as it is"
        done = self._fail_open(outcome, lambda: self._shortened(output, asked, run), as_it_is)
        reason = self._fail_open.reason if self._fail_open.count > failures else ""
        event = ContextPruneToolEvent(tool=name, before=done.before, after=done.after, failed=reason)
        self._fail_open("no event is sent", lambda: dispatcher.event(event), None)
        return done.output

    def _shortened(self, output: ToolOutput, asked: dict[str, Any], run: Run) -> _Arrived:
        parts = result_parts(output.blocks)
        if not any(part.get("text") for part in parts) or is_persons(output.content):
            return _Arrived(output)
        history, key = run.asking(self.metadata.get_name(), asked)
        result: Chat = {"role": "tool", "tool_call_id": key, "content": parts}
        if output.is_error:
            result["is_error"] = True
        sent = arrived(history, result, self.pruner)
        if self.at_once is not None:
            sent = self._fitted(history, result, sent, max(1, self.at_once // max(1, run.calls)))

        tokens = self._tokens(result), self._tokens(sent)
        if sent is result:
            return _Arrived(output, *tokens)
        blocks = put_back(output.blocks, sent["content"])
        return _Arrived(output.model_copy(update={"blocks": blocks}), *tokens)

    def _fitted(self, history: Sequence[Chat], result: Chat, sent: Chat, most: int) -> Chat:
        """Fit a result under its share; lines that tell of failures stay, also where they are more."""
        if self._tokens(sent) <= most:
            return sent
        call = next((message for message in reversed(history) if "tool_calls" in message), None)
        goal = next((message for message in reversed(history) if message["role"] == "user"), None)
        shown = [message for message in (goal, call, result) if message is not None]
        report = cp.compress(shown, cp.Budget(ratio=1.0), pruner=self.pruner).report
        beside = report.before - report.by_kind.get(cp.Kind.TOOL_RESULT, (0, 0))[0]
        try:
            fitted: Chat = cp.compress(shown, cp.Budget(tokens=most + beside), pruner=self.pruner).payload[-1]
        except cp.BudgetError:
            return sent
        return fitted

    def _tokens(self, message: Chat) -> int:
        return sum(self.pruner.counter(part["text"]) for part in message["content"] if part["type"] == "text")


def _raise(exc: Exception) -> Run:
    raise exc


@dataclass(frozen=True, slots=True)
class _Arrived:
    """A result as it arrives, and the tokens of its texts before and after; both 0 where nothing was decided."""

    output: ToolOutput
    before: int = 0
    after: int = 0
