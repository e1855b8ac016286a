"""LlamaIndex's chat messages as a Chat Completions history, and new text back into copies of their blocks.

Only the text of tools' results is ever replaced; ids, order, other blocks and `additional_kwargs` stay.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from llama_index.core.base.llms.types import ChatMessage, ContentBlock, ThinkingBlock, ToolCallBlock

import contextprune as cp
from llama_index.postprocessor.contextprune.blocks import put_back, result_parts, text_parts

Chat = dict[str, Any]

RECALL = "contextprune_recall"
"""The name by which contextprune knows what it gave back, which it never shortens again."""

_KEY = re.compile(r"\brecall=([a-z2-7]{12})\b")
_ROLES: Mapping[str, str] = {"chatbot": "assistant", "model": "assistant", "function": "tool"}


def as_chat(messages: Sequence[ChatMessage]) -> list[Chat]:
    """One chat message for each message: its texts as parts, its calls, and whether its reasoning is signed."""
    return [_as_chat(message) for message in messages]


def shortened(messages: Sequence[ChatMessage], pruner: cp.Pruner) -> list[ChatMessage]:
    """Shorten tools' results as on their arrival; what does not change is the caller's own object.

    A result over which the model reasoned with a signature in the same run stays as the model saw it then: a change
    would make the signature invalid.

    Raises:
        ContextPruneError: An original cannot be kept; a scorer of the user's raises what it likes.
    """
    history = as_chat(messages)
    sent = cp.compress(history, pruner=pruner).payload
    fixed = _reasoned_over(messages)
    out = []
    for i, message in enumerate(messages):
        if sent[i] is history[i] or i in fixed:
            out.append(message)
        else:
            out.append(message.model_copy(update={"blocks": put_back(message.blocks, sent[i]["content"])}))
    return out


def arrived(history: Sequence[Chat], result: Chat, pruner: cp.Pruner) -> Chat:
    """Decide how a result is sent, by the conversation that called for it.

    The history holds what was sent, so results in it are shortened ones. Their originals take their places where the
    engine then shortens them again just as they were sent, and where the new result is one of them: else a file that is
    read again would be another text each time.

    Args:
        history: The messages before the result, as they were sent.
        result: The result as it came.
        pruner: Whose store holds the originals.
    """
    texts = {part.get("text") for part in result["content"]}
    recalled = {call["id"] for message in history for call in message.get("tool_calls", ()) if _is_recall(call)}
    originals = {
        i: whole
        for i, message in enumerate(history)
        if message.get("tool_call_id") not in recalled and (whole := _original(message, pruner.store.get))
    }
    again = {i for i, whole in originals.items() if _texts(whole) & texts}
    while True:
        whole_history = [originals.get(i, message) for i, message in enumerate(history)]
        sent: list[Chat] = cp.compress([*whole_history, result], pruner=pruner).payload
        otherwise = [i for i in originals if i not in again and _texts(sent[i]) != _texts(history[i])]
        if not otherwise:
            return sent[-1]
        for i in otherwise:
            del originals[i]


def as_call(key: str, name: str, arguments: Any) -> Chat:
    """A tool call as the provider shows it."""
    text = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False, default=str)
    return {"id": key, "type": "function", "function": {"name": name, "arguments": text}}


def _is_recall(call: Chat) -> bool:
    return str(call["function"]["name"]).endswith(RECALL)


def _original(message: Chat, get: Callable[[str], str | None]) -> Chat | None:
    """A result as it came, where its text names an original that the store has; None for any other message."""
    if message["role"] != "tool":
        return None
    parts = [_whole(part, get) for part in message["content"]]
    return (
        None if all(a is b for a, b in zip(parts, message["content"], strict=True)) else {**message, "content": parts}
    )


def _whole(part: Chat, get: Callable[[str], str | None]) -> Chat:
    keys = dict.fromkeys(_KEY.findall(part.get("text", "")))
    original = next((text for key in keys if (text := get(key)) is not None), None)
    return part if original is None else {**part, "text": original}


def _texts(message: Chat) -> set[Any]:
    return {part["text"] for part in message["content"] if part["type"] == "text"}


def _as_chat(message: ChatMessage) -> Chat:
    role = _ROLES.get(message.role.value, message.role.value)
    if role == "tool":
        key = message.additional_kwargs.get("tool_call_id")
        return {"role": role, "tool_call_id": key, "content": result_parts(message.blocks)}
    chat: Chat = {"role": role, "content": text_parts(message.blocks)}
    calls = [*_calls(message)]
    if calls:
        chat["tool_calls"] = calls
    if any(_is_signed(block) for block in message.blocks):
        chat["thinking_blocks"] = [{"type": "thinking", "thinking": "", "signature": "signed"}]
    return chat


def _calls(message: ChatMessage) -> list[Chat]:
    """The calls of a reply: as blocks, or in the older form in `additional_kwargs`, as dictionaries or as objects."""
    blocks = [block for block in message.blocks if isinstance(block, ToolCallBlock)]
    if blocks:
        return [as_call(block.tool_call_id or "", block.tool_name, block.tool_kwargs) for block in blocks]
    calls = []
    for old in message.additional_kwargs.get("tool_calls") or ():
        call = old if isinstance(old, Mapping) else old.model_dump() if hasattr(old, "model_dump") else vars(old)
        body = call.get("function") or {"name": call.get("tool_name"), "arguments": call.get("tool_kwargs")}
        key = call.get("id") or call.get("tool_id") or ""
        calls.append(as_call(str(key), str(body.get("name")), body.get("arguments") or {}))
    return calls


def _is_signed(block: ContentBlock) -> bool:
    """Whether a block is reasoning with anything beside its text: a signature or sealed content of a provider."""
    return isinstance(block, ThinkingBlock) and bool(block.additional_information)


def _reasoned_over(messages: Sequence[ChatMessage]) -> set[int]:
    """Places of the messages that signed reasoning follows before the user speaks again."""
    places, follows = set(), False
    for i in range(len(messages) - 1, -1, -1):
        if messages[i].role.value == "user":
            follows = False
        elif follows:
            places.add(i)
        follows = follows or any(_is_signed(block) for block in messages[i].blocks)
    return places
