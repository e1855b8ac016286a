"""Whatever else clears or trims what is sent: where it is at work, no result may point to an older one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from langchain.agents.middleware import ContextEditingMiddleware
from langchain.agents.middleware.types import AgentMiddleware, ModelRequest
from langchain_core.messages import BaseMessage, ToolMessage

from langchain_contextprune.figures import Sent

_SETTINGS = ("context_management", "truncation")
"""Names under which a request asks its provider to clear or drop what is old."""
_OF_CALLS = ("extra_body", "model_kwargs")
_DEEPEST = 64  # functions around functions


def is_edited_by_provider(request: ModelRequest[Any]) -> bool:
    """Tell whether a request asks the provider to clear old results, as a setting of the call or of the model."""
    model = request.model
    return _asks(request.model_settings) or _asks(
        {name: getattr(model, name, None) for name in (*_SETTINGS, *_OF_CALLS)}
    )


def is_edited_on_the_way(handed_on: Sequence[BaseMessage], sent: Sent | None) -> bool:
    """Tell whether a call went out with older results cleared or left out, or told its provider to clear them.

    Args:
        handed_on: The messages that ours handed on.
        sent: The call; None where that is not known.
    """
    if sent is None:
        return False
    shown = {message.tool_call_id: message for message in sent.messages if isinstance(message, ToolMessage)}
    results = [message for message in handed_on if isinstance(message, ToolMessage)]
    return _asks(sent.settings) or any(_is_cleared(message, shown.get(message.tool_call_id)) for message in results)


def _is_cleared(message: ToolMessage, shown: ToolMessage | None) -> bool:
    """Whether a result went, or most of it: a mark for the cache or a redacted name is neither."""
    return shown is None or 2 * len(shown.text) < len(message.text)


def _asks(settings: Mapping[str, Any]) -> bool:
    holders = (settings, *(settings.get(name) for name in _OF_CALLS))
    return any(
        holder.get(name) not in (None, False, "disabled")
        for holder in holders
        if isinstance(holder, Mapping)
        for name in _SETTINGS
    )


def is_edited_behind(handler: Any) -> bool:
    """Tell whether a middleware that clears results stands behind ours, as far as its wrappers can be looked into."""
    return any(isinstance(middleware, ContextEditingMiddleware) for middleware in _behind(handler))


def _behind(handler: Any) -> Iterator[AgentMiddleware[Any, Any, Any]]:
    """Find the middleware that a handler calls: LangChain composes them of functions that close over one another."""
    pending: list[tuple[Any, int]] = [(handler, 0)]
    visited: set[int] = set()
    while pending:
        function, depth = pending.pop()
        if id(function) in visited or depth > _DEEPEST:
            continue
        visited.add(id(function))
        owner = getattr(function, "__self__", None)
        if isinstance(owner, AgentMiddleware):
            yield owner
            continue
        pending += [(inner, depth + 1) for inner in _inner(function)]


def _inner(function: Any) -> Sequence[Any]:
    wrapped = getattr(function, "__wrapped__", None)
    cells = getattr(function, "__closure__", None) or ()
    values = [] if wrapped is None else [wrapped]
    for cell in cells:
        try:
            values.append(cell.cell_contents)
        except ValueError:  # a cell that is empty yet
            continue
    return [value for value in values if callable(value)]
