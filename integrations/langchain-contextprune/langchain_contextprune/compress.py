"""What is sent of a conversation, and what becomes of a result as it arrives: what every door asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import contextprune as cp
from langchain_core.messages import AIMessage, AnyMessage, BaseMessage, ToolMessage

from langchain_contextprune.messages import read
from langchain_contextprune.metadata import kept_under, model_of, shortened


class Arrived(NamedTuple):
    """A tool's result as it is kept from now on, and whether old blocks were decided anew as it came.

    That is decided once, so the request that sends the result does not tell it again.
    """

    message: ToolMessage
    epoch: bool = False


@dataclass(frozen=True, slots=True)
class View:
    """What is sent of a conversation, and the report on it. What does not change is the caller's own message."""

    messages: list[AnyMessage]
    report: cp.Report


def view(
    pruner: cp.Pruner,
    messages: Sequence[BaseMessage],
    *,
    model: str = "",
    thinking: Mapping[str, Any] | None = None,
    pastes: int | None = None,
    from_start: bool = False,
    cold: bool = False,
) -> View:
    """Decide what is new in a conversation, and send the rest as it was sent. Raises ContextPruneError.

    model, thinking, pastes, from_start   as `read` takes them
    cold                                  the provider's cache has expired since the last request
    """
    get = pruner.store.get
    reading = read(messages, get, model=model, thinking=thinking, pastes=pastes, from_start=from_start)
    out = cp.compress(reading.payload, pruner=pruner, format="anthropic", cold=cold)
    return View(reading.written(out.payload), out.report)


def arrive(
    pruner: cp.Pruner,
    history: Sequence[BaseMessage],
    result: ToolMessage,
    *,
    model: str | None = None,
    pastes: int | None = None,
    from_start: bool = False,
) -> Arrived:
    """A tool's result as it is kept and sent from now on, decided from the `history` that called for it.

    `model` is that of the last request unless it is given. The caller's message is never changed; where nothing goes it
    comes back itself. Raises ContextPruneError.
    """
    if not result.content:
        return Arrived(result)
    model = model_of(history) if model is None else model
    seen = view(pruner, [*history, result], model=model, pastes=pastes, from_start=from_start)
    return Arrived(noted(pruner, result, seen.messages[-1].content), seen.report.epoch)


def settled(pruner: cp.Pruner, before: Sequence[BaseMessage], after: Sequence[BaseMessage]) -> list[ToolMessage]:
    """Results since the last reply that are sent otherwise than they were kept, as they are sent.

    Results that arrive at the same time do not know of one another; the request that sends them all does.
    """
    found = []
    for old, new in zip(reversed(before), reversed(after), strict=True):
        if isinstance(old, AIMessage):
            break
        if new is not old and isinstance(old, ToolMessage):
            found.append(noted(pruner, old, new.content))
    return found[::-1]


def noted(pruner: cp.Pruner, result: ToolMessage, content: Any) -> ToolMessage:
    """`result` with a new content, and with the note of where its originals are kept."""
    if content == result.content:
        return result
    known = {i: pruner.store.get(key) for i, key in kept_under(result).items()}
    keys, before, after = {}, 0, 0
    for i, (text, new) in enumerate(zip(_texts(result.content), _texts(content), strict=True)):
        old = known.get(i) or text
        if old is not None and new is not None and old != new:
            keys[i] = pruner.store.key(old)
            before, after = before + pruner.counter(old), after + pruner.counter(new)
    return shortened(result, content, keys, before, after)


def _texts(content: str | list[str | dict[str, Any]]) -> list[str | None]:
    """The text of each part of a result's content; None where it has none."""
    if isinstance(content, str):
        return [content]
    return [part if isinstance(part, str) else _text(part) for part in content]


def _text(part: Mapping[str, Any]) -> str | None:
    text = part.get("text") if part.get("type") == "text" else None
    return text if isinstance(text, str) else None
