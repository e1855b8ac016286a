"""Files: what is read, what is refused and where, and what comes back."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contextprune.dialects import Lines, apply, dump, load, read
from contextprune.errors import PayloadError

MESSAGE = b'{"role":"user","content":"x"}'
RECORD = b'{"type":"user","uuid":"u","message":{"role":"user","content":"x"}}'
BODY = b'{"messages":[' + MESSAGE + b"]}"

texts = st.text(st.characters(exclude_categories=()), max_size=20)


@pytest.mark.parametrize(
    ("data", "name", "length"),
    [
        (BODY, "openai-chat", 1),
        (b"\xef\xbb\xbf" + BODY, "openai-chat", 1),
        (b"[" + MESSAGE + b"]", "messages", 1),
        (MESSAGE, "messages", 1),
        (MESSAGE + b"\n\n" + MESSAGE + b"\r\n", "messages", 2),
        (RECORD, "claude-code", 1),
        (RECORD + b"\n" + RECORD, "claude-code", 2),
        (BODY + b"\n" + BODY, "openai-chat", 2),
        (BODY + b'\n{"system":"s","messages":[]}\n', "anthropic", 2),
        (b"[]", "messages", 0),
    ],
)
def test_a_file_is_read_by_its_content(data: bytes, name: str, length: int) -> None:
    payload, found = load(data)
    assert found == name
    assert len(payload) == length


def test_one_body_a_line_gives_each_its_own_context() -> None:
    payload, name = load(BODY + b"\n" + BODY)
    assert isinstance(payload, Lines)
    assert [len(read(body, format=name).segments) for body in payload] == [1, 1]


def test_a_line_may_hold_any_line_separator_but_a_newline() -> None:
    payload, _ = load('{"role":"user","content":"a\u2028b\u0085c"}\n'.encode() * 2)
    assert [message["content"] for message in payload] == ["a\u2028b\u0085c"] * 2


def test_a_named_format_is_used() -> None:
    assert load(BODY, "anthropic")[1] == "anthropic"
    assert load(RECORD, "claude-code")[0] == [load(RECORD)[0][0]]
    with pytest.raises(PayloadError, match="known formats"):
        load(BODY, "sharegpt")


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (b"", ""),
        (b"  \n", ""),
        (b"\xff\xfe{\x00", "byte 0"),
        (b'{"messages": "\xe9"}', "byte 14"),
        (b"\x00\x01\x02", "line 1 column 1"),
        (b'{"messages": [\n1,,2]}', "line 2 column 3"),
        (RECORD + b"\n" + b'{"type": \n{"a', "line 2 column 10"),
        (RECORD + b"\n" + b"5", "line 2"),
        (BODY + b"\n" + b'{"x": 1}', "record 2"),
        (b'{"messages": [' + b"9" * 5_000 + b"]}", ""),
        (RECORD + b"\n" + b"9" * 5_000, "line 2"),
        (b"5", ""),
        (b'"text"', ""),
        (b"[1, 2]", ""),
        (b'{"conversations": []}', ""),
    ],
    ids=range(15),
)
def test_junk_is_refused_with_the_place(data: bytes, place: str) -> None:
    with pytest.raises(PayloadError) as caught:
        load(data)
    assert caught.value.where == place


@pytest.mark.parametrize("opening", [b"[", b'{"messages":', b'{"input":[{"type":"x","y":'])
def test_json_that_never_ends_is_refused(opening: bytes) -> None:
    closing = opening.translate(bytes.maketrans(b"[{", b"]}"), b'":,abcdefghijklmnopqrstuvwxyz')[::-1]
    with pytest.raises(PayloadError):  # where the parser bears the depth, the reader refuses the shape
        read(load(opening * 10_000 + b"1" + closing * 10_000)[0])


def test_odd_json_survives() -> None:
    payload, name = load(b'{"a": 1, "a": 2, "temperature": NaN, "input": "\\ud800 \\ud83d\\ude00"}')
    assert payload["a"] == 2
    assert math.isnan(payload["temperature"])
    assert b"\\ud800 \xf0\x9f\x98\x80" in dump(payload, name)


@given(st.lists(st.builds(lambda text: {"role": "user", "content": text}, texts)), st.booleans())
def test_what_is_dumped_is_loaded_again(messages: list[dict[str, str]], lines: bool) -> None:
    whole = [
        {**each, "content": each["content"].encode("utf-16", "surrogatepass").decode("utf-16", "replace")}
        for each in messages
    ]
    payload: Any = Lines(whole) if lines and whole else whole
    data = dump(payload, "messages")
    assert load(data) == (whole, "messages")
    assert data.count(b"\n") == (len(whole) if lines and whole else 1)


@given(texts)
def test_any_text_can_be_written(text: str) -> None:
    assert dump({"input": text}, "openai-responses").decode("utf-8")


def test_an_edited_file_of_lines_is_written_as_lines() -> None:
    payload, name = load(RECORD + b"\n" + RECORD)
    edited = apply(payload, {(1, "message", "content"): "y"})
    assert dump(edited, name).count(b"\n") == 2
    assert [record["message"]["content"] for record in load(dump(edited, name))[0]] == ["x", "y"]


def test_a_payload_that_json_cannot_say_is_refused() -> None:
    ring: list[Any] = []
    ring.append(ring)
    for payload in (ring, {"messages": {1, 2}}):
        with pytest.raises(PayloadError, match="cannot be written"):
            dump(payload, "messages")


def test_torn_lines_of_a_log_are_left_out_and_numbered() -> None:
    payload, name = load(b"\n".join([RECORD, b'{"type": "us', RECORD, b'{"type": "assi']))
    assert name == "claude-code"
    assert len(payload) == 2
    assert payload.torn == (2, 4)


def test_a_torn_request_body_is_an_error() -> None:
    with pytest.raises(PayloadError) as caught:
        load(b"\n".join([BODY, BODY[:20], BODY]))
    assert caught.value.where == "line 2"
