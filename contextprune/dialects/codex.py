"""Codex's own session log, a rollout: Responses items, each in a record `{timestamp, type, payload}` of its line.

What the terminal replays (`event_msg`) stands between the items that the model reads, and passes through.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from contextprune.context import Context, Ref
from contextprune.dialects.base import as_list, as_object, as_text, optional_text
from contextprune.dialects.draft import SYSTEM, Draft
from contextprune.dialects.openai_responses import read_item

_RECORDS = frozenset({"session_meta", "turn_context", "response_item", "event_msg", "compacted"})


class Codex:
    """A rollout: a list of records, those of type `response_item` with a Responses item as their payload.

    A compacted session is read with everything that stood before the compaction.
    """

    name = "codex"

    def accepts(self, payload: Any) -> bool:
        """A list whose records all have a payload, and some a type that only a rollout has."""
        if not isinstance(payload, list | tuple) or not payload:
            return False
        return all(isinstance(record, Mapping) and "payload" in record for record in payload) and any(
            isinstance(record.get("type"), str) and record["type"] in _RECORDS for record in payload
        )

    def read(self, payload: Any, query: str | None = None) -> Context:
        """The instructions of the session, then its items in the order of the file."""
        records = [as_object(value, (index,)) for index, value in enumerate(as_list(payload, ()))]
        draft = Draft(_model_of(records))
        for index, record in enumerate(records):
            ref = (index, "payload")
            if record.get("type") == "session_meta":
                _read_instructions(draft, as_object(record.get("payload"), ref), index)
            elif record.get("type") == "response_item":
                item = as_object(record.get("payload"), ref)
                if item.get("type") != "ghost_snapshot":  # a commit that the harness made for itself
                    read_item(draft, item, ref)
        return draft.context(query)


def _read_instructions(draft: Draft, meta: Mapping[str, Any], index: int) -> None:
    """The system prompt: `base_instructions.text`, in older logs `instructions`."""
    base = meta.get("base_instructions")
    ref: Ref = (index, "payload", "instructions")
    text = meta.get("instructions")
    if isinstance(base, Mapping) and base.get("text") is not None:
        ref, text = (index, "payload", "base_instructions", "text"), base["text"]
    if text is not None:
        draft.text(SYSTEM, as_text(text, ref), ref)


def _model_of(records: Sequence[Mapping[str, Any]]) -> str | None:
    """The model of the last turn."""
    for record in reversed(records):
        turn = record.get("payload") if record.get("type") == "turn_context" else None
        model = optional_text(turn.get("model")) if isinstance(turn, Mapping) else None
        if model is not None:
            return model
    return None
