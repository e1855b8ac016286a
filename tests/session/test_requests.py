"""Where the requests of a conversation end."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from contextprune.context import Context, Kind, Segment
from contextprune.dialects import read
from contextprune.money.tariff import shared
from contextprune.session.replay import replay
from contextprune.session.requests import boundaries
from tests.session.conversations import CHAT, LOG, talk, work
from tests.strategies import payloads, pruner

ANTHROPIC = {
    "system": "Be brief.",
    "messages": [
        {"role": "user", "content": "Why does it fail?"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "c1", "name": "sh", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1", "content": LOG}]},
        {"role": "assistant", "content": "It is the disk."},
        {"role": "user", "content": "Thanks."},
    ],
}
RESPONSES = {
    "instructions": "Be brief.",
    "input": [
        {"role": "user", "content": "Why does it fail?"},
        {"type": "function_call", "call_id": "c1", "name": "sh", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": LOG},
        {"role": "assistant", "content": "It is the disk."},
        {"role": "user", "content": "Thanks."},
    ],
}


@pytest.mark.parametrize("payload", [CHAT, ANTHROPIC, RESPONSES], ids=["chat", "anthropic", "responses"])
def test_a_request_ends_before_each_reply_and_where_the_conversation_awaits_one(payload: object) -> None:
    assert boundaries(read(payload)) == [2, 4, 6]


def test_a_conversation_that_ends_with_a_reply_awaits_none() -> None:
    assert boundaries(read({"messages": CHAT["messages"][:5]})) == [2, 4]


def test_what_one_reply_holds_opens_no_request_of_its_own() -> None:
    searched = [
        {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {}},
        {"type": "web_search_tool_result", "tool_use_id": "s1", "content": []},
        {"type": "text", "text": "Found it."},
    ]
    context = read({"system": "", "messages": [*ANTHROPIC["messages"][:1], {"role": "assistant", "content": searched}]})
    assert boundaries(context) == [1]


def test_segments_whose_turns_nobody_counted_fall_into_requests_by_who_speaks() -> None:
    kinds = (Kind.USER, Kind.TOOL_CALL, Kind.TOOL_RESULT, Kind.REASONING, Kind.ASSISTANT, Kind.USER)
    assert boundaries(Context(tuple(Segment(kind, "x", (i,)) for i, kind in enumerate(kinds)))) == [1, 3, 6]


def test_nothing_was_requested_in_an_empty_conversation() -> None:
    assert boundaries(Context(())) == []


@given(payloads())
def test_requests_of_a_conversation_grow_and_end_before_what_the_model_made(payload: dict[str, object]) -> None:
    context = read(payload)
    ends = boundaries(context)
    assert ends == sorted(set(ends))
    assert all(0 < end <= len(context.segments) for end in ends)
    assert [boundaries(replace(context, segments=context.segments[:end]))[-1] for end in ends] == ends


def test_an_expired_cache_lets_a_pruner_decide_old_blocks_anew_and_they_stay_so() -> None:
    context = talk(*work(30))
    ends = boundaries(context)
    warm, cold = (list(replay(context, pruner(), pauses)) for pauses in ((), {ends[26]}))
    assert not any(request.epoch for request in warm)
    assert [request.epoch for request in cold] == [i == 26 for i in range(len(ends))]
    assert shared(cold[25].after, cold[26].after) < len(cold[25].after)
    assert shared(cold[26].after, cold[-1].after) == len(cold[26].after)
    assert sum(tokens for _, tokens in cold[26].after) < sum(tokens for _, tokens in warm[26].after)
