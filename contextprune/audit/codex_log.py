"""Codex rollouts: the conversations between compactions, which start the context anew, and the usage reported."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from contextprune.audit.logged import Logged, count


def conversations(records: Sequence[Any]) -> Iterator[tuple[str, list[Any]]]:
    """A label ("" for the first) and the records between compactions; each goes on from what the one before left."""
    head = [record for record in records if _type(record) == "session_meta"]
    part: list[Any] = []
    number = 1
    for record in records:
        if _type(record) == "compacted":
            yield "" if number == 1 else f"part {number}", part
            number += 1
            part = [*head, *_kept(record)]
        part.append(record)
    yield "" if number == 1 else f"part {number}", part


def logged(records: Sequence[Any]) -> Logged | None:
    """The usage that the API reported, a repeated count once; None where it reported nothing."""
    total, last = Logged(), None
    for record in records:
        payload = _payload(record)
        counts = payload.get("info") if payload.get("type") == "token_count" else None
        usage = counts.get("last_token_usage") if isinstance(counts, Mapping) else None
        if isinstance(counts, Mapping) and isinstance(usage, Mapping) and counts.get("total_token_usage") != last:
            last = counts.get("total_token_usage")
            tokens, read = count(usage.get("input_tokens")), count(usage.get("cached_input_tokens"))
            total += Logged(1, max(0, tokens - read), read=min(read, tokens), output=count(usage.get("output_tokens")))
    return total if total.tokens else None


def _type(record: Any) -> Any:
    return record.get("type") if isinstance(record, Mapping) else None


def _payload(record: Any) -> Mapping[str, Any]:
    payload = record.get("payload") if isinstance(record, Mapping) else None
    return payload if isinstance(payload, Mapping) else {}


def _kept(record: Any) -> Iterator[dict[str, Any]]:
    """The records that a compaction left of the history: its items, or its summary alone."""
    payload = _payload(record)
    items = payload.get("replacement_history")
    if isinstance(items, list):
        yield from ({"type": "response_item", "payload": item} for item in items)
    elif isinstance(payload.get("message"), str):
        text = {"type": "input_text", "text": payload["message"]}
        yield {"type": "response_item", "payload": {"type": "message", "role": "user", "content": [text]}}
