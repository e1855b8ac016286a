"""OpenAI Chat Completions, and the many servers that speak it.

An assistant message with `tool_calls` is followed by one `tool` message for each id, in any order. `arguments` is a
JSON string that the model wrote: read, never rewritten.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contextprune.context import Context, Kind, Ref
from contextprune.dialects import ai_sdk, anthropic, bedrock
from contextprune.dialects import image_tokens as images
from contextprune.dialects.base import as_list, as_object, as_text, optional_text, shown, where
from contextprune.dialects.draft import ASSISTANT, REASONING, STRANGER, SYSTEM, TOOLS, Draft, Voice, call, user, within
from contextprune.errors import PayloadError

_TEXTS = {"text": "text", "input_text": "text", "output_text": "text", "refusal": "refusal"}
_IMAGES = frozenset({"image_url", "input_image"})
_FILES = frozenset({"file", "input_file", "input_audio", "audio", "video", "media"})
_READ = frozenset({"content", "tool_calls", "function_call", "refusal", "audio", "reasoning_content", "reasoning",
                   "reasoning_details", "thinking_blocks"})  # fmt: skip


class OpenAIChat:
    """A request body of `POST /v1/chat/completions`."""

    name = "openai-chat"

    def accepts(self, payload: Any) -> bool:
        """It has `messages`, and nothing in it is another provider's."""
        if not isinstance(payload, Mapping) or "messages" not in payload or bedrock.is_body(payload):
            return False
        return not anthropic.is_body(payload) and not ai_sdk.has_parts(payload["messages"])

    def read(self, payload: Any, query: str | None = None) -> Context:
        """The segments of a request body: tools, then messages."""
        body = as_object(payload, ())
        draft = Draft(body.get("model"), lenient=anthropic.drops_stale_thinking(body))
        draft.schemas(body, "tools")
        draft.schemas(body, "functions")
        _read_format(draft, body.get("response_format"))
        for index, message in enumerate(as_list(body.get("messages"), ("messages",))):
            read_message(draft, message, ("messages", index))
        return draft.context(query)


def read_message(draft: Draft, value: Any, ref: Ref) -> None:
    """Read one chat message that stands at `ref`."""
    message = as_object(value, ref)
    voice = voice_of(role_of(message, ref), message, ref)
    if voice.kind is Kind.ASSISTANT:
        _read_reasoning(draft, message, ref)
    read_content(draft, within(voice, message), message.get("content"), (*ref, "content"))
    if voice.kind is Kind.ASSISTANT:
        draft.either(ASSISTANT, message.get("refusal"), (*ref, "refusal"))
        draft.either(ASSISTANT, message.get("audio"), (*ref, "audio"))
        _read_calls(draft, message, ref)
    elif _READ.isdisjoint(message):  # a form that we do not know counts, too
        draft.opaque(voice._replace(editable=False), message, ref)


def role_of(message: Mapping[str, Any], ref: Ref) -> str:
    """The role of a message; PayloadError where it has none."""
    role = message.get("role")
    if not isinstance(role, str) or not role:
        raise PayloadError(f"a message needs a role, and this one's is {shown(role)}", where((*ref, "role")))
    return role


def voice_of(role: str, message: Mapping[str, Any], ref: Ref) -> Voice:
    """The voice of a chat role; one that we do not know is read and left alone."""
    match role:
        case "user":
            return user(ref)
        case "assistant":
            return ASSISTANT
        case "system" | "developer":
            return SYSTEM
        case "tool" | "function":
            pair, name = optional_text(message.get("tool_call_id")), optional_text(message.get("name"))
            failed = message.get("is_error") is True or message.get("status") == "error"
            return Voice(Kind.TOOL_RESULT, editable=True, pair=pair, name=name, failed=failed)
    return STRANGER


def read_content(draft: Draft, voice: Voice, content: Any, ref: Ref) -> None:
    """Read a content that is a text, a list of parts, or nothing."""
    if content is None:
        return
    if isinstance(content, str):
        draft.text(voice, content, ref)
        return
    parts = [as_object(part, (*ref, index)) for index, part in enumerate(as_list(content, ref))]
    if voice.kind is Kind.TOOL_RESULT:  # one answer to one call: it is cached as a whole
        voice = within(voice, *parts)
    draft.parts(voice, parts, ref, lambda part, at: _read_part(draft, within(voice, part), part, at))


def _read_part(draft: Draft, voice: Voice, part: Mapping[str, Any], ref: Ref) -> None:
    kind = part.get("type")
    if not isinstance(kind, str):
        draft.opaque(voice, part, ref)
    elif kind in _TEXTS:
        key = _TEXTS[kind]
        draft.text(voice, as_text(part.get(key), (*ref, key)), (*ref, key))
    elif kind in _IMAGES:
        draft.image(voice, images.openai_image(part, draft.model), images.openai_source(part), ref)
    elif kind == "image":  # MCP's and LangChain's
        draft.image(voice, images.part_image(part, draft.model), images.part_source(part), ref)
    elif kind == "resource" and isinstance(part.get("resource"), Mapping):
        _read_resource(draft, voice, part["resource"], (*ref, "resource"))
    elif kind in _FILES:
        draft.sized(voice, images.FILE, ref)
    else:
        draft.opaque(voice, part, ref)


def _read_resource(draft: Draft, voice: Voice, resource: Mapping[str, Any], ref: Ref) -> None:
    """A resource of an MCP server, embedded in a result: its text, or a file in base64."""
    if isinstance(resource.get("text"), str):
        draft.text(voice, resource["text"], (*ref, "text"))
    else:
        draft.sized(voice, images.FILE, ref)


def _read_reasoning(draft: Draft, message: Mapping[str, Any], ref: Ref) -> None:
    """Plain reasoning may be emptied, unless the message also holds it sealed or under both names."""
    first, second = message.get("reasoning_content"), message.get("reasoning")
    sealed = [message.get("reasoning_details"), message.get("thinking_blocks")]
    if first is None and second is None and sealed == [None, None]:
        return
    blocks = [block for holder in sealed if isinstance(holder, list | tuple) for block in holder]
    if any(isinstance(block, Mapping) and anthropic.is_signed(block) for block in blocks):
        draft.signed = True
    voice = REASONING._replace(editable=not any(sealed) and (not first or not second))
    draft.either(voice, first, (*ref, "reasoning_content"))
    if second != first:  # some gateways send the same text under both names
        draft.either(voice, second, (*ref, "reasoning"))
    if not first and not second:
        draft.either(REASONING, message.get("reasoning_details"), (*ref, "reasoning_details"))


def _read_calls(draft: Draft, message: Mapping[str, Any], ref: Ref) -> None:
    calls = message.get("tool_calls")
    if calls is not None:
        for index, value in enumerate(as_list(calls, (*ref, "tool_calls"))):
            at = (*ref, "tool_calls", index)
            _read_call(draft, as_object(value, at), at)
    legacy = message.get("function_call")
    if legacy is not None:
        at = (*ref, "function_call")
        _read_arguments(draft, None, as_object(legacy, at), "arguments", at)


def _read_call(draft: Draft, value: Mapping[str, Any], ref: Ref) -> None:
    for key, field in (("function", "arguments"), ("custom", "input")):
        body = value.get(key)
        if body is not None:
            _read_arguments(draft, value.get("id"), as_object(body, (*ref, key)), field, (*ref, key))
            return
    draft.opaque(call(value.get("id"), value.get("type")), value, ref)


def _read_arguments(draft: Draft, pair: Any, body: Mapping[str, Any], field: str, ref: Ref) -> None:
    voice = call(pair, body.get("name"))
    if body.get(field) is None:
        draft.opaque(voice, body, ref)
    else:
        draft.either(voice, body[field], (*ref, field))


def _read_format(draft: Draft, form: Any) -> None:
    if isinstance(form, Mapping) and form.get("type") == "json_schema":
        draft.opaque(TOOLS._replace(name="response_format"), form, ("response_format",))
