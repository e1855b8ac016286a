"""Amazon Bedrock's Converse: blocks named by their only key, and cache points that stand behind what they mark.

Source: docs.aws.amazon.com, Bedrock API reference, Converse and ContentBlock.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from contextprune.context import Context, Kind, Ref
from contextprune.dialects import image_tokens as images
from contextprune.dialects.base import OBJECT, as_list, as_object, as_text, optional_text
from contextprune.dialects.draft import ASSISTANT, REASONING, STRANGER, SYSTEM, TOOLS, Draft, Voice, call, user, within

_POINT = "cachePoint"
_MARK = {"cache_control": _POINT}  # in the words of the formats that mark the block itself
_BLOCKS = frozenset(
    {"text", "image", "document", "video", "audio", "toolUse", "toolResult", "reasoningContent", "guardContent", _POINT}
)
_OWN = frozenset({"toolConfig", "inferenceConfig", "modelId", "additionalModelRequestFields"})
_ROLES = {"assistant": ASSISTANT, "system": SYSTEM}
_HEADER = 36_000  # bytes of an image in which its size stands


class Bedrock:
    """A request of Bedrock's `Converse`, as the API and boto3 take it."""

    name = "bedrock"

    def accepts(self, payload: Any) -> bool:
        """It has `messages` of blocks without a type, or a setting that only Converse has."""
        if not isinstance(payload, Mapping) or "messages" not in payload:
            return False
        return is_body(payload)

    def read(self, payload: Any, query: str | None = None) -> Context:
        """The segments of a request: tools, system, then messages."""
        body = as_object(payload, ())
        draft = Draft(body.get("modelId"))
        tools = body.get("toolConfig")
        if isinstance(tools, OBJECT):
            for index, tool in enumerate(as_list(tools.get("tools") or (), ("toolConfig", "tools"))):
                if _POINT not in as_object(tool, ("toolConfig", "tools", index)):
                    draft.opaque(TOOLS, tool, ("toolConfig", "tools", index))
        _read_blocks(draft, SYSTEM, body.get("system"), ("system",))
        for index, message in enumerate(as_list(body.get("messages"), ("messages",))):
            read_message(draft, message, ("messages", index))
        return draft.context(query)


def is_body(payload: Mapping[Any, Any]) -> bool:
    """Whether a body with `messages` is of this form."""
    return not _OWN.isdisjoint(payload) or has_blocks(payload.get("messages"))


def has_blocks(messages: Any) -> bool:
    """Whether a message holds blocks that are named by their key alone."""
    for message in messages if isinstance(messages, list | tuple) else ():
        content = message.get("content") if isinstance(message, OBJECT) else None
        for block in content if isinstance(content, list | tuple) else ():
            if isinstance(block, OBJECT):
                return "type" not in block and not _BLOCKS.isdisjoint(block)  # all blocks of a body are of one form
    return False


def read_message(draft: Draft, value: Any, ref: Ref) -> None:
    """Read one message that stands at `ref`."""
    message = as_object(value, ref)
    role = message.get("role")
    voice = user(ref) if role == "user" else _ROLES.get(str(role), STRANGER)
    _read_blocks(draft, voice, message.get("content"), (*ref, "content"))


def _read_blocks(draft: Draft, voice: Voice, content: Any, ref: Ref) -> None:
    if content is None or isinstance(content, str):
        draft.either(voice, content, ref)
        return
    blocks = [as_object(block, (*ref, index)) for index, block in enumerate(as_list(content, ref))]
    for index, block in enumerate(blocks):
        is_marked = index + 1 < len(blocks) and _POINT in blocks[index + 1]
        _read_block(draft, within(voice, _MARK) if is_marked else voice, block, (*ref, index))


def _read_block(draft: Draft, voice: Voice, block: Mapping[str, Any], ref: Ref) -> None:
    key = next((name for name in block if name in _BLOCKS), "")
    at = (*ref, key)

    match key:
        case "text":
            draft.text(voice, as_text(block[key], at), at)
        case "toolUse":
            use = as_object(block[key], at)
            draft.opaque(call(use.get("toolUseId"), use.get("name")), use.get("input"), (*at, "input"))
        case "toolResult":
            _read_result(draft, voice, as_object(block[key], at), at)
        case "reasoningContent":
            _read_reasoning(draft, as_object(block[key], at), at)
        case "image":
            _read_image(draft, voice, as_object(block[key], at), ref)
        case "document":
            _read_document(draft, voice, as_object(block[key], at), at)
        case "video" | "audio":
            draft.sized(voice, images.FILE, ref)
        case "cachePoint":
            return
        case _:
            draft.opaque(voice, block, ref)


def _read_result(draft: Draft, voice: Voice, result: Mapping[str, Any], ref: Ref) -> None:
    """One answer to one call: where the cache cuts inside it, it is marked as a whole."""
    pair, failed = optional_text(result.get("toolUseId")), result.get("status") == "error"
    answer = Voice(Kind.TOOL_RESULT, editable=True, pair=pair, failed=failed, marked=voice.marked)
    ref = (*ref, "content")
    parts = as_list(result.get("content") or (), ref)
    draft.parts(answer, parts, ref, lambda part, at: _read_answer(draft, answer, part, at))


def _read_answer(draft: Draft, answer: Voice, value: Any, ref: Ref) -> None:
    block = as_object(value, ref)
    if "json" in block:
        draft.values(answer, block["json"], (*ref, "json"))
    else:
        _read_block(draft, answer, block, ref)


def _read_reasoning(draft: Draft, block: Mapping[str, Any], ref: Ref) -> None:
    thought = block.get("reasoningText")
    if isinstance(thought, OBJECT):
        draft.signed = draft.signed or bool(thought.get("signature"))
        draft.either(REASONING, thought.get("text"), (*ref, "reasoningText", "text"))
    else:
        draft.signed = True
        draft.sized(REASONING, images.sealed(str(block.get("redactedContent", ""))), ref)


def _read_image(draft: Draft, voice: Voice, image: Mapping[str, Any], ref: Ref) -> None:
    """An image by its bytes, which boto3 takes raw and the wire in base64."""
    source = image.get("source")
    data = source.get("bytes") if isinstance(source, OBJECT) else None
    if isinstance(data, bytes):
        data = base64.b64encode(data[:_HEADER]).decode()
    cost = images.part_image({"data": data}, draft.model or "claude")
    draft.image(voice._replace(editable=False), cost, None, ref)


def _read_document(draft: Draft, voice: Voice, document: Mapping[str, Any], ref: Ref) -> None:
    source = document.get("source")
    text = source.get("text") if isinstance(source, OBJECT) else None
    if not isinstance(text, str):
        draft.sized(voice, images.FILE, ref)
        return
    if voice.kind is not Kind.TOOL_RESULT:
        voice = Voice(Kind.DOCUMENT, editable=voice.editable, name=optional_text(document.get("name")))
    draft.text(voice, text, (*ref, "source", "text"))
