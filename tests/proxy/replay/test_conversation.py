"""The conversation in a request body: how it recalls, and the body that is sent of it."""

from __future__ import annotations

import json

import pytest

from contextprune.dialects import read
from contextprune.errors import PayloadError
from contextprune.markers import RECALL_TOOL
from contextprune.proxy.job import Job, Task
from contextprune.proxy.replay.conversation import Conversation, parse_body, with_recalls
from contextprune.proxy.replay.recall_tool import Recalls
from contextprune.storage.store import MemoryStore
from tests.proxy.pool.running_pool import body


@pytest.mark.parametrize("sent", [b"{", b"\xff", b"[" + b"9" * 5000 + b"]"])
def test_a_body_that_is_no_json_is_a_payload_error(sent: bytes) -> None:
    with pytest.raises(PayloadError, match="not JSON that can be read"):
        parse_body(sent)


def test_a_body_in_which_nothing_differs_is_the_received_one_itself() -> None:
    job = Job(1, Task.SHORTEN, body("q1", 1), "openai-chat")
    conversation = Conversation(read(json.loads(job.body)), "off", {})
    assert conversation.body(job, {}) is job.body


def test_a_conversation_that_recalls_by_a_tool_carries_it_from_its_first_request_on() -> None:
    recalls = Recalls(MemoryStore())
    job = Job(1, Task.SHORTEN, body("q2", 0), "openai-chat", recall="tool")
    payload = parse_body(job.body)
    conversation = with_recalls(job, recalls, payload, read(payload), remember=True)
    assert conversation.mode == "tool"
    assert json.loads(conversation.body(job, {}))["tools"][0]["function"]["name"] == RECALL_TOOL
