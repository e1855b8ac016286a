"""One bound over all bodies that are held, and room that comes free again."""

from __future__ import annotations

import asyncio

import pytest

from contextprune.proxy.wire.body import Incoming, NoRoom
from contextprune.proxy.wire.room import Room
from tests.proxy.in_process import Scripted, running, until
from tests.proxy.wire.test_body import coming

CHAT = {"model": "m", "messages": [{"role": "user", "content": "x" * 2000}]}


def test_what_is_taken_comes_free_again() -> None:
    room = Room(10)
    assert room.take(6)
    assert not room.take(5)
    room.free(6)
    assert room.take(10)


def test_a_body_without_room_is_still_there_whole_for_whoever_relays_it() -> None:
    async def read() -> bytes:
        room = Room(3)
        incoming = Incoming(coming(b"ab", b"cd", b"ef"), 5, room)
        with pytest.raises(NoRoom):
            await incoming.read(100)
        body = b"".join([chunk async for chunk in incoming.chunks()])
        incoming.release()
        assert room.size == 0
        return body

    assert asyncio.run(read()) == b"abcdef"


def test_giving_back_is_worth_it_after_much_was_held() -> None:
    room, worth = Room(1 << 30), []
    for step in (lambda: room.take(100 << 20), lambda: room.free(100 << 20), room.give_back):
        step()
        worth.append(room.is_worth_giving_back)
    assert worth == [False, True, False]


def test_beyond_the_bound_requests_are_relayed_as_they_come() -> None:
    with running(scorers=Scripted(), buffered=1000) as proxy:
        got = proxy.post("/v1/chat/completions", CHAT)
        assert (got.status_code, got.headers["x-contextprune-reason"]) == (200, "busy")
        assert proxy.provider.requests[-1].body == got.request.content
        assert proxy.post("/v1/compress", CHAT).status_code == 503
        until(lambda: proxy.app._room.size == 0)
