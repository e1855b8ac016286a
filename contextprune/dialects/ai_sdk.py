"""Vercel's AI SDK: model messages with `tool-call` and `tool-result` parts, and the messages of its user interface.

Versions 4 to 6 are read: `args` and `result` of the earlier, `input` and `output` of the later. Source: ai-sdk.dev,
reference of ModelMessage and UIMessage.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contextprune.context import Context, Kind, Ref
from contextprune.dialects import image_tokens as images
from contextprune.dialects.base import OBJECT, as_list, as_object, as_text, optional_text
from contextprune.dialects.draft import ASSISTANT, REASONING, STRANGER, SYSTEM, Draft, Voice, call, user, within

Part = Mapping[str, Any]

_MARK = {"cache_control": "providerOptions"}  # in the words of the formats that mark the block itself
_ROLES = {"assistant": ASSISTANT, "system": SYSTEM, "tool": Voice(Kind.TOOL_RESULT, editable=True)}
_OWN = frozenset({"tool-call", "tool-result", "tool-approval-request", "tool-approval-response", "dynamic-tool"})
_IMAGES = frozenset({"image", "media", "image-data", "image-url", "file", "file-data", "file-url"})


class AISDK:
    """The arguments of the AI SDK's `generateText` and `streamText`."""

    name = "ai-sdk"

    def accepts(self, payload: Any) -> bool:
        """It has `messages` with parts that only the AI SDK knows."""
        return isinstance(payload, Mapping) and has_parts(payload.get("messages"))

    def read(self, payload: Any, query: str | None = None) -> Context:
        """The segments of the arguments: tools, system, then messages."""
        body = as_object(payload, ())
        draft = Draft(body.get("model"))
        tools = body.get("tools")
        if isinstance(tools, OBJECT):
            for name, tool in tools.items():
                draft.opaque(Voice(Kind.TOOLS, name=str(name)), tool, ("tools", name))
        else:
            draft.schemas(body, "tools")
        draft.either(SYSTEM, body.get("system"), ("system",))
        for index, message in enumerate(as_list(body.get("messages"), ("messages",))):
            read_message(draft, message, ("messages", index))
        return draft.context(query)


def has_parts(messages: Any) -> bool:
    """Whether a message holds a part that only the AI SDK knows, or parts of its user interface."""
    return any(
        isinstance(message, OBJECT) and (_is_model_message(message) or _is_shown(message))
        for message in (messages if isinstance(messages, list | tuple) else ())
    )


def read_message(draft: Draft, value: Any, ref: Ref) -> None:
    """Read one message, for a model or for the user interface, that stands at `ref`."""
    message = as_object(value, ref)
    role = str(message.get("role"))
    voice = _within(user(ref) if role == "user" else _ROLES.get(role, STRANGER), message)
    key = "parts" if isinstance(message.get("parts"), list | tuple) else "content"
    content = message.get(key)
    if content is None or isinstance(content, str):
        draft.either(voice, content, (*ref, key))
        return
    for index, value_ in enumerate(as_list(content, (*ref, key))):
        at = (*ref, key, index)
        part = as_object(value_, at)
        _read_part(draft, _within(voice, part), part, at)


def _read_part(draft: Draft, voice: Voice, part: Part, ref: Ref) -> None:
    kind = str(part.get("type"))
    if kind == "text":
        draft.text(voice, as_text(part.get("text"), (*ref, "text")), (*ref, "text"))
    elif kind == "reasoning":
        draft.signed = draft.signed or "signature" in str(part.get("providerOptions") or part.get("providerMetadata"))
        draft.either(
            REASONING, part.get("text", part.get("reasoning")), (*ref, "text" if "text" in part else "reasoning")
        )

    elif kind in _IMAGES:
        _read_file(draft, voice, part, ref)
    elif kind == "tool-call":
        _read_call(draft, part, ref)
    elif kind == "tool-result":
        _read_result(draft, voice, part, ref)
    elif kind == "tool-invocation":
        _read_shown_tool(draft, as_object(part.get("toolInvocation"), ref), (*ref, "toolInvocation"))
    elif (kind == "dynamic-tool" or kind.startswith("tool-")) and "toolCallId" in part:
        _read_shown_tool(draft, part, ref)
    elif kind != "step-start":
        draft.opaque(voice._replace(editable=False), part, ref)


def _read_call(draft: Draft, part: Part, ref: Ref) -> None:
    key = "input" if "input" in part else "args"
    name = part.get("toolName") or str(part.get("type")).removeprefix("tool-")
    draft.opaque(call(part.get("toolCallId"), name), part.get(key), (*ref, key))


def _read_result(draft: Draft, voice: Voice, part: Part, ref: Ref) -> None:
    """An answer; what the provider's own tools answered stands in the model's message, and stays."""
    output = part.get("output")
    kind = str(output.get("type")) if isinstance(output, OBJECT) and "value" in output else ""
    pair, name = optional_text(part.get("toolCallId")), optional_text(part.get("toolName"))
    failed = part.get("isError") is True or kind.startswith("error")
    answer = Voice(Kind.TOOL_RESULT, voice.kind is Kind.TOOL_RESULT, pair, name, failed, marked=voice.marked)

    if kind == "content":
        at = (*ref, "output", "value")
        parts = as_list(output["value"], at)  # type: ignore[index]
        draft.parts(answer, parts, at, lambda value, at: _read_part(draft, answer, as_object(value, at), at))
    elif kind:
        draft.values(answer, output["value"], (*ref, "output", "value"))  # type: ignore[index]
    else:
        key = "output" if output is not None else "result"
        draft.values(answer, part.get(key), (*ref, key))


def _read_shown_tool(draft: Draft, part: Part, ref: Ref) -> None:
    """A call and its answer, which the user interface holds as one part."""
    _read_call(draft, part, ref)
    pair, error = optional_text(part.get("toolCallId")), part.get("errorText")
    answer = Voice(Kind.TOOL_RESULT, editable=True, pair=pair, failed=error is not None)
    for key in ("output", "result", "errorText"):
        if part.get(key) is not None:
            draft.values(answer, part[key], (*ref, key))


def _read_file(draft: Draft, voice: Voice, part: Part, ref: Ref) -> None:
    media = str(part.get("mediaType") or part.get("mimeType") or "")
    if str(part["type"]).startswith("image") or media.startswith("image/"):
        shown = voice._replace(editable=voice.editable and part["type"] == "image")
        draft.image(shown, images.part_image(part, draft.model), images.part_source(part), ref)
    else:
        draft.sized(voice, images.FILE, ref)


def _within(voice: Voice, holder: Part) -> Voice:
    """The voice inside of a message or part; the SDK tells the cache to cut there by an option of the provider."""
    options = holder.get("providerOptions")
    own = options.values() if isinstance(options, OBJECT) else ()
    is_marked = any(isinstance(option, OBJECT) and option.get("cacheControl") for option in own)
    return within(voice, _MARK) if is_marked else voice


def _is_model_message(message: Part) -> bool:
    content = message.get("content")
    return isinstance(content, list | tuple) and any(
        isinstance(part, OBJECT) and (part.get("type") in _OWN or (part.get("type") == "image" and "image" in part))
        for part in content
        if not isinstance(part, OBJECT) or isinstance(part.get("type"), str)
    )


def _is_shown(message: Part) -> bool:
    parts = message.get("parts")
    return isinstance(parts, list | tuple) and any(isinstance(part, OBJECT) and "type" in part for part in parts)
