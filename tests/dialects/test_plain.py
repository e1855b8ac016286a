"""Plain text: told from conversations, read as one result, given back as text."""

from __future__ import annotations

import pytest

from contextprune.context import Kind
from contextprune.dialects import apply, dump, load, load_any, read
from contextprune.errors import PayloadError


def test_a_text_is_one_result_at_the_empty_place() -> None:
    (segment,) = read("one\ntwo\n").segments
    assert (segment.kind, segment.ref, segment.text) == (Kind.TOOL_RESULT, (), "one\ntwo\n")


def test_an_edit_of_a_text_is_the_new_text() -> None:
    text = "one\ntwo\n"
    assert apply(text, {(): "one\n"}) == "one\n"
    assert apply(text, {(): text}) is text


@pytest.mark.parametrize(
    "data",
    [
        b"2026-11-30 ERROR no connection\n",
        b"# A page\n\nWith words.\n",
        b'[{"id": 1}, {"id": 2}]',
        b'{"items": [{"kind": "Pod"}]}',
        b'{"level":30,"msg":"a"}\n{"level":50,"msg":"b"}\n',
        b"[1, 2",
        b'"a text in JSON"',
        b"\xff\xfeo\x00n\x00e\x00",
        b"caf\xe9\n",
    ],
)
def test_what_is_no_conversation_is_plain_text(data: bytes) -> None:
    payload, name = load_any(data)
    assert name == "text"
    assert isinstance(payload, str)


def test_bytes_that_are_no_utf_8_come_back() -> None:
    payload, name = load_any(b"caf\xe9\n")
    assert dump(payload, name) == b"caf\xe9\n"


@pytest.mark.parametrize("data", [b'{"messages": [{"role": "user"', b'[{"role": "user", "content": "x"},,]'])
def test_a_conversation_that_cannot_be_read_is_no_plain_text(data: bytes) -> None:
    with pytest.raises(PayloadError, match="'text'"):
        load_any(data)
    assert load_any(data, "text") == (data.decode(), "text")


@pytest.mark.parametrize("data", [b"", b" \n", b"\x00\x01\x02", b"\x89PNG\r\n\x1a\n\x00\x00"])
def test_nothing_and_binary_data_are_refused(data: bytes) -> None:
    with pytest.raises(PayloadError):
        load_any(data)


def test_a_file_of_conversations_is_never_plain_text() -> None:
    with pytest.raises(PayloadError):
        load(b"just words")
