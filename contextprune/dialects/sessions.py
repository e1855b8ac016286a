"""Whole sessions: a bare list of messages, Claude Code's own log, and ATIF trajectories.

A session file is not a request: records that no model reads (summaries of the log, snapshots, copies for the screen)
stand between the messages and pass through.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from contextprune.context import Context, Kind, Ref
from contextprune.dialects import ai_sdk, anthropic, bedrock, gemini, openai_chat, openai_responses
from contextprune.dialects import image_tokens as images
from contextprune.dialects.base import OBJECT, as_list, as_object, as_text, optional_text, shown, where
from contextprune.dialects.draft import ASSISTANT, REASONING, SYSTEM, Draft, Voice, call, user
from contextprune.errors import PayloadError

_LOGGED = frozenset({"user", "assistant"})
_LOG_KEYS = frozenset({"uuid", "leafUuid", "sessionId", "messageId"})


class Messages:
    """A bare list of messages, of any of the wire formats; refs start with the index."""

    name = "messages"

    def accepts(self, payload: Any) -> bool:
        """A list whose first item is a message or a Responses item, or an empty list."""
        if not isinstance(payload, list | tuple):
            return False
        if not payload:
            return True
        first = payload[0]
        role = first.get("role") if isinstance(first, Mapping) else getattr(first, "role", None)
        return isinstance(role, str) or openai_responses.has_items(payload)

    def read(self, payload: Any, query: str | None = None) -> Context:
        """The segments of the list, read as the wire format that its blocks show."""
        messages = as_list(payload, ())
        draft = Draft()
        read_message = _reader_for(messages)
        for index, message in enumerate(messages):
            read_message(draft, message, (index,))
        return draft.context(query)


class ClaudeCode:
    """A Claude Code session log: a list of records, those of users and assistants with an Anthropic message inside.

    One API call is logged as several records that share `message.id`; they are one turn, even where results of the
    first parallel calls stand between them. `toolUseResult` repeats the result for the screen and is left alone.
    """

    name = "claude-code"

    def accepts(self, payload: Any) -> bool:
        """A list of records that have a type and either a logged message or the log's own ids."""
        if not isinstance(payload, list | tuple) or not payload:
            return False
        return any(_is_logged(record) for record in payload) or all(_is_record(record) for record in payload)

    def read(self, payload: Any, query: str | None = None) -> Context:
        """The segments of the logged messages, in the order of the file."""
        records = [as_object(value, (index,)) for index, value in enumerate(as_list(payload, ()))]
        draft = Draft(_model_of(records))
        for index, record in enumerate(records):
            if _is_logged(record):
                _read_record(draft, record, index)
        return draft.context(query)


class Atif:
    """A trajectory in the Agent Trajectory Interchange Format, up to v1.8."""

    name = "atif"

    def accepts(self, payload: Any) -> bool:
        """Its schema version says so, or it has an agent and steps."""
        if not isinstance(payload, Mapping):
            return False
        version = payload.get("schema_version")
        named = isinstance(version, str) and version.startswith("ATIF")
        return named or (isinstance(payload.get("steps"), list) and "agent" in payload)

    def read(self, payload: Any, query: str | None = None) -> Context:
        """The segments of the steps; trajectories of sub-agents are contexts of their own and pass through."""
        trajectory = as_object(payload, ())
        agent = trajectory.get("agent")
        draft = Draft(agent.get("model_name") if isinstance(agent, Mapping) else None)
        if isinstance(agent, Mapping):
            draft.schemas(agent, "tool_definitions", ("agent",))
        for index, step in enumerate(as_list(trajectory.get("steps"), ("steps",))):
            _read_step(draft, as_object(step, ("steps", index)), ("steps", index))
        return draft.context(query)


def _reader_for(messages: Any) -> Callable[[Draft, Any, Ref], None]:
    if openai_responses.has_items(messages):
        return openai_responses.read_item
    if gemini.has_contents(messages):
        return gemini.ContentReader()
    if bedrock.has_blocks(messages):
        return bedrock.read_message
    if ai_sdk.has_parts(messages):
        return ai_sdk.read_message
    return anthropic.read_message if anthropic.has_blocks(messages) else openai_chat.read_message


def _is_record(record: Any) -> bool:
    return isinstance(record, Mapping) and isinstance(record.get("type"), str) and not _LOG_KEYS.isdisjoint(record)


def _is_logged(record: Any) -> bool:
    if not isinstance(record, OBJECT) or "role" in record or not isinstance(record.get("type"), str):
        return False
    return record["type"] in _LOGGED and "message" in record


def _model_of(records: Sequence[Mapping[str, Any]]) -> str | None:
    """The model that replied last; errors of the harness are logged as replies of `<synthetic>`."""
    for record in reversed(records):
        message = record.get("message") if record.get("type") == "assistant" else None
        model = optional_text(message.get("model")) if isinstance(message, Mapping) else None
        if model is not None and not model.startswith("<"):
            return model
    return None


def _read_record(draft: Draft, record: Mapping[str, Any], index: int) -> None:
    ref = (index, "message")
    message = as_object(record["message"], ref)
    draft.reply = optional_text(message.get("id")) if record["type"] == "assistant" else None
    by_user = not (record.get("isMeta") or record.get("isSidechain"))
    anthropic.read_message(draft, message, ref, by_user=by_user)


def _read_step(draft: Draft, step: Mapping[str, Any], ref: Ref) -> None:
    voices = {"system": SYSTEM, "user": user(ref), "agent": ASSISTANT}
    source = step.get("source")
    if not isinstance(source, str) or source not in voices:
        raise PayloadError(f"a step's source is system, user or agent, not {shown(source)}", where((*ref, "source")))

    draft.either(REASONING, step.get("reasoning_content"), (*ref, "reasoning_content"))
    _read_parts(draft, voices[source], step.get("message"), (*ref, "message"))
    for index, value in enumerate(as_list(step.get("tool_calls") or (), (*ref, "tool_calls"))):
        at = (*ref, "tool_calls", index)
        tool_call = as_object(value, at)
        voice = call(tool_call.get("tool_call_id"), tool_call.get("function_name"))
        draft.either(voice, tool_call.get("arguments", {}), (*at, "arguments"))
    if step.get("observation") is not None:
        _read_observation(draft, as_object(step["observation"], (*ref, "observation")), (*ref, "observation"))


def _read_observation(draft: Draft, observation: Mapping[str, Any], ref: Ref) -> None:
    for index, value in enumerate(as_list(observation.get("results") or (), (*ref, "results"))):
        at = (*ref, "results", index)
        result = as_object(value, at)
        pair, failed = optional_text(result.get("source_call_id")), result.get("is_error") is True
        voice = Voice(Kind.TOOL_RESULT, editable=True, pair=pair, failed=failed)
        _read_parts(draft, voice, result.get("content"), (*at, "content"))


def _read_parts(draft: Draft, voice: Voice, content: Any, ref: Ref) -> None:
    """A text, or a list of text and image parts; images lie in files beside the trajectory."""
    if content is None or isinstance(content, str):
        draft.either(voice, content, ref)
        return
    for index, value in enumerate(as_list(content, ref)):
        at = (*ref, index)
        part = as_object(value, at)
        if part.get("type") == "text":
            draft.text(voice, as_text(part.get("text"), (*at, "text")), (*at, "text"))
        elif part.get("type") == "image":
            draft.image(voice, images.ANTHROPIC_IMAGE, images.anthropic_source(part), at)
        else:
            draft.opaque(voice, part, at)
