"""OpenAI Responses: a flat list of items, calls and outputs joined by `call_id`.

Reasoning items travel sealed and with the item that follows them; all that the model or the server made is read and
left alone. Only the outputs that the client wrote itself are offered for rewriting.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contextprune.context import Context, Kind, Ref
from contextprune.dialects import image_tokens as images
from contextprune.dialects.base import OBJECT, as_list, as_object, as_text, optional_text, shown, where
from contextprune.dialects.draft import ASSISTANT, REASONING, SYSTEM, TOOLS, Draft, Voice, call, user, within
from contextprune.dialects.openai_chat import read_content, role_of, voice_of
from contextprune.errors import PayloadError

# Calls that the client runs, and where their arguments stand. Calls that the server runs hold their results too and
# are counted whole.
_ARGUMENTS = {
    "function_call": "arguments",
    "custom_tool_call": "input",
    "local_shell_call": "action",
    "shell_call": "action",
    "computer_call": "action",
    "apply_patch_call": "operation",
}
_OUTPUTS = frozenset({f"{name}_output" for name in _ARGUMENTS})
_ITEMS = _OUTPUTS | _ARGUMENTS.keys() | {"reasoning", "compaction", "item_reference", "tool_search_output"}


class OpenAIResponses:
    """A request body of `POST /v1/responses`."""

    name = "openai-responses"

    def accepts(self, payload: Any) -> bool:
        """It has an `input`, a text or a list, and no `messages`."""
        return (
            isinstance(payload, Mapping)
            and isinstance(payload.get("input"), str | list | tuple)
            and "messages" not in payload
        )

    def read(self, payload: Any, query: str | None = None) -> Context:
        """The segments of a request body: tools, instructions, then the items."""
        body = as_object(payload, ())
        draft = Draft(body.get("model"))
        draft.schemas(body, "tools")
        _read_settings(draft, body)
        items = body.get("input")
        if isinstance(items, str):
            draft.text(user(("input",)), items, ("input",))
        elif items is not None:  # absent where the history lives on the server
            for index, item in enumerate(as_list(items, ("input",))):
                read_item(draft, item, ("input", index))
        return draft.context(query)


def has_items(values: Any) -> bool:
    """Whether a bare list holds Responses items beside or in place of messages."""
    kinds = (value.get("type") for value in values if isinstance(value, OBJECT))
    return any(isinstance(kind, str) and kind in _ITEMS for kind in kinds)


def read_item(draft: Draft, value: Any, ref: Ref) -> None:
    """Read one input item that stands at `ref`."""
    item = as_object(value, ref)
    kind = item.get("type")
    if kind is None or kind == "message":
        voice = within(voice_of(role_of(item, ref), item, ref), item)
        read_content(draft, voice, item.get("content"), (*ref, "content"))
    elif not isinstance(kind, str):
        raise PayloadError(f"an item's type is a text, not {shown(kind)}", where((*ref, "type")))

    elif kind in _ARGUMENTS:
        _read_call(draft, kind, item, ref)
    elif kind in _OUTPUTS:
        _read_output(draft, item, ref)
    elif kind == "reasoning":
        _read_reasoning(draft, item, ref)
    elif isinstance(item.get("encrypted_content"), str):
        draft.sized(_voice_of_kind(kind, item, ref), images.sealed(item["encrypted_content"]), ref)
    elif kind == "image_generation_call":
        result = optional_text(item.get("result"))
        draft.image(ASSISTANT, images.openai_image({"image_url": result}, draft.model), result, ref)
    else:
        draft.opaque(_voice_of_kind(kind, item, ref), item, ref)


def _read_settings(draft: Draft, body: Mapping[str, Any]) -> None:
    instructions = body.get("instructions")
    if instructions is not None:
        draft.text(SYSTEM, as_text(instructions, ("instructions",)), ("instructions",))
    prompt, text = body.get("prompt"), body.get("text")
    if isinstance(prompt, Mapping) and prompt.get("variables"):
        draft.opaque(SYSTEM, prompt["variables"], ("prompt", "variables"))
    form = text.get("format") if isinstance(text, Mapping) else None
    if isinstance(form, Mapping) and form.get("type") == "json_schema":
        draft.opaque(TOOLS._replace(name="response_format"), form, ("text", "format"))


def _read_call(draft: Draft, kind: str, item: Mapping[str, Any], ref: Ref) -> None:
    field = _ARGUMENTS[kind]
    voice = call(_pair_of(item), item.get("name") or kind.removesuffix("_call"))
    if item.get(field) is None:
        draft.opaque(voice, item, ref)
    else:
        draft.either(voice, item[field], (*ref, field))


def _read_output(draft: Draft, item: Mapping[str, Any], ref: Ref) -> None:
    failed = item.get("status") in ("failed", "incomplete")
    voice = within(Voice(Kind.TOOL_RESULT, editable=True, pair=_pair_of(item), failed=failed), item)
    output, at = item.get("output"), (*ref, "output")
    if isinstance(output, Mapping):
        _read_screen(draft, voice, output, at)
    elif item["type"] == "shell_call_output" and not isinstance(output, str):
        _read_streams(draft, voice, output, at)
    else:
        read_content(draft, voice, output, at)


def _read_screen(draft: Draft, voice: Voice, output: Mapping[str, Any], ref: Ref) -> None:
    if output.get("type") in ("computer_screenshot", "input_image"):
        locked = voice._replace(editable=False)  # a screen is an image or nothing: no text may stand in its place
        draft.image(locked, images.openai_image(output, draft.model), images.openai_source(output), ref)
    else:
        draft.opaque(voice, output, ref)


def _read_streams(draft: Draft, voice: Voice, output: Any, ref: Ref) -> None:
    """A shell's answer: for each command what it printed, and how it ended."""
    for index, value in enumerate(() if output is None else as_list(output, ref)):
        at = (*ref, index)
        run = as_object(value, at)
        outcome = run.get("outcome")
        ended_well = not isinstance(outcome, Mapping) or outcome.get("exit_code") == 0
        spoken = voice if ended_well else voice._replace(failed=True)
        for stream in ("stdout", "stderr"):
            if run.get(stream) is not None:
                draft.text(spoken, as_text(run[stream], (*at, stream)), (*at, stream))


def _read_reasoning(draft: Draft, item: Mapping[str, Any], ref: Ref) -> None:
    texts = [
        (part.get("text"), (*ref, key, index, "text"))
        for key in ("summary", "content")
        for index, part in enumerate(item[key] if isinstance(item.get(key), list | tuple) else ())
        if isinstance(part, Mapping)
    ]
    secret = item.get("encrypted_content")
    for text, at in texts:
        draft.either(REASONING, text, at)
    if isinstance(secret, str):
        draft.sized(REASONING, images.sealed(secret), (*ref, "encrypted_content"))
    elif not texts:
        draft.opaque(REASONING, item, ref)


def _voice_of_kind(kind: str, item: Mapping[str, Any], ref: Ref) -> Voice:
    """The voice of an item of the server's, or of a type that we do not know."""
    if kind.endswith("_output"):
        failed = item.get("status") in ("failed", "incomplete")
        return Voice(Kind.TOOL_RESULT, pair=_pair_of(item), failed=failed)
    if kind.endswith("_call") or kind in ("program", "mcp_approval_request"):
        return call(_pair_of(item), item.get("name") or kind.removesuffix("_call"))
    if kind in ("mcp_list_tools", "additional_tools"):
        return TOOLS
    if kind == "mcp_approval_response":
        return Voice(Kind.USER)
    role = item.get("role")
    return voice_of(role, item, ref) if isinstance(role, str) else ASSISTANT


def _pair_of(item: Mapping[str, Any]) -> str | None:
    return optional_text(item.get("call_id")) or optional_text(item.get("id"))
