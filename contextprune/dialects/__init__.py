"""Wire formats and session files: recognised by their content, read into segments, edited in place.

Every format is one small file with the same two methods; adding one means adding it to the table below.
"""

from __future__ import annotations

from typing import Any

from contextprune.context import Context
from contextprune.dialects.anthropic import Anthropic
from contextprune.dialects.base import Dialect, apply
from contextprune.dialects.codex import Codex
from contextprune.dialects.files import Lines, dump, parse
from contextprune.dialects.openai_chat import OpenAIChat
from contextprune.dialects.openai_responses import OpenAIResponses
from contextprune.dialects.sessions import Atif, ClaudeCode, Messages
from contextprune.errors import PayloadError

__all__ = ["DIALECTS", "Dialect", "Lines", "apply", "detect", "dump", "load", "read"]

DIALECTS: tuple[Dialect, ...] = (
    Atif(),
    ClaudeCode(),
    Codex(),
    OpenAIResponses(),
    Anthropic(),
    OpenAIChat(),
    Messages(),
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
    raise PayloadError(f"this is no context that we know; known formats: {names}")


def read(payload: Any, query: str | None = None, format: str | None = None) -> Context:  # noqa: A002 - as above
    """The segments of `payload`, whatever its format. Raises PayloadError."""
    return detect(payload, format).read(payload, query)


def load(data: bytes, format: str | None = None) -> tuple[Any, str]:  # noqa: A002 - as above
    """The payload in a file and the name of its dialect.

    A file with one request body a line comes back as `Lines` of bodies, with the dialect of one body: each line is a
    context of its own. Raises PayloadError naming the line or byte where the file cannot be read.
    """
    payload = parse(data)
    if isinstance(payload, dict) and not _accepted(payload, format) and _accepted([payload], format):
        payload = Lines([payload])  # a session or a list of messages of a single line
    if isinstance(payload, Lines) and not _accepted(payload, format):
        return payload, _name_of_bodies(payload, format)
    return payload, detect(payload, format).name


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
