"""Anthropic Messages: content blocks, tool results inside user messages, signed thinking.

A result keeps its form (text or list of blocks), since a changed form changes the bytes that the cache knows. Thinking,
server-tool results and every block type that we do not know pass through untouched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from contextprune.context import Context, Kind, Ref
from contextprune.dialects import ai_sdk, bedrock
from contextprune.dialects import image_tokens as images
from contextprune.dialects.base import OBJECT, as_list, as_object, as_text, optional_text, shown, where
from contextprune.dialects.draft import ASSISTANT, REASONING, STRANGER, SYSTEM, TOOLS, Draft, Voice, call, user, within
from contextprune.errors import PayloadError

Block: TypeAlias = Mapping[str, Any]

_VOICES = {"assistant": ASSISTANT, "system": SYSTEM}

_TELLING = frozenset(
    {"tool_use", "tool_result", "thinking", "redacted_thinking", "server_tool_use", "document", "search_result"}
)
"""Block types that no Chat body has."""


class Anthropic:
    """A request body of `POST /v1/messages`."""

    name = "anthropic"

    def accepts(self, payload: Any) -> bool:
        """It has `messages`, and a `system`, a block or a tool of Anthropic's shape."""
        if not isinstance(payload, Mapping) or "messages" not in payload or bedrock.is_body(payload):
            return False
        return is_body(payload) and not ai_sdk.has_parts(payload["messages"])

    def read(self, payload: Any, query: str | None = None) -> Context:
        """The segments of a request body: tools, system, then messages."""
        body = as_object(payload, ())
        draft = Draft(body.get("model"), lenient=drops_stale_thinking(body))
        draft.schemas(body, "tools")
        _read_format(draft, body)
        _read_content(draft, SYSTEM, body.get("system"), ("system",))
        for index, message in enumerate(as_list(body.get("messages"), ("messages",))):
            read_message(draft, message, ("messages", index))
        return draft.context(query)


def is_body(payload: Mapping[Any, Any]) -> bool:
    """Whether a body with `messages` is Anthropic's rather than OpenAI's."""
    if "system" in payload or "anthropic_version" in payload:
        return True
    tools = payload.get("tools")
    if isinstance(tools, list | tuple) and any(isinstance(tool, Mapping) and "input_schema" in tool for tool in tools):
        return True
    return has_blocks(payload.get("messages"))


def has_blocks(messages: Any) -> bool:
    """Whether any message holds a block that only Anthropic's API knows, and none is a message that only Chat knows."""
    if any(_is_chat(message) for message in (messages if isinstance(messages, list | tuple) else ())):
        return False
    return any(
        block.get("type") in _TELLING or (block.get("type") == "image" and "source" in block)
        for block in _blocks(messages)
        if isinstance(block.get("type"), str)
    )


def drops_stale_thinking(body: Mapping[str, Any]) -> bool:
    """Whether a request asks that thinking bound to another history be left out rather than refused."""
    thinking = body.get("thinking")
    binding = thinking.get("block_binding") if isinstance(thinking, Mapping) else None
    return isinstance(binding, Mapping) and binding.get("prefix_mismatch_behavior") == "drop_block"


def is_signed(block: Mapping[str, Any]) -> bool:
    """Whether this is reasoning that the provider will check against what stands before it."""
    return block.get("type") == "redacted_thinking" or bool(block.get("signature"))


def read_message(draft: Draft, value: Any, ref: Ref, *, by_user: bool = True) -> None:
    """Read one message that stands at `ref`; `by_user` is False where a harness wrote it in the user's name."""
    message = as_object(value, ref)
    role = message.get("role")
    if not isinstance(role, str) or not role:
        raise PayloadError(f"a message needs a role, and this one's is {shown(role)}", where((*ref, "role")))
    if role == "user":
        voice = user(ref) if by_user else STRANGER._replace(editable=True)
    else:
        voice = _VOICES.get(role, STRANGER)
    _read_content(draft, within(voice, message), message.get("content"), (*ref, "content"))


def _read_content(draft: Draft, voice: Voice, content: Any, ref: Ref) -> None:
    if content is None:
        return
    if isinstance(content, str):
        draft.text(voice, content, ref)
        return
    draft.parts(voice, as_list(content, ref), ref, lambda value, at: _read_block(draft, voice, value, at))


def _read_block(draft: Draft, voice: Voice, value: Any, ref: Ref) -> None:
    block = as_object(value, ref)
    kind = block.get("type")  # a result minds its own breakpoint
    _reader_of(kind)(draft, voice if kind == "tool_result" else within(voice, block), block, ref)


def _reader_of(kind: Any) -> Callable[[Draft, Voice, Block, Ref], None]:
    if not isinstance(kind, str):
        return _read_unknown
    return _READERS.get(kind) or (_read_server_result if kind.endswith("_tool_result") else _read_unknown)


def _read_text(draft: Draft, voice: Voice, block: Block, ref: Ref) -> None:
    at = (*ref, "text")
    draft.text(voice, as_text(block.get("text"), at), at)


def _read_image(draft: Draft, voice: Voice, block: Block, ref: Ref) -> None:
    draft.image(voice, images.anthropic_image(block, draft.model), images.anthropic_source(block), ref)


def _read_unknown(draft: Draft, voice: Voice, block: Block, ref: Ref) -> None:
    draft.opaque(voice, block, ref)


def _read_thinking(draft: Draft, _: Voice, block: Block, ref: Ref) -> None:
    """Thinking that is not shown stands, encrypted, in its own signature."""
    thought, secret = block.get("thinking"), block.get("signature")
    draft.signed = draft.signed or is_signed(block)
    if thought or not isinstance(secret, str):
        draft.either(REASONING, thought, (*ref, "thinking"))
    else:
        draft.sized(REASONING, images.sealed(secret), ref)


def _read_redacted(draft: Draft, _: Voice, block: Block, ref: Ref) -> None:
    draft.signed = True
    draft.sized(REASONING, images.sealed(str(block.get("data", ""))), ref)


def _read_call(draft: Draft, _: Voice, block: Block, ref: Ref) -> None:
    voice = within(call(block.get("id"), block.get("name")), block)
    if "input" in block:
        draft.opaque(voice, block["input"], (*ref, "input"))
    else:
        draft.opaque(voice, block, ref)


def _read_result(draft: Draft, voice: Voice, block: Block, ref: Ref) -> None:
    """One answer to one call: where the cache cuts inside it, it is marked as a whole."""
    content = block.get("content")
    parts = content if isinstance(content, list | tuple) else ()
    answer = Voice(
        Kind.TOOL_RESULT,
        editable=voice.editable,
        pair=optional_text(block.get("tool_use_id")),
        failed=block.get("is_error") is True,
        model=voice.model,
        marked=voice.marked,
    )
    _read_content(draft, within(answer, block, *parts), content, (*ref, "content"))


def _read_server_result(draft: Draft, voice: Voice, block: Block, ref: Ref) -> None:
    """The server ran the tool; citations and encrypted parts refer to every byte of its answer."""
    pair, failed = optional_text(block.get("tool_use_id")), block.get("is_error") is True
    answer = Voice(Kind.TOOL_RESULT, pair=pair, failed=failed, model=voice.model)
    draft.opaque(within(answer, block), block, ref)


def _read_document(draft: Draft, voice: Voice, block: Block, ref: Ref) -> None:
    source = as_object(block.get("source"), (*ref, "source"))
    voice = _voice_of_document(voice, block)
    if block.get("context") is not None:
        draft.either(voice._replace(editable=False), block["context"], (*ref, "context"))
    match source.get("type"):
        case "text":
            at = (*ref, "source", "data")
            draft.text(voice, as_text(source.get("data"), at), at)
        case "content":
            _read_content(draft, voice, source.get("content"), (*ref, "source", "content"))
        case _:
            draft.sized(voice, images.FILE, ref)


def _read_search_result(draft: Draft, voice: Voice, block: Block, ref: Ref) -> None:
    _read_content(draft, _voice_of_document(voice, block), block.get("content"), (*ref, "content"))


def _voice_of_document(voice: Voice, block: Block) -> Voice:
    """A document speaks for itself, unless a tool brought it; where citations point into its text, it stays."""
    citations = block.get("citations")
    cited = isinstance(citations, Mapping) and citations.get("enabled") is True
    editable = voice.editable and not cited
    if voice.kind is Kind.TOOL_RESULT:
        return voice._replace(editable=editable)
    title = optional_text(block.get("title"))
    return Voice(Kind.DOCUMENT, editable=editable, name=title, model=voice.model, marked=voice.marked)


def _read_format(draft: Draft, body: Mapping[str, Any]) -> None:
    config = body.get("output_config")
    nested = [(config, ("output_config", "format"))] if isinstance(config, Mapping) else []
    for holder, ref in (*nested, (body, ("output_format",))):
        form = holder.get(ref[-1])
        if isinstance(form, Mapping):
            draft.opaque(TOOLS._replace(name="output_format"), form, ref)


def _is_chat(message: Any) -> bool:
    return isinstance(message, OBJECT) and ("tool_calls" in message or message.get("role") in ("tool", "developer"))


def _blocks(messages: Any) -> Iterator[Mapping[Any, Any]]:
    for message in messages if isinstance(messages, list | tuple) else ():
        content = message.get("content") if isinstance(message, OBJECT) else None
        if isinstance(content, list | tuple):
            yield from (block for block in content if isinstance(block, OBJECT))


_READERS: Mapping[str, Callable[[Draft, Voice, Block, Ref], None]] = {
    "text": _read_text,
    "image": _read_image,
    "thinking": _read_thinking,
    "redacted_thinking": _read_redacted,
    "tool_use": _read_call,
    "server_tool_use": _read_call,
    "mcp_tool_use": _read_call,
    "tool_result": _read_result,
    "document": _read_document,
    "search_result": _read_search_result,
}
