"""Messages of a recorded session: their texts, the strings in their calls, their replies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from contextprune.text.later_use import leaves

Message: TypeAlias = Mapping[str, Any]


def text_of(message: Message) -> str:
    """Join the texts of a message's content, whatever its form."""
    content = message.get("content")
    if isinstance(content, list):
        return "\n".join(str(part.get("text", "")) for part in content)
    return str(content or "")


def readable_text(message: Message) -> str:
    """Join all that a model reads of a message: its content and arguments, with strings inside JSON unescaped."""
    arguments = _arguments(message)
    return "\n".join(
        [text_of(message), *map(str, arguments), *(leaf for argument in arguments for leaf in leaves(argument))]
    )


def action_strings(message: Message, *, calls: bool) -> list[str]:
    """List the texts of a message's actions: strings in tool arguments; its content in sessions without tool calls."""
    if message["role"] != "assistant":
        return []
    if not calls:
        return [text_of(message)]
    return [leaf for argument in _arguments(message) for leaf in leaves(argument)]


def reply_texts(message: Message, *, calls: bool) -> list[str]:
    """List what the message tells the user, in sessions whose actions are calls."""
    if message["role"] != "assistant" or not calls or message.get("tool_calls"):
        return []
    return [text for text in (text_of(message),) if text]


def _arguments(message: Message) -> list[Any]:
    return [call["function"]["arguments"] for call in message.get("tool_calls") or ()]
