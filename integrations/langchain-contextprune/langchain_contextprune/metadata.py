"""What the middleware writes into `response_metadata`, so that whoever reads a history later knows what was sent of it.

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


def shortened(message: ToolMessage, content: Any, keys: Mapping[int, str], before: int, after: int) -> ToolMessage:
    """A copy of `message` with the new `content`, and a note of where the originals of its parts are kept.

    keys            index of a part (0 where the content is a text) -> recall key
    before, after   tokens of what was shortened
    """
    note = {"keys": {str(i): key for i, key in keys.items()}, "before": before, "after": after, "seal": _seal(content)}
    return _stamped(message.model_copy(update={"content": content}), note)


def kept_under(message: BaseMessage) -> dict[int, str]:
    """The recall key of each part that was shortened; nothing where the content is no longer what we made of it."""
    note = _note(message)
    if "keys" not in note or note.get("seal") != _seal(message.content):
        return {}  # another middleware has replaced or cleared it since
    return {int(i): key for i, key in note["keys"].items()}


def tokens_of(message: BaseMessage) -> tuple[int, int]:
    """Tokens before and after of what was shortened on arrival; (0, 0) where nothing was."""
    note = _note(message)
    return note.get("before", 0), note.get("after", 0)


def answered(message: AIMessage, model: str) -> AIMessage:
    """A copy of a reply with the note that its request went through the middleware, and under which model's name."""
    return _stamped(message, {"model": model})


def model_of(messages: Sequence[BaseMessage]) -> str:
    """The model's name of the last request that went through the middleware, or ""."""
    notes = (_note(message) for message in reversed(messages) if isinstance(message, AIMessage))
    return next((str(note["model"]) for note in notes if "model" in note), "")


def sent_before(messages: Sequence[BaseMessage]) -> int:
    """How many of the messages were sent before the middleware was there.

    They end with the last reply that has no stamp before the first one that has. Whoever puts a reply of its own into
    a later place (a limit that was hit, a correction by a person) changes nothing.
    """
    replies = [i for i, message in enumerate(messages) if isinstance(message, AIMessage)]
    first = next((n for n, i in enumerate(replies) if "model" in _note(messages[i])), len(replies))
    return replies[first - 1] if first else 0


def _stamped(message: Message, note: Mapping[str, Any]) -> Message:
    return message.model_copy(update={"response_metadata": {**message.response_metadata, STAMP: dict(note)}})


def _note(message: BaseMessage) -> Mapping[str, Any]:
    note = message.response_metadata.get(STAMP)
    return note if isinstance(note, Mapping) else {}


def _seal(content: Any) -> str:
    text = json.dumps(content, sort_keys=True, default=str)
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
