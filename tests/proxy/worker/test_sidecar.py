"""The side-car: as many messages as came in, figures that hold, and originals under the names that gateways use."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from contextprune.errors import PayloadError
from contextprune.proxy.replay.tenants import Scoped
from contextprune.proxy.worker import sidecar
from contextprune.pruner import Pruner
from contextprune.storage.store import MemoryStore, Store
from tests import strategies

ROOT = Path(__file__).parents[3]
LOG = "\n".join(f"2024-05-13 09:{n // 60:02}:{n % 60:02} INFO worker: order {n} packed" for n in range(200))
CALL = {"id": "a", "type": "function", "function": {"name": "logs", "arguments": "{}"}}
SESSION: list[dict[str, Any]] = [
    {"role": "system", "content": "You look after a warehouse."},
    {"role": "user", "content": "Which order failed?"},
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "a", "content": LOG},
]


def ask(messages: Any, store: Store | None = None, hashes: bool = False, **more: Any) -> dict[str, Any]:
    """What a gateway gets back for a request of its own."""
    pruner = Pruner(store=store or MemoryStore(), hints=hashes)
    body = json.dumps({"messages": messages, "model": "gpt-5", **more}).encode()
    request = sidecar.read_request(body, "tool" if hashes else "off")
    reply = sidecar.write_reply(request, pruner(request.context), pruner.store.key, pruner.counter)
    told: dict[str, Any] = json.loads(reply.body)
    assert (told["tokens_before"], told["tokens_after"]) == (reply.before, reply.after)
    return told


def test_a_long_result_comes_back_short_and_everything_else_as_it_was() -> None:
    told = ask(SESSION)
    assert told["messages"][:3] == SESSION[:3]
    assert {**told["messages"][3], "content": LOG} == SESSION[3]
    assert len(told["messages"][3]["content"]) < len(LOG)
    assert told["tokens_saved"] == told["tokens_before"] - told["tokens_after"] > 0
    assert told["compression_ratio"] == round(told["tokens_after"] / told["tokens_before"], 4)
    assert told["transforms_applied"]
    assert all(re.fullmatch(r"(prune|digest|merge):tool_result", word) for word in told["transforms_applied"])
    assert "recall=" not in told["messages"][3]["content"]
    assert "hash=" not in told["messages"][3]["content"]


def test_a_recorded_session_shrinks_without_anything_known_of_it() -> None:
    body = json.loads((ROOT / "examples/data/swe.json").read_bytes())
    told = ask(body["messages"])
    assert [m["role"] for m in told["messages"]] == [m["role"] for m in body["messages"]]
    assert told["compression_ratio"] < 0.9
    assert ask(body["messages"], MemoryStore(b"another")) | {"hashes": told["hashes"]} == told


@given(payload=strategies.payloads())
def test_there_are_as_many_messages_and_never_more_tokens(payload: Mapping[str, Any]) -> None:
    if payload.get("messages"):
        told = ask(payload["messages"], hashes=True)
        assert [m["role"] for m in told["messages"]] == [m["role"] for m in payload["messages"]]
        assert told["tokens_after"] <= told["tokens_before"]
        assert len(json.dumps(told["messages"])) <= len(json.dumps(payload["messages"]))


def test_messages_come_back_byte_for_byte_where_nothing_is_gained() -> None:
    messages = b'[ {"role":"user", "content":"h\\u0069", "n": 1e5, "n": 12345678901234567890123} ]'
    request = sidecar.read_request(b'{"model":"m","messages":' + messages + b"}")
    pruner = Pruner(store=MemoryStore())
    reply = sidecar.write_reply(request, pruner(request.context), pruner.store.key, pruner.counter)
    assert reply.body.startswith(b'{"messages":' + messages + b',"tokens_before":')
    assert json.loads(reply.body)["transforms_applied"] == []


def test_messages_in_anthropics_form_are_read_too() -> None:
    blocks = [{"type": "tool_result", "tool_use_id": "a", "content": LOG}]
    call = {"type": "tool_use", "id": "a", "name": "logs", "input": {}}
    told = ask([SESSION[1], {"role": "assistant", "content": [call]}, {"role": "user", "content": blocks}])
    assert told["compression_ratio"] < 0.8
    assert told["messages"][2]["content"][0]["tool_use_id"] == "a"


def test_an_audit_measures_and_changes_nothing() -> None:
    told = ask(SESSION, config={"mode": "audit"})
    assert told["messages"] == SESSION
    assert told["tokens_saved"] > 0


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"{}", b"\xff", b'{"messages":{}}', b'{"messages":[]}', b'{"messages":[1]}', b"[" * 100_000,
        b'{"messages":[{"content":"no role"}]}',
    ],
)  # fmt: skip
def test_a_body_that_makes_no_sense_is_refused(body: bytes) -> None:
    with pytest.raises(PayloadError):
        sidecar.read_request(body)


class Gateway:
    """What LiteLLM's guardrail does with the side-car, in its own order and with its own expressions."""

    HASH = re.compile(r"hash=([a-f0-9]{24})")

    def __init__(self, store: Store) -> None:
        self.store = store

    def compress(self, messages: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[str]]:
        told = ask(messages, self.store, hashes=True, config={"mode": "ccr"})
        assert isinstance(told["messages"], list)
        short = [message for message in told["messages"] if isinstance(message, dict)]
        texts = [message["content"] for message in short if isinstance(message["content"], str)]
        return short, [found for text in texts for found in self.HASH.findall(text)]

    def retrieve(self, found: str, query: str | None = None) -> str | None:
        body = sidecar.retrieve(json.dumps({"key": found, "query": query, "lines": None}).encode(), self.store)
        return None if body is None else json.loads(body)["original_content"]


def test_a_gateway_finds_hashes_in_markers_and_gets_the_originals() -> None:
    gateway = Gateway(Scoped(MemoryStore(), "tenant"))
    short, hashes = gateway.compress(SESSION)
    assert len(short) == len(SESSION)
    assert [gateway.retrieve(found) for found in hashes] == [LOG]
    assert gateway.retrieve(hashes[0], "09:00:17") == LOG.splitlines(keepends=True)[17]
    assert gateway.retrieve(hashes[0], "words that stand in no line") == LOG
    assert gateway.retrieve("b573993006976af767214fac") is None
    assert Gateway(Scoped(gateway.store, "other")).retrieve(hashes[0]) is None


def test_what_a_gateway_sends_again_is_not_shortened_again() -> None:
    gateway = Gateway(MemoryStore())
    short, hashes = gateway.compress(SESSION)
    function = {"name": sidecar.RETRIEVE_TOOL, "arguments": json.dumps({"hash": hashes[0]})}
    loop = [
        *short,
        {"role": "assistant", "content": None, "tool_calls": [{"id": "b", "type": "function", "function": function}]},
        {"role": "tool", "tool_call_id": "b", "content": gateway.retrieve(hashes[0])},
    ]
    assert gateway.compress(loop)[0] == loop


def test_a_text_that_looks_like_a_hash_stays_as_it_is() -> None:
    lines = [f"hash={sidecar.hash_of('abcdefghijk2')} hash=6a61616161616161616161{n:02} line {n} ok" for n in range(90)]
    told = ask([*SESSION[:3], {**SESSION[3], "content": "\n".join(lines)}], hashes=True)
    assert told["messages"][3]["content"] == "\n".join(lines)


@pytest.mark.parametrize("key", ["aaaaaaaaaaaa", "b2c3d4e5f6g7", "zzzzzzzzzzzz"])
def test_a_hash_is_another_spelling_of_a_key(key: str) -> None:
    assert re.fullmatch(r"[a-f0-9]{24}", sidecar.hash_of(key))
    assert sidecar.key_of(sidecar.hash_of(key)) == key


@pytest.mark.parametrize("text", ["", "aaaaaaaaaaaa", "00" * 12, "ff" * 12, "6a" * 11, "é"])
def test_what_is_no_hash_is_no_key(text: str) -> None:
    assert sidecar.key_of(text) is None


def test_a_key_itself_and_lines_are_understood_when_retrieving() -> None:
    store = MemoryStore()
    store.put({store.key(LOG): LOG})
    body = json.dumps({"key": store.key(LOG), "query": None, "lines": "2"}).encode()
    assert json.loads(sidecar.retrieve(body, store) or b"")["original_content"] == LOG.splitlines(keepends=True)[1]
    with pytest.raises(PayloadError, match="counted from 1"):
        sidecar.retrieve(body.replace(b'"2"', b'"two"'), store)
