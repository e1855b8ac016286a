"""The middleware for `create_agent`: results are shortened as they arrive, and what was sent is sent again as it was.

A result is shortened before the graph ever holds it, so checkpoint, history and the provider's cache have one text.
What cannot be settled there (documents in a person's message, epochs) is a view of each request that only ever grows.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
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

from langchain_contextprune.compress import View, arrive, by_itself, view
from langchain_contextprune.counters import STATE, Savings
from langchain_contextprune.editors import is_edited_behind, is_edited_by_provider, is_edited_on_the_way
from langchain_contextprune.engines import DEADLINE, built
from langchain_contextprune.figures import Witness, cleared, in_metadata, streamed
from langchain_contextprune.messages import LEAST
from langchain_contextprune.metadata import answered, arrived, was_alone
from langchain_contextprune.outgoing import Outgoing, model_name, name_of_reply, newest, takes_tools, thinking_of
from langchain_contextprune.persons import is_persons
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

    contextprune: NotRequired[Annotated[dict[str, Any], PrivateStateAttr]]


class ContextPruneMiddleware(AgentMiddleware[AgentState[Any], Any, Any]):
    """Shortens what an agent carries, and gives the model a tool to read what was taken out.

    Nothing that fails in it ends a run: what could not be shortened goes through as it is, which is counted and logged.

    Args:
        pruner: A `contextprune.Pruner` of your own; or else
        policy: A `contextprune.Policy` of your own: tools to leave alone, the recall asked for, the window.
        on_arrival: Whether results are shortened before the graph holds them; otherwise only what is sent is short.
        recall_tool: Whether the model gets the tool `contextprune_recall`; without it markers name no keys.
        pastes: Characters from which on fenced or tagged blocks and long parts of a person's message are treated as
            documents; None: a person's words are left alone, and only real document blocks are shortened.
        cache_seconds: After a pause that is longer the provider's cache has expired, so that old blocks may be decided
            anew for nothing; None: never assumed.
        at_once: The most tokens that results which come together (of parallel calls) may keep, all of them; lines that
            tell of failures come first. None: each result is decided by itself.
        deadline: Seconds that a scorer's model may take for one result; what it does not score in time is scored by
            words, which the log says once. None: any. A pruner of your own has its own (`Pruner(deadline=...)`).
        events: Whether the figures of each request are written to `stream_mode="custom"` as `{"contextprune": {...}}`.

    Raises:
        ValueError: Both a pruner and a policy are given, or `at_once` without `on_arrival`.
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
        at_once: int | None = None,
        events: bool = False,
        deadline: float | None = DEADLINE,
    ) -> None:
        super().__init__()
        if pruner is not None and policy is not None:
            raise ValueError("give a pruner or a policy: a pruner has its own (Pruner(policy=...))")
        if at_once is not None and (not on_arrival or at_once < 1):
            raise ValueError("at_once is a number of tokens above 0, and the state must hold what is sent (on_arrival)")
        self.pruner = pruner or built(policy, hints=recall_tool, deadline=deadline)
        self.tools: Sequence[BaseTool] = [ContextPruneRecall(pruner=self.pruner)] if recall_tool else []
        self._by_itself = by_itself(self.pruner)
        self._on_arrival, self._pastes, self._cache_seconds = on_arrival, pastes, cache_seconds
        self._at_once, self._events = at_once, events
        self._fail_open = cp.FailOpen(_log)
        self._begun: set[str] = set()  # calls whose results began an epoch, until the request counts it
        self._failed: dict[str, str] = {}  # calls whose results stay as they are -> the reason, likewise

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
        sent = self._sent(request, handler)
        witness = Witness()
        with in_metadata(self._told(sent), witness):
            response = handler(sent.request)
        return self._answered(sent, response, witness)

    async def awrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]]
    ) -> ExtendedModelResponse[Any]:
        """As `wrap_model_call`; the work is done in a thread."""
        sent = await asyncio.to_thread(self._sent, request, handler)
        witness = Witness()
        with in_metadata(self._told(sent), witness):
            response = await handler(sent.request)
        return self._answered(sent, response, witness)

    def _arrived(self, request: ToolCallRequest, result: ToolResult) -> ToolResult:
        if getattr(request.tool, "return_direct", False):
            return result  # for a person
        history, config = messages_of(request.state), getattr(request.runtime, "config", None)

        def change(message: ToolMessage) -> ToolMessage:
            if is_persons(message, config) or (isinstance(message.content, str) and len(message.content) < LEAST):
                return message
            return self._shortened(history, arrived(message))

        work = lambda: each_result(result, request.tool_call["id"], change)  # noqa: E731 - one line
        return self._fail_open("a tool's result is left as it is", work, result)

    def _shortened(self, history: Sequence[BaseMessage], message: ToolMessage) -> ToolMessage:
        if not self._on_arrival:
            return message
        pruner = self._by_itself if was_alone(history) else self.pruner
        failures = self._fail_open.count
        outcome = f"a result of {message.name or 'a tool'} is left as it is"
        short = self._fail_open(outcome, lambda: arrive(pruner, history, message, pastes=self._pastes), None)
        if short is None:
            if self._fail_open.count > failures:
                self._failed[message.tool_call_id] = self._fail_open.reason
            return message
        if short.epoch:
            self._begun.add(message.tool_call_id)
        return short.message

    def _sent(self, request: ModelRequest[Any], handler: Any) -> Outgoing:
        as_it_is = Outgoing(request, "", None)
        return self._fail_open("a request goes out as it is", lambda: self._decided(request, handler), as_it_is)

    def _decided(self, request: ModelRequest[Any], handler: Any) -> Outgoing:
        alone = self._is_alone(request, handler)
        model = model_name(request.model)
        seen = view(
            self._by_itself if alone else self.pruner,
            request.messages,
            model=model,
            thinking=thinking_of(request),
            pastes=self._pastes,
            cold=self._is_cold(request.state),
            at_once=self._at_once,
        )
        if any(new is not old for new, old in zip(seen.messages, request.messages, strict=True)):
            request = request.override(messages=seen.messages)
        settled = self._settled(request, seen)
        return Outgoing(self._with_tool(request), model, seen, alone, settled)

    def _is_alone(self, request: ModelRequest[Any], handler: Any) -> bool:
        """Tell whether something clears old results; once it did, it is taken to go on."""
        return was_alone(request.messages) or is_edited_by_provider(request) or is_edited_behind(handler)

    def _settled(self, request: ModelRequest[Any], seen: View) -> tuple[ToolMessage, ...]:
        """New results to put into the state as they are sent; not those that another middleware shows otherwise."""
        if not self._on_arrival:
            return ()
        held = {message.id: message for message in messages_of(request.state) if isinstance(message, ToolMessage)}
        return tuple(message for message in seen.settled if message.id and message.id in held)

    def _with_tool(self, request: ModelRequest[Any]) -> ModelRequest[Any]:
        """The request with our tool, where a middleware has dropped it though the messages name keys.

        Without it, where it is the only one and the model takes no tools.
        """
        names = [getattr(tool, "name", None) for tool in request.tools]
        if names == [NAME] and not takes_tools(request.model):
            return request.override(tools=[])
        if not self.tools or NAME in names:
            return request
        named = any("recall=" in message.text for message in request.messages if isinstance(message, ToolMessage))
        return request.override(tools=[*self.tools, *request.tools]) if named else request

    def _is_cold(self, state: Mapping[str, Any]) -> bool:
        last = Savings.of(state).last
        return self._cache_seconds is not None and 0 < last < time.time() - self._cache_seconds

    def _told(self, sent: Outgoing) -> dict[str, Any]:
        """The figures of a request, for traces; also written to the stream, where that is asked for."""
        before, after = sent.tokens
        figures = {"contextprune_tokens_before": before, "contextprune_tokens_after": after}
        if sent.view is None:
            figures["contextprune_failed"] = True
        if self._events:
            event = {"before": before, "after": after, "failed": sent.view is None}
            self._fail_open("no event is written", lambda: streamed(sent.request.runtime, event), None)
        return figures

    def _answered(
        self, sent: Outgoing, response: ModelResponse[Any] | AIMessage, witness: Witness
    ) -> ExtendedModelResponse[Any]:
        """The reply with our stamp, then the results as they were sent, and the counters."""
        whole = ModelResponse(result=[response]) if isinstance(response, AIMessage) else response
        call = witness.sent_for(whole.result)
        model, handed_on = name_of_reply(sent.model, call), sent.request.messages
        edited = lambda: is_edited_on_the_way(handed_on, witness.known_for(whole.result))  # noqa: E731 - one line
        alone = sent.alone or self._fail_open("results may point to older ones", edited, False)
        replies = [
            answered(reply, model, alone=alone) if isinstance(reply, AIMessage) else reply for reply in whole.result
        ]  # results have the ids of those in the state, and so take their place

        new = newest(handed_on)
        reasons = [reason for message in new if (reason := self._failed.pop(message.tool_call_id, ""))]
        reasons += [self._fail_open.reason] if sent.view is None else []
        begun = {message.tool_call_id for message in new} & self._begun
        self._begun -= begun
        gone = self._fail_open(
            "tokens are counted as they were handed on",
            lambda: cleared(self.pruner.counter, handed_on, call),
            0,
        )
        savings = sent.counted(reasons, begun=bool(begun) and len(new) == 1, cleared=gone)
        update = {STATE: savings.as_state()}
        return ExtendedModelResponse(replace(whole, result=[*replies, *sent.settled]), Command(update=update))
