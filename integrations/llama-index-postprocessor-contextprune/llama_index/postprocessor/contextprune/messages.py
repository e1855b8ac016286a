"""LlamaIndex's chat messages as a Chat Completions history, and new text back into copies of their blocks.

Only the text of tools' results is ever replaced; ids, order, other blocks and `additional_kwargs` stay.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from llama_index.core.base.llms.types import ChatMessage, ContentBlock, TextBlock, ThinkingBlock, ToolCallBlock

import contextprune as cp

logger = logging.getLogger(__name__)

Chat = dict[str, Any]

_ROLES: Mapping[str, str] = {"chatbot": "assistant", "model": "assistant", "function": "tool"}


def as_chat(messages: Sequence[ChatMessage]) -> list[Chat]:
    """One chat message for each message: its texts as parts, its calls, and whether its reasoning is signed."""
    return [_as_chat(message) for message in messages]


def shortened(messages: Sequence[ChatMessage], pruner: cp.Pruner) -> list[ChatMessage]:
    """The messages with tools' results shortened as on their arrival; what does not change is the caller's own object.

    A result over which the model reasoned with a signature in the same run stays as the model saw it then: a change
    would make the signature invalid.
    """
    history = as_chat(messages)
    sent = compressed(history, pruner)
    fixed = _reasoned_over(messages)
    out = []
    for i, message in enumerate(messages):
        if sent[i] is history[i] or i in fixed:
            out.append(message)
        else:
            texts = [part["text"] for part in sent[i]["content"]]
            out.append(message.model_copy(update={"blocks": with_texts(message.blocks, texts)}))
    return out


def compressed(history: list[Chat], pruner: cp.Pruner) -> list[Chat]:
    """The history with its results shortened; where that fails, as it is: a run must not end for want of savings."""
    try:
        return cp.compress(history, pruner=pruner).payload
    except cp.ContextPruneError as exc:
        logger.warning("tools' results are sent as they are: %s", exc)
        return history


def text_parts(blocks: Sequence[ContentBlock]) -> list[Chat]:
    """The texts among some blocks, as parts of a chat message."""
    return [{"type": "text", "text": block.text} for block in blocks if isinstance(block, TextBlock)]


def with_texts(blocks: Sequence[ContentBlock], texts: Sequence[str]) -> list[ContentBlock]:
    """The blocks with these texts in place of those of the text blocks, in order."""
    new = iter(texts)
    out: list[ContentBlock] = []
    for block in blocks:
        text = next(new) if isinstance(block, TextBlock) else None
        same = text is None or (isinstance(block, TextBlock) and block.text == text)
        out.append(block if same else block.model_copy(update={"text": text}))
    return out


def as_call(key: str, name: str, arguments: Any) -> Chat:
    """A tool call as the provider shows it."""
    said = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False, default=str)
    return {"id": key, "type": "function", "function": {"name": name, "arguments": said}}


def _as_chat(message: ChatMessage) -> Chat:
    role = _ROLES.get(message.role.value, message.role.value)
    chat: Chat = {"role": role, "content": text_parts(message.blocks)}
    if role == "tool":
        chat["tool_call_id"] = message.additional_kwargs.get("tool_call_id")
        return chat
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
    found = []
    for old in message.additional_kwargs.get("tool_calls") or ():
        call = old if isinstance(old, Mapping) else old.model_dump() if hasattr(old, "model_dump") else vars(old)
        body = call.get("function") or {"name": call.get("tool_name"), "arguments": call.get("tool_kwargs")}
        key = call.get("id") or call.get("tool_id") or ""
        found.append(as_call(str(key), str(body.get("name")), body.get("arguments") or {}))
    return found


def _is_signed(block: ContentBlock) -> bool:
    """Whether a block is reasoning with anything beside its text: a signature or sealed content of a provider."""
    return isinstance(block, ThinkingBlock) and bool(block.additional_information)


def _reasoned_over(messages: Sequence[ChatMessage]) -> set[int]:
    """Places of the messages that signed reasoning follows before the user speaks again."""
    found, follows = set(), False
    for i in range(len(messages) - 1, -1, -1):
        if messages[i].role.value == "user":
            follows = False
        elif follows:
            found.add(i)
        follows = follows or any(_is_signed(block) for block in messages[i].blocks)
    return found
