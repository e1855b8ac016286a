from __future__ import annotations

from typing import Any

from contextprune.audit.codex_log import conversations, logged
from contextprune.audit.logged import Logged
from contextprune.dialects import read

META = {"type": "session_meta", "payload": {"id": "s", "instructions": "You are a coding agent."}}


def item(text: str, role: str = "user") -> dict[str, Any]:
    kind = "output_text" if role == "assistant" else "input_text"
    content = [{"type": kind, "text": text}]
    return {"type": "response_item", "payload": {"type": "message", "role": role, "content": content}}


def spent(total: int, tokens: int, cached: int) -> dict[str, Any]:
    last = {"input_tokens": tokens, "cached_input_tokens": cached, "output_tokens": 5}
    info = {"total_token_usage": {"total_tokens": total}, "last_token_usage": last}
    return {"type": "event_msg", "payload": {"type": "token_count", "info": info}}


def test_a_plain_rollout_is_one_conversation() -> None:
    records = [META, item("hi"), item("hello", "assistant")]
    assert list(conversations(records)) == [("", records)]


def test_after_a_compaction_only_what_it_left_is_sent() -> None:
    left = item("the summary")["payload"]
    compacted = {"type": "compacted", "payload": {"message": "", "replacement_history": [left]}}
    records = [META, item("hi"), item("hello", "assistant"), compacted, item("go on")]
    (_, first), (label, second) = conversations(records)
    assert first == records[:3]
    assert label == "part 2"
    assert [segment.text for segment in read(second, format="codex").segments] == [
        "You are a coding agent.", "the summary", "go on",
    ]  # fmt: skip


def test_an_old_compaction_left_its_message() -> None:
    compacted = {"type": "compacted", "payload": {"message": "so far so good"}}
    *_, (_, records) = conversations([META, item("hi"), compacted, item("go on")])
    assert [segment.text for segment in read(records, format="codex").segments][1:] == ["so far so good", "go on"]


def test_tokens_that_are_told_twice_count_once() -> None:
    records = [META, spent(10, 100, 0), spent(10, 100, 0), spent(30, 150, 90), {"type": "event_msg", "payload": {}}]
    assert logged(records) == Logged(2, fresh=160, read=90, output=10)
    assert logged([META]) is None
