"""Wire formats and session files: recognised by their content, read into segments, edited in place.

Every format is one small file with the same two methods; adding one means adding it to the table below.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from contextprune.context import Context
from contextprune.dialects.ai_sdk import AISDK
from contextprune.dialects.anthropic import Anthropic
from contextprune.dialects.base import Dialect, apply
from contextprune.dialects.bedrock import Bedrock
from contextprune.dialects.codex import Codex
from contextprune.dialects.files import Lines, dump, parse, text_of
from contextprune.dialects.gemini import Gemini
from contextprune.dialects.openai_chat import OpenAIChat
from contextprune.dialects.openai_responses import OpenAIResponses
from contextprune.dialects.plain import Plain
from contextprune.dialects.sessions import Atif, ClaudeCode, Messages
from contextprune.errors import PayloadError

__all__ = ["DIALECTS", "Dialect", "Lines", "apply", "detect", "dump", "load", "load_any", "read"]

DIALECTS: tuple[Dialect, ...] = (
    Atif(),
    ClaudeCode(),
    Codex(),
    OpenAIResponses(),
    Gemini(),
    Bedrock(),
    AISDK(),
    Anthropic(),
    OpenAIChat(),
    Messages(),
    Plain(),
)
"""All known formats, the more telling ones first: the first that accepts a payload reads it."""


def detect(payload: Any, format: str | None = None) -> Dialect:  # noqa: A002 - the word that users know
    """The dialect of `payload`, or the one named. Raises PayloadError where there is none."""
    for dialect in DIALECTS:
        if dialect.name == format or (format is None and dialect.accepts(payload)):
            return dialect
    names = ", ".join(sorted(dialect.name for dialect in DIALECTS))
    if format is not None:
        raise PayloadError(f"no format is called {format!r}; known formats: {names}")
    raise PayloadError(f"this is no context that we know{_advice(payload)}; known formats: {names}")


def read(payload: Any, query: str | None = None, format: str | None = None) -> Context:  # noqa: A002 - as above
    """The segments of `payload`, whatever its format. Raises PayloadError."""
    return detect(payload, format).read(payload, query)


def load(data: bytes, format: str | None = None) -> tuple[Any, str]:  # noqa: A002 - as above
    """The payload in a file and the name of its dialect.

    A file with one request body a line comes back as `Lines` of bodies, with the dialect of one body: each line is a
    context of its own. Raises PayloadError naming the line or byte where the file cannot be read.
    """
    payload = parse(data) if format != Plain.name else text_of(data)
    if isinstance(payload, dict) and not _accepted(payload, format) and _accepted([payload], format):
        payload = Lines([payload])  # a session or a list of messages of a single line
    if isinstance(payload, Lines) and not _accepted(payload, format):
        if payload.torn:
            raise PayloadError("a request body that is not whole", f"line {payload.torn[0]}")
        return payload, _name_of_bodies(payload, format)
    if isinstance(payload, str) and format is None:
        raise PayloadError("a text in JSON is no context")
    return payload, detect(payload, format).name


def load_any(data: bytes, format: str | None = None) -> tuple[Any, str]:  # noqa: A002 - as above
    """As `load`, but what is no conversation in a known format is one plain text, whatever it holds.

    Raises PayloadError where the data looks like a conversation and cannot be read as one, or is no text at all.
    """
    try:
        return load(data, format)
    except PayloadError as exc:
        if format is not None or not data.strip():
            raise
        if _TALKS.match(data[:_LOOKED_AT]) is not None:
            raise PayloadError(f"{exc}; as plain text it is read with the format {Plain.name!r}") from exc
    return text_of(data), Plain.name


_TALKS = re.compile(rb'\s*(?:\{[^\[]{0,9999}"(?:messages|contents)"\s*:\s*\[|\[\s*\{\s*"role"\s*:\s*")')
_LOOKED_AT = 1 << 16  # bytes, or characters, of a file's beginning


def _advice(payload: Any) -> str:
    """What to send in place of objects that people try."""
    first = payload[0] if isinstance(payload, list | tuple) and payload else payload
    if hasattr(first, "content") and hasattr(first, "type") and not isinstance(first, Mapping):
        return " (LangChain's messages: use the package langchain-contextprune, or `convert_to_openai_messages` first)"
    if isinstance(first, Mapping) and "type" in first and "data" in first:
        return " (LangChain's saved messages: `convert_to_openai_messages(messages_from_dict(...))` first)"
    if isinstance(first, Mapping) and "conversations" in first:
        return " (ShareGPT: send its turns as messages with a role and a content)"
    return ""


def _accepted(payload: Any, name: str | None) -> bool:
    return any(dialect.accepts(payload) for dialect in DIALECTS if name in (None, dialect.name))


def _name_of_bodies(bodies: Lines, name: str | None) -> str:
    """The dialect of all bodies; one that says too little to tell is taken for Chat, and does not decide."""
    names = []
    for number, body in enumerate(bodies, start=1):
        try:
            names.append(detect(body, name).name)
        except PayloadError as exc:
            raise PayloadError(str(exc), f"record {number}") from exc
    return next((each for each in names if each != OpenAIChat.name), OpenAIChat.name)
