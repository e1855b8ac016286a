from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from typing import Any

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from contextprune.proxy.telemetry.usage import HEAD, TAIL, Tap, Usage
from tests.nightly import NIGHTLY

STREAMED = 40_000 if NIGHTLY else 10_000  # events of a long stream

CHAT = {
    "prompt_tokens": 1000,
    "completion_tokens": 50,
    "total_tokens": 1050,
    "prompt_tokens_details": {"cached_tokens": 600, "cache_write_tokens": 100},
    "completion_tokens_details": {"reasoning_tokens": 20},
}
RESPONSES = {
    "input_tokens": 1000,
    "input_tokens_details": {"cached_tokens": 600, "cache_write_tokens": 100},
    "output_tokens": 50,
    "output_tokens_details": {"reasoning_tokens": 20},
    "total_tokens": 1050,
}
ANTHROPIC = {
    "input_tokens": 300,
    "cache_read_input_tokens": 600,
    "cache_creation_input_tokens": 100,
    "output_tokens": 50,
    "output_tokens_details": {"thinking_tokens": 20},
}
WANTED = Usage(fresh=300, written=100, read=600, output=50, reasoning=20, model="m-1")


def sse(*events: Any, newline: str = "\n") -> bytes:
    parts = [
        f"event: {event.get('type', 'chunk')}{newline}data: {json.dumps(event)}" if isinstance(event, dict) else event
        for event in events
    ]
    return "".join(part + 2 * newline for part in parts).encode()


def chat_events() -> Iterator[Any]:
    for word in ("two", "words"):
        yield {"model": "m-1", "choices": [{"delta": {"content": word}}], "usage": None}
    yield {"model": "m-1", "choices": [], "usage": CHAT}
    yield "data: [DONE]"


def responses_events() -> Iterator[Any]:
    yield {"type": "response.created", "response": {"model": "m-1", "usage": None}}
    yield {"type": "response.output_text.delta", "delta": '"usage": {"input_tokens": 9}'}
    yield {"type": "response.completed", "response": {"model": "m-1", "output": [], "usage": RESPONSES}}


def anthropic_events() -> Iterator[Any]:
    start = {**ANTHROPIC, "output_tokens": 1, "output_tokens_details": None}
    yield {"type": "message_start", "message": {"model": "m-1", "usage": start}}
    yield ": a comment"
    yield {"type": "content_block_delta", "delta": {"text": 'says "usage": {"input_tokens": 9}'}}
    late = {"output_tokens": 50, "output_tokens_details": {"thinking_tokens": 20}, "input_tokens": None}
    yield {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": late}
    yield {"type": "message_stop"}


ANSWERS = {
    "chat": ("application/json", json.dumps({"model": "m-1", "choices": [], "usage": CHAT}).encode()),
    "responses": ("application/json", json.dumps({"model": "m-1", "output": [], "usage": RESPONSES}).encode()),
    "anthropic": ("application/json", json.dumps({"model": "m-1", "content": [], "usage": ANTHROPIC}).encode()),
    "chat events": ("text/event-stream", sse(*chat_events())),
    "responses events": ("text/event-stream", sse(*responses_events())),
    "anthropic events": ("text/event-stream; charset=utf-8", sse(*anthropic_events())),
    "events with CRLF": ("text/event-stream", sse(*anthropic_events(), newline="\r\n")),
    "events with CR": ("text/event-stream", sse(*anthropic_events(), newline="\r")),
    "events of no known type": ("", sse(*chat_events())),
}
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": partial(brotli.compress, quality=5),
    "zstd": zstandard.ZstdCompressor().compress,
}
every_answer = pytest.mark.parametrize("name", ANSWERS)
every_packer = pytest.mark.parametrize("encoding", PACKERS)


def heard(kind: str, encoding: str, *chunks: bytes) -> Usage | None:
    tap = Tap(kind, encoding)
    for chunk in chunks:
        tap.feed(chunk)
    return tap.usage()


@every_answer
@every_packer
def test_every_dialect_is_understood_in_every_encoding(name: str, encoding: str) -> None:
    kind, body = ANSWERS[name]
    assert heard(kind, encoding, PACKERS[encoding](body)) == WANTED


@every_answer
@every_packer
def test_every_split_in_two_gives_the_same(name: str, encoding: str) -> None:
    kind, body = ANSWERS[name]
    packed = PACKERS[encoding](body)
    assert {heard(kind, encoding, packed[:i], packed[i:]) for i in range(len(packed) + 1)} == {WANTED}


@every_answer
@every_packer
@given(st.data())
def test_any_chunks_give_the_same(name: str, encoding: str, data: st.DataObject) -> None:
    kind, body = ANSWERS[name]
    packed = PACKERS[encoding](body)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(packed)), max_size=20)))
    ends = [0, *cuts, len(packed)]
    assert heard(kind, encoding, *(packed[a:b] for a, b in pairwise(ends))) == WANTED
    assert heard(kind, encoding, *(packed[i : i + 1] for i in range(len(packed)))) == WANTED


@every_packer
def test_a_long_stream_is_understood_within_bounded_memory(encoding: str) -> None:
    events = list(anthropic_events())
    middle = [{"type": "content_block_delta", "delta": {"text": f"word {i}"}} for i in range(STREAMED)]
    packed = PACKERS[encoding](sse(*events[:2], *middle, *events[3:]))
    tap = Tap("text/event-stream", encoding)
    for i in range(0, len(packed), 1000):
        tap.feed(packed[i : i + 1000])
        assert len(tap._head) + len(tap._tail) <= HEAD + 2 * TAIL
    assert tap.usage() == WANTED


def test_a_last_event_larger_than_what_is_kept_is_understood() -> None:
    output = [{"type": "message", "content": [{"type": "output_text", "text": "long " * 200_000}]}]
    last = {"type": "response.completed", "response": {"model": "m-1", "output": output, "usage": RESPONSES}}
    body = sse({"type": "response.created", "response": {"model": "m-1", "usage": None}}, last)
    assert len(body) > HEAD + 2 * TAIL
    assert heard("text/event-stream", "", body) == WANTED


def test_a_long_json_answer_is_understood() -> None:
    body = json.dumps({"model": "m-1", "choices": [{"text": 'long "usage": {} ' * 80_000}], "usage": CHAT}).encode()
    assert heard("application/json", "", *(body[i : i + 50_000] for i in range(0, len(body), 50_000))) == WANTED


def test_what_a_model_says_of_usage_in_its_tool_calls_does_not_count() -> None:
    block = {"type": "content_block_start", "content_block": {"input": {"usage": {"input_tokens": 7}}}}
    events = list(anthropic_events())
    assert heard("text/event-stream", "", sse(events[0], block, *events[1:])) == WANTED


def test_a_stream_that_broke_off_tells_what_it_had_told() -> None:
    body = sse(*list(anthropic_events())[:3])
    assert heard("text/event-stream", "", body, b'data: {"type": "mess') == Usage(300, 100, 600, 1, 0, "m-1")
    packed = gzip.compress(body)
    assert heard("text/event-stream", "gzip", packed[:-6]) == Usage(300, 100, 600, 1, 0, "m-1")


def test_running_totals_count_once() -> None:
    running = [{"choices": [{}], "usage": {"prompt_tokens": 10, "completion_tokens": n}} for n in (1, 2, 3)]
    assert heard("text/event-stream", "", sse(*running)) == Usage(fresh=10, output=3)


def test_cache_hits_under_another_name_count() -> None:
    said = {"prompt_tokens": 100, "completion_tokens": 5, "total_tokens": 105, "prompt_cache_hit_tokens": 64}
    assert heard("application/json", "", json.dumps({"usage": said}).encode()) == Usage(36, 0, 64, 5)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"null",
        b"[1, 2]",
        b"[" * 100_000,
        b'{"usage": null}',
        b'{"usage": [1]}',
        b'{"usage": {"input_tokens": "many", "output_tokens": true}}',
        b'{"usage": {"input_tokens": -5, "output_tokens": 1e400}}',
        b'{"usage": {"input_tokens": ' + b"9" * 5000 + b"}}",
        b'{"error": {"message": "no"}}',
        b'data: {"usage": {"input_tokens"\n\n',
        b'data: [{"usage": {"input_tokens": 4}}]\n\n',
        b"\xff\xfe\x00",
    ],
)
def test_what_says_nothing_of_use_is_none(body: bytes) -> None:
    assert heard("application/json", "", body) is None
    assert heard("text/event-stream", "", body) is None


@given(st.text(max_size=40), st.sampled_from([*PACKERS, "?", "GZIP"]), st.lists(st.binary(max_size=200), max_size=8))
def test_nothing_makes_it_raise(kind: str, encoding: str, chunks: list[bytes]) -> None:
    heard(kind, encoding, *chunks)
    heard("application/json", encoding, *chunks)


def test_audio_and_images_are_not_kept() -> None:
    tap = Tap("audio/mpeg")
    tap.feed(bytes(10_000))
    assert not tap._head
    assert tap.usage() is None


def test_it_can_be_asked_twice() -> None:
    kind, body = ANSWERS["anthropic events"]
    tap = Tap(kind, "gzip")
    tap.feed(gzip.compress(body))
    assert tap.usage() == tap.usage() == WANTED


def test_what_entered_the_cache_for_an_hour_is_told_apart() -> None:
    counts = {
        "input_tokens": 3, "cache_read_input_tokens": 600, "cache_creation_input_tokens": 100, "output_tokens": 5,
        "cache_creation": {"ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 80},
    }  # fmt: skip
    usage = heard("application/json", "", json.dumps({"usage": counts}).encode())
    assert usage is not None
    assert (usage.written, usage.hour, usage.input) == (100, 80, 703)


def test_the_cached_tokens_of_a_response_are_read() -> None:
    counts = {"input_tokens": 1000, "input_tokens_details": {"cached_tokens": 896}, "output_tokens": 5}
    usage = heard("application/json", "", json.dumps({"usage": counts}).encode())
    assert usage is not None
    assert (usage.fresh, usage.read, usage.hour) == (104, 896, 0)
