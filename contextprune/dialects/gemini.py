"""Gemini `generateContent`: contents of parts, answers of functions as JSON objects, camel or snake case.

REST bodies write `functionResponse`, the Python SDK's dictionaries and models `function_response`; both are read. Calls
often have no id: the first answer of a name then belongs to its first call. Source: ai.google.dev/api/caching#Content.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from contextprune.context import Context, Kind, Ref
from contextprune.dialects import image_tokens as images
from contextprune.dialects.base import OBJECT, as_list, as_object, as_text, optional_text
from contextprune.dialects.draft import ASSISTANT, REASONING, STRANGER, SYSTEM, TOOLS, Draft, Voice, call, user

_ROLES = {"model": ASSISTANT, "system": SYSTEM}


class Gemini:
    """A request body of `POST /v1beta/models/MODEL:generateContent`."""

    name = "gemini"

    def accepts(self, payload: Any) -> bool:
        """It has `contents`, and neither `messages` nor `input`."""
        if not isinstance(payload, Mapping) or not {"messages", "input"}.isdisjoint(payload):
            return False
        return isinstance(payload.get("contents"), str | list | tuple | Mapping)

    def read(self, payload: Any, query: str | None = None) -> Context:
        """The segments of a request body: tools, the system instruction, then the contents."""
        body = as_object(payload, ())
        draft, read_content = Draft(body.get("model")), ContentReader()
        for holder, ref in _configs(body):
            for key in ("tools", "toolConfig", "tool_config", "responseSchema", "response_schema"):
                if holder.get(key) is not None:
                    draft.opaque(TOOLS, holder[key], (*ref, key))
            for key in ("systemInstruction", "system_instruction"):
                _read_instruction(draft, read_content, holder.get(key), (*ref, key))

        contents = body.get("contents")
        if isinstance(contents, str):
            draft.text(user(("contents",)), contents, ("contents",))
        elif isinstance(contents, Mapping):
            read_content(draft, contents, ("contents",))
        else:
            for index, content in enumerate(as_list(contents, ("contents",))):
                read_content(draft, content, ("contents", index))
        return draft.context(query)


def has_contents(values: Any) -> bool:
    """Whether a bare list holds contents of parts rather than messages."""
    return any(
        isinstance(value, OBJECT) and isinstance(value.get("parts"), list | tuple) and _is_content(value["parts"])
        for value in values
    )


class ContentReader:
    """Reads the contents of one conversation, in order, and numbers calls that have no id."""

    def __init__(self) -> None:
        self._calls: Counter[str] = Counter()
        self._answers: Counter[str] = Counter()

    def __call__(self, draft: Draft, value: Any, ref: Ref) -> None:
        """Read one content, or a text in the place of one, that stands at `ref`."""
        if isinstance(value, str):
            draft.text(user(ref), value, ref)
            return
        content = as_object(value, ref)
        role = content.get("role", "user")
        voice = user(ref) if role == "user" else _ROLES.get(str(role), STRANGER)
        for index, part in enumerate(as_list(content.get("parts") or (), (*ref, "parts"))):
            self.read_part(draft, voice, part, (*ref, "parts", index))

    def read_part(self, draft: Draft, voice: Voice, value: Any, ref: Ref) -> None:
        """Read one part in the voice of its content."""
        if isinstance(value, str):
            draft.text(voice, value, ref)
            return
        part = as_object(value, ref)

        key = next((name for name in part if name in _PARTS and part[name] is not None), "")
        match _PARTS.get(key):
            case "text":
                own = REASONING if part.get("thought") is True else voice
                draft.text(own, as_text(part[key], (*ref, key)), (*ref, key))
            case "call":
                self._read_call(draft, as_object(part[key], (*ref, key)), (*ref, key))
            case "answer":
                self._read_answer(draft, as_object(part[key], (*ref, key)), (*ref, key))
            case "data":
                _read_data(draft, voice._replace(editable=False), as_object(part[key], (*ref, key)), ref)
            case "file":
                draft.sized(voice, images.FILE, ref)
            case _:
                draft.opaque(voice, part, ref)

    def _read_call(self, draft: Draft, value: Mapping[str, Any], ref: Ref) -> None:
        voice = call(_pair(value, self._calls), value.get("name"))
        if isinstance(value.get("args"), OBJECT):
            draft.opaque(voice, value["args"], (*ref, "args"))
        else:
            draft.opaque(voice, value, ref)

    def _read_answer(self, draft: Draft, value: Mapping[str, Any], ref: Ref) -> None:
        response = value.get("response")
        failed = isinstance(response, OBJECT) and bool(response.get("error"))
        pair, name = _pair(value, self._answers), optional_text(value.get("name"))
        voice = Voice(Kind.TOOL_RESULT, editable=True, pair=pair, name=name, failed=failed)
        draft.values(voice, response, (*ref, "response"))
        for index, part in enumerate(value.get("parts") or ()):
            self.read_part(draft, voice, part, (*ref, "parts", index))


def _configs(body: Mapping[str, Any]) -> list[tuple[Mapping[str, Any], Ref]]:
    """The body, and the objects in it that hold tools and instructions in the SDKs' arguments."""
    nested = ((body.get(key), (key,)) for key in ("config", "generationConfig", "generation_config"))
    return [(body, ()), *((holder, ref) for holder, ref in nested if isinstance(holder, Mapping))]


def _read_instruction(draft: Draft, read_content: ContentReader, value: Any, ref: Ref) -> None:
    if isinstance(value, str):
        draft.text(SYSTEM, value, ref)
    elif value is not None:
        parts = as_object(value, ref).get("parts") or ()
        for index, part in enumerate(as_list(parts, (*ref, "parts"))):
            read_content.read_part(draft, SYSTEM, part, (*ref, "parts", index))


def _read_data(draft: Draft, voice: Voice, data: Mapping[str, Any], ref: Ref) -> None:
    kind = str(data.get("mimeType") or data.get("mime_type") or "")
    if kind.startswith("image/"):
        draft.image(voice, images.part_image(data, draft.model), images.part_source(data), ref)
    else:
        draft.sized(voice, images.FILE, ref)


def _pair(value: Mapping[str, Any], numbers: Counter[str]) -> str:
    """The id of a call or an answer; without one, its name and how many of that name were before it."""
    given = optional_text(value.get("id"))
    if given is not None:
        return given
    name = str(value.get("name"))
    numbers[name] += 1
    return f"{name} {numbers[name]}"


def _is_content(parts: Any) -> bool:
    return any(isinstance(part, OBJECT) and "type" not in part and not _PARTS.keys().isdisjoint(part) for part in parts)


_PARTS = {
    "text": "text",
    "functionCall": "call",
    "function_call": "call",
    "functionResponse": "answer",
    "function_response": "answer",
    "inlineData": "data",
    "inline_data": "data",
    "fileData": "file",
    "file_data": "file",
}
