"""The conversation in a request body as the model is to see it before anything is cut, and the body to send."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, NamedTuple

from contextprune.context import Context, Ref
from contextprune.dialects.splice import splice
from contextprune.errors import PayloadError
from contextprune.proxy.job import Job
from contextprune.proxy.replay.recall_tool import TOOL, Recalls, with_tool


class Conversation(NamedTuple):
    """A conversation with the answers of the recall tool in it.

    mode      how it recalls: "off", "tool" or "mcp"
    answers   texts in place of results of the recall tool
    replaced  the client's own texts in their places
    """

    context: Context
    mode: str
    answers: Mapping[Ref, str]
    replaced: Mapping[Ref, str] = MappingProxyType({})

    def body(self, job: Job, edits: Mapping[Ref, str]) -> bytes:
        """The body to send; the received body itself where nothing differs."""
        body = splice(job.body, {**self.answers, **edits})
        return with_tool(body, job.dialect, self.answers) if self.mode == TOOL else body


def parse_body(body: bytes) -> Any:
    """The JSON of a request body. Raises PayloadError."""
    try:
        return json.loads(body.decode())
    except ValueError as exc:  # no JSON, not in UTF-8, or a number of thousands of digits
        raise PayloadError("the body is not JSON that can be read") from exc


def with_recalls(job: Job, recalls: Recalls, payload: Any, context: Context, *, remember: bool) -> Conversation:
    """The conversation in a body that was parsed to `payload` and read to `context`. Raises StoreError.

    remember   False for requests that count or measure: how the conversation recalls is not noted
    """
    mode = recalls.mode(payload, context, job.dialect, job.recall, remember=remember)
    answers = recalls.answers(context) if mode == TOOL else {}
    replaced = {s.ref: s.text for s in context.segments if s.ref in answers}
    if answers:
        segments = (replace(s, text=answers[s.ref]) if s.ref in answers else s for s in context.segments)
        context = replace(context, segments=tuple(segments))
    return Conversation(context, mode, answers, replaced)
