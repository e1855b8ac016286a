"""The bodies that a client sends, and what it changes in them."""

from __future__ import annotations

from typing import Any

import pytest

import contextprune as cp
from contextprune.bench.data import Session
from contextprune.bench.disturbances.cache import blocks_of, is_reminder, pieces_of
from contextprune.bench.disturbances.requests import (
    SHORTEST,
    Recorded,
    recorded,
    with_breakpoint,
    with_new_system,
    with_nonce,
    with_reminders,
)
from contextprune.dialects import read


def session(results: int = 8, size: int = 4_000) -> Session:
    messages: list[dict[str, Any]] = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?"}]
    for number in range(results):
        call = {"id": f"c{number}", "type": "function", "function": {"name": "log", "arguments": f'{{"n": {number}}}'}}
        messages.append({"role": "assistant", "content": "", "tool_calls": [call]})
        messages.append({"role": "tool", "tool_call_id": f"c{number}", "content": f"{number} " * (size // 2)})
    return Session("one", "set", (*messages, {"role": "assistant", "content": "Because."}))


@pytest.fixture
def bodies() -> Recorded:
    ready = recorded(session())
    assert ready is not None
    return ready


def test_there_is_a_request_before_each_reply(bodies: Recorded) -> None:
    assert len(bodies.bodies) == 9


def test_each_request_begins_with_the_one_before(bodies: Recorded) -> None:
    for earlier, later in zip(bodies.bodies, bodies.bodies[1:], strict=False):
        assert later["messages"][: len(earlier["messages"])] == earlier["messages"]


def test_users_and_assistants_take_turns(bodies: Recorded) -> None:
    roles = [message["role"] for message in bodies.bodies[-1]["messages"]]
    assert roles == ["user", "assistant"] * (len(roles) // 2) + ["user"]


def test_bodies_are_read_with_their_results(bodies: Recorded) -> None:
    context = read(bodies.bodies[-1])
    assert sum(segment.kind is cp.Kind.TOOL_RESULT for segment in context.segments) == 8


@pytest.mark.parametrize("small", [session(results=SHORTEST - 2), session(size=100)])
def test_a_session_with_little_in_it_is_left_out(small: Session) -> None:
    assert recorded(small) is None


def test_the_nonce_is_another_one_in_each_request(bodies: Recorded) -> None:
    headers = {with_nonce(body, number, 9)["system"][0]["text"] for number, body in enumerate(bodies.bodies)}
    assert len(headers) == 9


def test_the_nonce_leaves_the_prompt_that_is_cached_as_it_is(bodies: Recorded) -> None:
    body = bodies.bodies[3]
    assert pieces_of(with_nonce(body, 3, 9)) == pieces_of(body)


def test_the_system_prompt_changes_once(bodies: Recorded) -> None:
    texts = [with_new_system(body, number, 9)["system"][-1]["text"] for number, body in enumerate(bodies.bodies)]
    assert [texts[0]] * 4 == texts[:4]
    assert [texts[-1]] * 5 == texts[4:]
    assert texts[0] != texts[-1]


def test_a_reminder_is_there_in_one_request_and_not_in_the_next(bodies: Recorded) -> None:
    sent = [with_reminders(body, number, 9) for number, body in enumerate(bodies.bodies)]
    reminders = [sum(is_reminder(block) for _, block in blocks_of(body)) for body in sent]
    assert reminders == [0, 1, 0, 0, 1, 0, 0, 1, 0]


def test_changes_leave_the_recorded_body_as_it_is(bodies: Recorded) -> None:
    fresh = recorded(session())
    for change in (with_nonce, with_new_system, with_reminders):
        with_breakpoint(change(bodies.bodies[7], 7, 9))
    assert bodies == fresh
