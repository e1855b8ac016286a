"""The results in what a tool's call may return: a message, a Command whose update holds messages, or a list of both."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeAlias, TypeVar, cast

from langchain_core.messages import BaseMessage, ToolMessage
from langgraph.types import Command

T = TypeVar("T")
Change = Callable[[ToolMessage], ToolMessage]
ToolResult: TypeAlias = "ToolMessage | Command[Any]"


def messages_of(state: Any, key: str = "messages") -> list[BaseMessage]:
    """The messages of a graph's state: a list of them, a mapping, or an object with the attribute."""
    held = state
    if not isinstance(state, list):
        held = state.get(key) if isinstance(state, Mapping) else getattr(state, key, None)
    return [message for message in held or () if isinstance(message, BaseMessage)]


def each_result(result: T, call: str | None, change: Change) -> T:
    """`result` with `change` made to each message that answers `call`; what does not change is the same object."""
    return cast("T", _changed(result, call, change))


def _changed(result: Any, call: str | None, change: Change) -> Any:
    if isinstance(result, ToolMessage):
        return change(result) if result.tool_call_id == call else result
    if isinstance(result, list):
        return _same(result, [_changed(item, call, change) for item in result])
    if isinstance(result, Command):
        update = _updated(result.update, call, change)
        return result if update is result.update else replace(result, update=update)
    return result


def _updated(update: Any, call: str | None, change: Change) -> Any:
    """A Command's update: a mapping, pairs of a key and a value, or bare messages. Objects are left alone."""
    if isinstance(update, Mapping):
        new = {key: _changed(value, call, change) for key, value in update.items()}
        return update if all(new[key] is update[key] for key in new) else new
    if isinstance(update, list | tuple) and all(isinstance(item, tuple) and len(item) == 2 for item in update):
        pairs = [(key, _changed(value, call, change)) for key, value in update]
        return update if all(new[1] is old[1] for new, old in zip(pairs, update, strict=True)) else pairs
    return _changed(update, call, change)


def _same(old: list[Any], new: list[Any]) -> list[Any]:
    return old if all(a is b for a, b in zip(old, new, strict=True)) else new
