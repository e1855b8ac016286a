"""Results that are a person's words: an answer to an interrupt, which a tool or a middleware hands on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from langchain_core.messages import ToolMessage

_SCRATCHPAD = "__pregel_scratchpad"  # where LangGraph keeps what a resumed task was answered
_DEEPEST = 8


def is_persons(message: ToolMessage, config: Any) -> bool:
    """Tell whether most of a result is what a person answered while its call was interrupted.

    Args:
        message: The result.
        config: The configuration of the task that ran the call; anything else knows of no answers.
    """
    configurable = config.get("configurable") if isinstance(config, Mapping) else None
    scratchpad = configurable.get(_SCRATCHPAD) if isinstance(configurable, Mapping) else None
    answers = getattr(scratchpad, "resume", None)
    if not isinstance(answers, list) or not answers:
        return False
    text = message.text
    return any(2 * len(said) >= len(text) and said in text for said in _texts(answers, _DEEPEST) if said)


def _texts(value: Any, depth: int) -> Iterator[str]:
    """All texts in an answer."""
    if isinstance(value, str):
        yield value
    elif depth and isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner, depth - 1)
    elif depth and isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner, depth - 1)
