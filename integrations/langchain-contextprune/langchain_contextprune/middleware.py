"""The middleware for `create_agent`: results are shortened as they arrive, and what was sent is sent again as it was.

A result is shortened before the graph ever holds it, so checkpoint, history and the provider's cache have one text.
What cannot be settled there (documents in a person's message, epochs) is a view of each request that only ever grows.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Annotated, Any, NotRequired

import contextprune as cp
from langchain.agents.middleware.types import (
    AgentMiddleware,
    AgentState,
    ExtendedModelResponse,
    ModelRequest,
    ModelResponse,
    PrivateStateAttr,
    ToolCallRequest,
)
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.tools import BaseTool
from langgraph.types import Command

from langchain_contextprune.compress import View, arrive, settled, view
from langchain_contextprune.counters import STATE, Savings
from langchain_contextprune.metadata import answered
from langchain_contextprune.recall_tool import NAME, ContextPruneRecall
from langchain_contextprune.tool_results import ToolResult, each_result, messages_of

_log = logging.getLogger(__name__)


def _policy_of_traces() -> Any:
    """Leave messages out of the hooks' own spans, where this version of LangChain can; the model's span has them."""
    try:
        from langchain.agents.middleware.types import TracePolicy, omit_payload  # noqa: PLC0415 - came within 1.4
    except ImportError:
        return None
    return TracePolicy(process_inputs=omit_payload)


class PruneState(AgentState[Any]):
    """An agent's state with the counters; they are kept in checkpoints and are no part of input or output."""

    contextprune: NotRequired[Annotated[dict[str, float], PrivateStateAttr]]


@dataclass(frozen=True, slots=True)
class _Sent:
    """A request as it goes out.

    view      None where something failed and it goes out as it came
    settled   results that the state holds otherwise than they are sent
    """

    request: ModelRequest[Any]
    model: str
    view: View | None
    settled: tuple[ToolMessage, ...] = ()


class ContextPruneMiddleware(AgentMiddleware[AgentState[Any], Any, Any]):
    """Shortens what an agent carries, and gives the model a tool to read what was taken out.

    pruner          a `contextprune.Pruner` of your own; or else
    policy          a `contextprune.Policy` of your own: tools to leave alone, the recall asked for, the window
    on_arrival      whether results are shortened before the graph holds them; otherwise only what is sent is short
    recall_tool     whether the model gets the tool `contextprune_recall`; without it markers name no keys
    pastes          characters from which on fenced or tagged blocks and long parts of a person's message are treated
                    as documents; None: a person's words are left alone, and only real document blocks are shortened
    cache_seconds   after a pause that is longer the provider's cache has expired, so that old blocks may be decided
                    anew for nothing; None: never assumed

    Raises ValueError where both a pruner and a policy are given.
    """

    state_schema: type[AgentState[Any]] = PruneState
    trace_policy = _policy_of_traces()

    def __init__(
        self,
        pruner: cp.Pruner | None = None,
        *,
        policy: cp.Policy | None = None,
        on_arrival: bool = True,
        recall_tool: bool = True,
        pastes: int | None = None,
        cache_seconds: float | None = None,
    ) -> None:
        super().__init__()
        if pruner is not None and policy is not None:
            raise ValueError("give a pruner or a policy: a pruner has its own (Pruner(policy=...))")
        self.pruner = pruner or cp.Pruner(policy, hints=recall_tool)
        self.tools: Sequence[BaseTool] = [ContextPruneRecall(pruner=self.pruner)] if recall_tool else []
        self._on_arrival, self._pastes, self._cache_seconds = on_arrival, pastes, cache_seconds
        self._begun: set[str] = set()  # calls whose results began an epoch, until the request counts it

    def wrap_tool_call(self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], ToolResult]) -> ToolResult:
        """Run the tool and shorten what it returns."""
        return self._arrived(request, handler(request))

    async def awrap_tool_call(
        self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], Awaitable[ToolResult]]
    ) -> ToolResult:
        """As `wrap_tool_call`; the work is done in a thread."""
        return await asyncio.to_thread(self._arrived, request, await handler(request))

    def wrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], ModelResponse[Any]]
    ) -> ExtendedModelResponse[Any]:
        """Send the conversation as it was sent before, and what is new in it shortened."""
        sent = self._sent(request)
        return self._answered(sent, handler(sent.request))

    async def awrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]]
    ) -> ExtendedModelResponse[Any]:
        """As `wrap_model_call`; the work is done in a thread."""
        sent = await asyncio.to_thread(self._sent, request)
        return self._answered(sent, await handler(sent.request))

    def _arrived(self, request: ToolCallRequest, result: ToolResult) -> ToolResult:
        if not self._on_arrival:
            return result
        history = messages_of(request.state)
        return each_result(result, request.tool_call["id"], lambda message: self._shortened(history, message))

    def _shortened(self, history: Sequence[BaseMessage], message: ToolMessage) -> ToolMessage:
        try:
            arrived = arrive(self.pruner, history, message, pastes=self._pastes)
        except cp.ContextPruneError:  # an agent must not stop because a disk is full
            _log.warning("a result of %s is left as it is", message.name or "a tool", exc_info=True)
            return message
        if arrived.epoch:
            self._begun.add(message.tool_call_id)
        return arrived.message

    def _sent(self, request: ModelRequest[Any]) -> _Sent:
        model, thinking = _name_of(request.model), _thinking_of(request)
        try:
            seen = view(
                self.pruner,
                request.messages,
                model=model,
                thinking=thinking,
                pastes=self._pastes,
                cold=self._is_cold(request.state),
            )
        except cp.ContextPruneError:
            _log.warning("a request goes out as it is", exc_info=True)
            return _Sent(request, model, None)
        if all(new is old for new, old in zip(seen.messages, request.messages, strict=True)):
            return _Sent(request, model, seen)
        return _Sent(request.override(messages=seen.messages), model, seen, self._settled(request, seen))

    def _settled(self, request: ModelRequest[Any], seen: View) -> tuple[ToolMessage, ...]:
        """New results to put into the state as they are sent; not those that another middleware shows otherwise."""
        if not self._on_arrival:
            return ()
        held = {id(message) for message in messages_of(request.state)}
        before = [message if id(message) in held else AIMessage("") for message in request.messages]
        return tuple(message for message in settled(self.pruner, before, seen.messages) if message.id)

    def _is_cold(self, state: Mapping[str, Any]) -> bool:
        last = Savings.of(state).last
        return self._cache_seconds is not None and 0 < last < time.time() - self._cache_seconds

    def _answered(self, sent: _Sent, response: ModelResponse[Any] | AIMessage) -> ExtendedModelResponse[Any]:
        """The reply with our stamp, and the counters."""
        whole = ModelResponse(result=[response]) if isinstance(response, AIMessage) else response
        result = [answered(reply, sent.model) if isinstance(reply, AIMessage) else reply for reply in whole.result]
        update: dict[str, Any] = {STATE: self._counted(sent).as_state()}
        if sent.settled:
            update["messages"] = list(sent.settled)  # the same ids: they take the place of what stands there
        return ExtendedModelResponse(replace(whole, result=result), Command(update=update))

    def _counted(self, sent: _Sent) -> Savings:
        past, report = Savings.of(sent.request.state), sent.view and sent.view.report
        new = _newest(sent.request.messages)
        begun = {message.tool_call_id for message in new} & self._begun
        self._begun -= begun
        return Savings(
            requests=past.requests + 1,
            before=past.before + (report.before if report else 0),
            after=past.after + (report.after if report else 0),
            epochs=past.epochs + bool((report and report.epoch) or (begun and len(new) == 1)),
            recalls=past.recalls + sum(message.name == NAME for message in new),
            failures=past.failures + (report is None),
            last=time.time(),
        )


def _newest(messages: Sequence[BaseMessage]) -> list[ToolMessage]:
    """The results since the last reply."""
    since = takewhile(lambda message: not isinstance(message, AIMessage), reversed(messages))
    return [message for message in since if isinstance(message, ToolMessage)]


def _name_of(model: Any) -> str:
    """The model's name, as its class keeps it; "" where it has none."""
    names = (getattr(model, key, None) for key in ("model_name", "model", "model_id"))
    return next((name for name in names if isinstance(name, str) and name), "")


def _thinking_of(request: ModelRequest[Any]) -> Mapping[str, Any] | None:
    """How the request wants the model to think: it may allow reasoning to be dropped that no longer fits."""
    asked = request.model_settings.get("thinking") or getattr(request.model, "thinking", None)
    return asked if isinstance(asked, Mapping) else None
