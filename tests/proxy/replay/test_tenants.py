"""Tenants: none of them finds what another one put."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contextprune.dialects import read
from contextprune.proxy.job import Answer, Job, Task
from contextprune.proxy.replay.tenants import Homes, Scoped, is_random
from contextprune.proxy.wire.credentials import fingerprint
from contextprune.proxy.worker.answer import Answerer
from contextprune.pruner import Pruner
from contextprune.storage.sqlite import SQLiteStore
from contextprune.storage.store import MemoryStore, Notes, Store

TENANTS = ("", *(fingerprint([(b"authorization", b"Bearer sk-%d" % number)]) for number in range(4)))
TEXTS = st.text(st.characters(), max_size=60)


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "memory":
        yield MemoryStore()
        return
    opened = SQLiteStore(tmp_path / "originals.sqlite3")
    yield opened
    opened.close()


def test_no_key_of_a_tenant_resolves_under_another(store: Store) -> None:
    views = {tenant: Scoped(store, tenant) for tenant in TENANTS}
    texts = [f"text {number}" for number in range(20)]
    keys = {}
    for tenant, view in views.items():
        keys[tenant] = {view.key(text): text for text in texts}
        view.put(keys[tenant])
    for owner, reader in product(TENANTS, TENANTS):
        found = [views[reader].get(key) for key in keys[owner]]
        assert found == (texts if owner == reader else [None] * len(texts))
    assert len({key for each in keys.values() for key in each}) == len(texts) * len(TENANTS)


def test_no_note_of_a_tenant_is_known_to_another(tmp_path: Path) -> None:
    views = {tenant: Scoped(SQLiteStore(tmp_path / "kept"), tenant) for tenant in TENANTS}
    for tenant, view in views.items():
        assert isinstance(view, Notes)
        assert view.noted([b"key"]) == {}
        view.note({b"key": tenant.encode(), b"more": b""})
    for tenant, view in views.items():
        assert view.noted([b"none", b"key"]) == {b"key": tenant.encode()}


@given(owner=st.sampled_from(TENANTS), reader=st.sampled_from(TENANTS), text=TEXTS)
def test_a_key_is_worth_nothing_without_its_tenant(owner: str, reader: str, text: str) -> None:
    store = MemoryStore()
    key = Scoped(store, owner).key(text)
    assert re.fullmatch(r"[a-z2-7]{12}", key)
    Scoped(store, owner).put({key: text})
    assert Scoped(store, reader).get(key) == (text if owner == reader else None)


def test_what_one_tenant_put_cannot_be_found_out_by_putting_it_again(store: Store) -> None:
    first, second = Scoped(store, TENANTS[1]), Scoped(store, TENANTS[2])
    first.put({first.key("secret"): "secret"})
    assert second.get(second.key("secret")) is None
    second.put({second.key("secret"): "secret"})
    assert first.get(first.key("secret")) == second.get(second.key("secret")) == "secret"


@pytest.mark.parametrize("key", ["", "aaaaaaaaaaaa", "\ud800", "é"])
def test_a_key_that_nobody_gave_out_finds_nothing(store: Store, key: str) -> None:
    view = Scoped(store, TENANTS[1])
    view.put({view.key("text"): "text"})
    assert view.get(key) is None


def test_nobodys_keys_are_those_of_the_store_and_its_owner_finds_all(store: Store) -> None:
    nobody, tenant = Scoped(store, ""), Scoped(store, TENANTS[1])
    assert nobody.key("text") == store.key("text")
    tenant.put({tenant.key("text"): "text"})
    assert store.get(tenant.key("text")) == "text"
    assert nobody.get(tenant.key("text")) is None


def test_a_store_without_notes_keeps_none() -> None:
    view = Scoped(MemoryStore(), TENANTS[1])
    view.note({b"key": b"value"})
    assert view.noted([b"key"]) == {}


LOG = "\n".join(f"2024-05-13 09:00:{n:02} INFO worker: order {n} packed at the northern depot" for n in range(60))
ID = "call_8eXd3kQz5aVw1mTn"


def conversation(call: str = ID, *more: dict[str, Any]) -> dict[str, Any]:
    function = {"name": "logs", "arguments": "{}"}
    messages = [
        {"role": "user", "content": "Which order failed?"},
        {"role": "assistant", "tool_calls": [{"id": call, "type": "function", "function": function}]},
        {"role": "tool", "tool_call_id": call, "content": LOG},
    ]
    return {"model": "gpt-5", "messages": [*messages, *more]}


def test_tenants_with_the_same_conversation_get_keys_of_their_own(tmp_path: Path) -> None:
    found = []
    store = SQLiteStore(tmp_path / "kept")
    for tenant in TENANTS[:3]:
        edits = Pruner(store=Scoped(store, tenant))(read(conversation())).edits
        found.append(re.findall(r"recall=(\w{12})", "".join(edits.values())))
    assert all(found)
    assert len({key for keys in found for key in keys}) == sum(map(len, found))


def test_a_conversation_is_at_home_with_the_tenant_who_began_it(tmp_path: Path) -> None:
    store, (_, first, second, *_) = SQLiteStore(tmp_path / "kept"), TENANTS
    assert Homes(store).of(read(conversation()), first) == first
    later = conversation(ID, {"role": "assistant", "content": "Order 3."}, {"role": "user", "content": "Sure?"})
    for homes in (Homes(store), Homes(store)):
        assert homes.of(read(later), second) == first
    assert Homes(store).of(read(conversation(ID[::-1])), second) == second


def test_an_id_that_can_be_guessed_is_no_proof(tmp_path: Path) -> None:
    homes, (_, first, second, *_) = Homes(SQLiteStore(tmp_path / "kept")), TENANTS
    for body in (conversation("call_0"), {"messages": [{"role": "user", "content": "hello"}]}):
        assert [homes.of(read(body), tenant) for tenant in (first, second)] == [first, second]


@pytest.mark.parametrize(
    "call_id",
    [
        "functions.bash:0",
        "functions.get_weather_forecast:12",
        "functions.getUserDataFromServerV2:0",
        "call_0000000000000001",
        "call_1764556800123456",
        "bash-0",
        "tooluse-1-read-file-contents",
        "aaaaaaaaaaaaaaaaaaaaaaaa",
    ],
)
def test_counters_and_names_are_no_random_ids(call_id: str) -> None:
    assert not is_random(call_id, call_id.removeprefix("functions.").partition(":")[0])


@pytest.mark.parametrize(
    "call_id",
    [
        ID,
        "toolu_01A09q90qw90lq917835lq9T",
        "call_abcDEF12ghiJKL34mnoPQR56",
        "chatcmpl-tool-5f1c0a9e8d7b4c3fa2e1d0c9b8a7f6e5",
        "fc_67ca09c5efe0819096d0511c92b8c890096610f474011cc0",
        "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
        "tooluse_kZJMlvQmRJ6eAyJE5GIl7Q",
    ],
)
def test_ids_that_providers_draw_are_random(call_id: str) -> None:
    assert is_random(call_id, "bash")


def test_conversations_with_ids_that_count_are_at_home_with_each_tenant_and_both_recall(tmp_path: Path) -> None:
    for tenant in TENANTS[1:3]:
        store, body = SQLiteStore(tmp_path / "kept"), json.dumps(conversation("functions.logs:0")).encode()
        answer = answered(store, Job(1, Task.SHORTEN, body, "openai-chat", tenant, recall="mcp", seconds=60.0))
        assert answer.body is not None
        for key in re.findall(r"recall=(\w{12})", answer.body.decode()):
            asked = Job(2, Task.RETRIEVE, json.dumps({"key": key}).encode(), tenant=tenant)
            assert json.loads(answered(store, asked).body or b"{}")["original_content"] == LOG


def test_a_guest_recalls_by_the_homes_keys_what_it_has_sent_itself_and_nothing_else(tmp_path: Path) -> None:
    store, (_, host, guest, other, *_) = SQLiteStore(tmp_path / "kept"), TENANTS
    home, visit = Scoped(store, host), Scoped(store, guest, host)
    home.put({home.key(text): text for text in ("shown", "hidden")})
    visit.prove(["shown"])
    assert visit.get(home.key("shown")) == Scoped(store, guest).get(home.key("shown")) == "shown"
    assert visit.get(home.key("hidden")) is None
    assert Scoped(store, other).get(home.key("shown")) is None


def test_a_renewed_credential_recalls_what_the_old_one_was_promised(tmp_path: Path) -> None:
    store, (_, old, new, *_) = SQLiteStore(tmp_path / "kept"), TENANTS
    body = json.dumps(conversation()).encode()
    bodies = []
    for tenant in (old, new):
        answer = answered(store, Job(1, Task.SHORTEN, body, "openai-chat", tenant, recall="mcp", seconds=60.0))
        bodies.append(answer.body or b"")
    assert bodies[0] == bodies[1] != body
    [key, *_] = re.findall(r"recall=(\w{12})", bodies[1].decode())
    asked = Job(2, Task.RETRIEVE, json.dumps({"key": key}).encode(), tenant=new)
    assert json.loads(answered(store, asked).body or b"{}")["original_content"] == LOG


def test_a_guest_finds_the_notes_of_the_home_and_none_of_its_texts(tmp_path: Path) -> None:
    store, (_, host, guest, *_) = SQLiteStore(tmp_path / "kept"), TENANTS
    home, visit = Scoped(store, host), Scoped(store, guest, host)
    home.put({home.key("text"): "text"})
    home.note({b"key": b"value"})
    assert visit.noted([b"key"]) == {b"key": b"value"}
    assert visit.at_home.noted([b"key"]) == {}
    assert (visit.get(home.key("text")), visit.key("text")) == (None, Scoped(store, guest).key("text"))


@pytest.mark.parametrize("recall", ["off", "mcp"])
def test_a_session_goes_on_with_the_same_bytes_after_its_credential_was_renewed(tmp_path: Path, recall: str) -> None:
    more = [{"role": "assistant", "content": "Order 3."}, {"role": "user", "content": "Sure?"}]
    turns = [conversation()["messages"][:1], conversation()["messages"], conversation(ID, *more)["messages"]]
    sent = []
    for turn, tenant in zip(turns, (TENANTS[1], TENANTS[1], TENANTS[2]), strict=True):
        body = json.dumps({"model": "gpt-5", "messages": turn}).encode()
        answer = answered(
            SQLiteStore(tmp_path / "kept"), Job(1, Task.SHORTEN, body, "openai-chat", tenant, recall=recall)
        )
        sent.append(json.loads(answer.body or body)["messages"])
    assert sent[1][2]["content"] != LOG
    assert sent[2][:3] == sent[1]


@given(pair=st.lists(st.sampled_from(TENANTS), min_size=2, max_size=2, unique=True), call=st.sampled_from(["c1", "7"]))
@settings(max_examples=10, deadline=None)
def test_what_the_provider_refused_of_one_tenant_is_decided_anew_for_the_other(pair: list[str], call: str) -> None:
    pruner = Pruner(store=MemoryStore())
    engine = Answerer(pruner.policy, pruner.scorer, pruner.counter, pruner.store)
    body = json.dumps(conversation(call)).encode()
    jobs = [Job(at, Task.SHORTEN, body, "openai-chat", tenant, seconds=60.0) for at, tenant in enumerate(pair)]
    engine.refused(jobs[0])
    first, second = (engine(job, lambda: False) for job in jobs)
    assert (first.status, second.status) == ("passed", "applied")
    assert second.keys == tuple(Scoped(pruner.store, pair[1]).key(text) for text in (LOG,))
    assert Scoped(pruner.store, pair[0]).get(second.keys[0]) is None


def answered(store: Store, job: Job) -> Answer:
    """What a scorer process says that has just started."""
    pruner = Pruner(store=store)
    return Answerer(pruner.policy, pruner.scorer, pruner.counter, store)(job, lambda: False)
