"""What the middleware writes into `response_metadata`, so that a later reader of a history knows what was sent of it.

Nothing of it reaches a model. It travels with the messages, through checkpoints and clients that hold the history.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any, TypeVar

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage

STAMP = "contextprune"

Message = TypeVar("Message", bound=BaseMessage)


def arrived(message: ToolMessage) -> ToolMessage:
    """Copy a result with the note that a tool made it, and no person or other middleware."""
    return message if came_from_tool(message) else _stamped(message, {**_note(message), "tool": True})


def came_from_tool(message: BaseMessage) -> bool:
    """Tell whether a result went through the middleware on its way from a tool."""
    return _note(message).get("tool") is True


def shortened(message: ToolMessage, content: Any, keys: Mapping[int, str], before: int, after: int) -> ToolMessage:
    """Copy `message` with the new `content`, and a note of where the originals of its parts are kept.

    Args:
        message: The result as it came.
        content: What it is to hold.
        keys: Index of a part of the new content (0 where that is a text) -> recall key.
        before: Tokens of what was shortened, as it came.
        after: The same, as it stands now.
    """
    note = {
        **_note(message),
        "shortened": True,
        "keys": {str(i): key for i, key in keys.items()},
        "before": before,
        "after": after,
        "seal": _seal(content),
    }
    return _stamped(message.model_copy(update={"content": content}), note)


def pinned(message: ToolMessage) -> ToolMessage:
    """Copy a result with the note that it stays just as it is: it was cut to fit beside others."""
    return _stamped(message, {**_note(message), "pinned": True, "seal": _seal(message.content)})


def is_pinned(message: BaseMessage) -> bool:
    """Tell whether a result stays as it is; one whose content has been replaced since is another one."""
    note = _note(message)
    return note.get("pinned") is True and note.get("seal") == _seal(message.content)


def kept_under(message: BaseMessage) -> dict[int, str]:
    """Find the recall key of each part that was shortened; none where the content is no longer what we made of it."""
    note = _note(message)
    if "keys" not in note or note.get("seal") != _seal(message.content):
        return {}  # another middleware has replaced or cleared it since
    return {int(i): key for i, key in note["keys"].items()}


def tokens_of(message: BaseMessage) -> tuple[int, int]:
    """Tokens before and after of what was shortened on arrival; (0, 0) where nothing was."""
    note = _note(message)
    return note.get("before", 0), note.get("after", 0)


def answered(message: AIMessage, model: str, *, alone: bool = False) -> AIMessage:
    """Copy a reply with the note that its request went through the middleware.

    Args:
        message: The reply.
        model: The model's name.
        alone: No result of the request was allowed to point to an older one.
    """
    return _stamped(message, {"model": model, **({"alone": True} if alone else {})})


def model_of(messages: Sequence[BaseMessage]) -> str:
    """Find the model's name of the last request that went through the middleware, or ""."""
    return str(_last_reply(messages).get("model", ""))


def was_alone(messages: Sequence[BaseMessage]) -> bool:
    """Tell whether results of the last request that went through the middleware stood by themselves."""
    return _last_reply(messages).get("alone") is True


def sent_before(messages: Sequence[BaseMessage]) -> int:
    """Count the messages that were sent before the middleware was there.

    They end with the last reply that has no stamp before the first one that has. A reply that somebody puts into a
    later place (a limit that was hit, a correction by a person) changes nothing.
    """
    replies = [i for i, message in enumerate(messages) if isinstance(message, AIMessage)]
    first = next((n for n, i in enumerate(replies) if "model" in _note(messages[i])), len(replies))
    return replies[first - 1] if first else 0


def _last_reply(messages: Sequence[BaseMessage]) -> Mapping[str, Any]:
    notes = (_note(message) for message in reversed(messages) if isinstance(message, AIMessage))
    return next((note for note in notes if "model" in note), {})


def _stamped(message: Message, note: Mapping[str, Any]) -> Message:
    return message.model_copy(update={"response_metadata": {**message.response_metadata, STAMP: dict(note)}})


def _note(message: BaseMessage) -> Mapping[str, Any]:
    note = message.response_metadata.get(STAMP)
    return note if isinstance(note, Mapping) else {}


def _seal(content: Any) -> str:
    text = json.dumps(content, sort_keys=True, default=str)
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
