"""A body that is relayed unread is glanced at: a context in it is seen, in however many pieces it comes."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from contextprune.proxy.wire.glance import Glance, glance_at

JSON = {b"content-type": b"application/json; charset=utf-8"}


@pytest.mark.parametrize(
    ("body", "seen"),
    [
        ({"messages": [{"role": "user", "content": "hello"}]}, True),
        ({"contents": [{"parts": []}]}, True),
        ({"model": "m", "input": "hello"}, True),
        ({"model": "m", "purpose": "the messages"}, False),
        ({"messages": 3}, False),
        ({}, False),
    ],
)
def test_a_context_is_seen(body: object, seen: bool) -> None:
    glance = glance_at(JSON)
    assert glance is not None
    glance.feed(json.dumps(body, indent=2).encode())
    assert glance.seen is seen


@example(113, 114)
@given(st.integers(0, 300), st.integers(0, 300))
def test_a_context_that_comes_in_pieces_is_seen(first: int, second: int) -> None:
    body = json.dumps({"pad": "x" * 100, "contents": [{"parts": ["x" * 100]}]}).encode()
    cuts = sorted({0, min(first, len(body)), min(second, len(body)), len(body)})
    glance = Glance()
    for start, end in pairwise(cuts):
        glance.feed(body[start:end])
    assert glance.seen


def test_what_lies_far_behind_is_not_looked_for() -> None:
    glance = Glance()
    for _ in range(6):
        glance.feed(bytes(1 << 20))
    glance.feed(b'{"messages": []}')
    assert not glance.seen


def test_only_json_is_glanced_at_and_a_packed_one_is_supposed_to_have_a_context() -> None:
    assert glance_at({}) is None
    assert glance_at({b"content-type": b"multipart/form-data"}) is None
    packed = glance_at({**JSON, b"content-encoding": b"gzip"})
    assert packed is not None
    assert packed.seen
