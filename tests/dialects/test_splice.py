"""Splicing: what is written anew, and that nothing else is touched.

The bodies are written here by a writer of their own, piece by piece, so that it is known without any scanner which
bytes may change.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contextprune.context import Kind, Ref
from contextprune.dialects import apply, read
from contextprune.dialects.splice import splice, value_spans
from contextprune.errors import PayloadError
from contextprune.proxy.replay.recall_tool import with_tool
from tests.strategies import LEXICAL, nasty, payloads, pruner
from tests.tool_outputs import NASTY

ODD = ("1e5", "-0.0", "1E+2", "12345678901234567890123", "1.10", "NaN", "-Infinity", "[ ]", '{"a":[{}, "]}"]}', "null")
SPACES = ("", " ", "\n  ", "\t", "\r\n")

texts = st.text(st.characters(exclude_categories=()), max_size=12) | nasty(2)
seeds = st.integers(0, 2**32 - 1)


class Odd(str):
    """JSON as it stands, for the writer."""

    __slots__ = ()


class Writer:
    """Writes a JSON text in a style of its own, piece by piece, and notes which piece is the text at a ref.

    Objects get strange members, and members twice, of which the last is the true one.
    """

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.plain = self.random.random() < 0.5
        self.wild = self.random.random() < 0.7
        self.spaces = self.random.choice([("",), (" ",), SPACES])
        self.pieces: list[bytes] = []
        self.at: dict[Ref, int] = {}

    def body(self, value: Any) -> bytes:
        self._put(self.random.choice(["", "", "\ufeff", "\n"]))
        self._value(value, ())
        self._blank()
        return b"".join(self.pieces)

    def _put(self, text: str) -> None:
        self.pieces.append(text.encode("utf-8", "backslashreplace"))

    def _blank(self) -> None:
        self._put(self.random.choice(self.spaces))

    def _value(self, value: Any, ref: Ref) -> None:
        if isinstance(value, Odd):
            self._put(value)
        elif isinstance(value, dict):
            self._row("{}", ref, [member for key in value for member in self._members(key, value[key])])
        elif isinstance(value, list):
            self._row("[]", ref, list(enumerate(value)))
        elif isinstance(value, str):
            self.at[ref] = len(self.pieces)
            self._string(value)
        else:
            self._put(json.dumps(value))

    def _members(self, key: str, value: Any) -> Iterator[tuple[str, Any]]:
        if self.wild and self.random.random() < 0.3:
            yield self.random.choice([key, "odd", ""]), Odd(self.random.choice(ODD))
        if self.wild and self.random.random() < 0.2:
            yield key, value
        yield key, value

    def _row(self, brackets: str, ref: Ref, members: Sequence[tuple[str | int, Any]]) -> None:
        self._put(brackets[0])
        for number, (step, item) in enumerate(members):
            self._put("," if number else "")
            self._blank()
            if isinstance(step, str):
                self._string(step)
                self._blank()
                self._put(":")
                self._blank()
            self._value(item, (*ref, step))
            self._blank()
        self._put(brackets[1])

    def _string(self, value: str) -> None:
        text = json.dumps(value, ensure_ascii=self.plain)
        if self.wild and "\\" not in text and self.random.random() < 0.2:
            text = text.replace("/", "\\/").replace("e", "\\u0065")
        self._put(text)


def strings(value: Any, ref: Ref = ()) -> Iterator[Ref]:
    """The ref of every string."""
    if isinstance(value, str):
        yield ref
    elif isinstance(value, dict | list):
        for step, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from strings(item, (*ref, step))


def spelt(text: str) -> str:
    """A text as JSON can say it: neighbouring surrogates are one character."""
    made = json.loads(json.dumps(text))
    assert isinstance(made, str)
    return made


def as_json(value: Any) -> str:
    """For comparing: NaN is not equal to itself."""
    return json.dumps(value, sort_keys=True)


def agreed(one: bytes, other: bytes) -> bytes:
    """The bytes that both begin with."""
    return one[: next((at for at, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), len(one))]


@st.composite
def edited(draw: st.DrawFn) -> tuple[Any, dict[Ref, str]]:
    """A request body as Python has it, and new texts for some of its strings."""
    payload = json.loads(json.dumps(draw(payloads())))
    refs = draw(st.lists(st.sampled_from(list(strings(payload))), max_size=6, unique=True))
    return payload, {ref: spelt(draw(texts)) for ref in refs}


STYLES: list[dict[str, Any]] = [
    {},
    {"ensure_ascii": False},
    {"indent": 2},
    {"indent": "\t", "ensure_ascii": False, "sort_keys": True},
    {"separators": (",", ":")},
    {"separators": (" ,\n", " :\r\n ")},
]


@given(st.binary() | payloads().map(lambda payload: json.dumps(payload).encode()))
def test_no_edits_give_the_received_bytes_back(body: bytes) -> None:
    assert splice(body, {}) is body


@given(edited(), st.sampled_from(STYLES))
def test_a_spliced_body_reads_as_the_edited_payload(case: tuple[Any, dict[Ref, str]], style: dict[str, Any]) -> None:
    payload, edits = case
    body = json.dumps(payload, **style).encode("utf-8", "backslashreplace")
    assert json.loads(splice(body, edits)) == apply(payload, edits)


@given(edited(), seeds)
def test_every_byte_outside_the_edited_literals_is_as_it_was(case: tuple[Any, dict[Ref, str]], seed: int) -> None:
    payload, edits = case
    writer = Writer(seed)
    body = writer.body(payload)
    made = splice(body, edits).decode()
    assert as_json(json.loads(made.removeprefix("\ufeff"))) == as_json(apply(json.loads(body), edits))
    new = {writer.at[ref]: text for ref, text in edits.items()}
    at = 0
    for index, piece in enumerate(map(bytes.decode, writer.pieces)):
        if index in new and json.loads(piece) != new[index]:
            text, at = json.JSONDecoder().raw_decode(made, at)
            assert text == new[index]
        else:
            assert made.startswith(piece, at)
            at += len(piece)
    assert at == len(made)


@given(edited(), seeds)
def test_texts_that_are_there_already_give_the_received_bytes_back(case: tuple[Any, dict[Ref, str]], seed: int) -> None:
    payload, edits = case
    body = Writer(seed).body(payload)
    before = json.loads(body)
    same = {}
    for ref in edits:
        value = before
        for step in ref:
            value = value[step]
        same[ref] = value
    assert splice(body, same) is body


@given(edited(), seeds)
def test_splicing_twice_is_splicing_once(case: tuple[Any, dict[Ref, str]], seed: int) -> None:
    payload, edits = case
    once = splice(Writer(seed).body(payload), edits)
    assert splice(once, edits) is once


@given(edited(), st.sampled_from(STYLES), st.data())
def test_the_order_of_the_edits_does_not_matter_and_one_by_one_is_all_at_once(
    case: tuple[Any, dict[Ref, str]], style: dict[str, Any], data: st.DataObject
) -> None:
    payload, edits = case
    body = json.dumps(payload, **style).encode("utf-8", "backslashreplace")
    made = body
    for ref in data.draw(st.permutations(list(edits))):
        made = splice(made, {ref: edits[ref]})
    assert made == splice(body, edits)


@given(payloads(), st.sampled_from([style for style in STYLES if "sort_keys" not in style]), st.data())
def test_the_next_turn_begins_with_the_bytes_of_this_one(
    payload: dict[str, Any], style: dict[str, Any], data: st.DataObject
) -> None:
    name = "messages" if "messages" in payload else "input"
    history = payload.pop(name)
    cut = data.draw(st.integers(0, len(history)))
    turns = [{**payload, name: history[:cut]}, {**payload, name: history}]
    bodies = [json.dumps(turn, **style).encode("utf-8", "backslashreplace") for turn in turns]
    new = {ref: f"é {ref}" for number, ref in enumerate(strings(turns[1])) if number % 3}
    made = [splice(bodies[k], {ref: new[ref] for ref in strings(turns[k]) if ref in new}) for k in range(2)]
    beyond = len(bodies[0]) - len(agreed(*bodies))  # closing brackets alone: the history stands last
    assert len(agreed(*made)) >= len(made[0]) - beyond


@given(st.binary(max_size=40), st.sampled_from([("a",), (0,), ("a", 0, "b"), (), (0, 0)]), texts)
def test_bytes_of_any_kind_are_spliced_or_refused_with_our_own_error(body: bytes, ref: Ref, text: str) -> None:
    with suppress(PayloadError):
        splice(body, {ref: text})


@given(st.text(st.sampled_from('{}[]",:\\u0a1-e. \n'), max_size=30), st.sampled_from([("a",), (0,), (0, 0)]))
def test_what_python_reads_is_spliced_as_apply_would(body: str, ref: Ref) -> None:
    try:
        payload = json.loads(body)
        expected = apply(payload, {ref: "new"})
    except (json.JSONDecodeError, PayloadError):
        return
    assert as_json(json.loads(splice(body.encode(), {ref: "new"}))) == as_json(expected)


@given(payloads())
def test_what_the_pruner_edits_is_spliced_as_apply_would(payload: dict[str, Any]) -> None:
    body = json.dumps(payload).encode()
    received = json.loads(body)
    edits = pruner(LEXICAL)(read(received)).edits
    made = splice(body, edits)
    assert json.loads(made) == json.loads(json.dumps(apply(received, edits)))
    assert len(made) <= len(body)


@given(texts, st.booleans())
def test_a_new_literal_is_never_longer_than_what_python_writes(text: str, plain: bool) -> None:
    body = json.dumps(["old é"], ensure_ascii=plain).encode()
    theirs = json.dumps([text], ensure_ascii=plain).encode("utf-8", "backslashreplace")
    made = splice(body, {(0,): text})
    assert json.loads(made) == [spelt(text)]
    assert len(made) <= len(theirs)


@given(payloads(), seeds)
def test_all_images_of_a_body_are_replaced_as_apply_would(payload: dict[str, Any], seed: int) -> None:
    body = Writer(seed).body(json.loads(json.dumps(payload)))
    received = json.loads(body)
    edits = {segment.ref: "[image é]" for segment in read(received).segments if segment.kind is Kind.IMAGE}
    assert as_json(json.loads(splice(body, edits))) == as_json(apply(received, edits))


@pytest.mark.parametrize("text", NASTY)
def test_every_nasty_text_is_spliced_in_and_out_again(text: str) -> None:
    for body in (b'["x"]', b'["\\u00e9"]'):
        made = splice(body, {(0,): text})
        assert json.loads(made) == [spelt(text)]
        assert splice(made, {(0,): spelt(text)}) is made


@given(payload=payloads())
def test_the_spans_of_values_are_where_they_begin_and_end(payload: dict[str, Any]) -> None:
    body = json.dumps(payload, indent=1).encode()
    refs: list[Ref] = [(), *((key,) for key in payload), ("absent",), ("model", 0)]
    spans = value_spans(body, refs)
    assert list(spans) == [ref for ref in refs if not ref or (len(ref) == 1 and ref[0] in payload)]
    assert {ref: json.loads(body[start:end]) for ref, (start, end) in spans.items() if ref} == {
        (key,): value for key, value in json.loads(body).items()
    }
    assert spans[()] == (0, len(body))


def test_bytes_that_are_no_utf_8_are_refused_with_their_place() -> None:
    for body in (b'{"a\xff": 1, "tools": []}', b'{"tools": ["\xed\xa0\x80"]}', b"\xfe\xff{}"):
        for use in (
            lambda body: value_spans(body, [("tools",)]),
            lambda body: splice(body, {("tools", 0): "new"}),
            lambda body: with_tool(body, "anthropic"),
        ):
            with pytest.raises(PayloadError, match=r"byte [0-9]+: not UTF-8"):
                use(body)
