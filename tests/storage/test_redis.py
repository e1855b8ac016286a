"""The store on a real Redis: the laws of the other stores, and every way in which a Redis can fail."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import count, pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contextprune.api import compress
from contextprune.errors import SettingsError, StoreError
from contextprune.pruner import Pruner
from contextprune.storage.redis import CHUNK, RedisStore
from contextprune.storage.store import MemoryStore, Notes, open_store
from tests.redis_server import Server, needed, running
from tests.storage.originals import keep

pytestmark = needed

TEXTS = st.text(st.characters(), max_size=200)
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def server(shared: Server) -> Server:
    with shared.admin as admin:
        admin.flushall()
    return shared


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Server]:
    """A Redis that may be killed."""
    with running(tmp_path) as server:
        yield server


@pytest.fixture
def store(server: Server) -> Iterator[RedisStore]:
    opened = RedisStore(server.url)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisStore]:
    with running(tmp_path_factory.mktemp("one")) as server:
        opened = RedisStore(server.url)
        yield opened
        opened.close()


@given(texts=st.lists(TEXTS, max_size=5))
def test_every_text_comes_back_byte_for_byte(one: RedisStore, texts: list[str]) -> None:
    kept = {one.key(text): text for text in texts}
    one.put(kept)
    assert {key: one.get(key) for key in kept} == kept


@given(text=TEXTS)
def test_a_key_is_twelve_characters_and_the_same_each_time(one: RedisStore, text: str) -> None:
    assert re.fullmatch(r"[a-z2-7]{12}", one.key(text))
    assert one.key(text) == one.key(text)


@pytest.mark.parametrize("key", ["", "no such key", "aaaaaaaaaaaa", "\ud800", "é", "*", "1:o:k", "a\r\nFLUSHALL"])
def test_a_key_that_nobody_gave_out_finds_nothing(store: RedisStore, key: str) -> None:
    text = keep(store, "text")
    assert store.get(key) is None
    assert store.get(text) == "text"


def test_of_many_keys_those_that_stand_for_something_are_known(store: RedisStore) -> None:
    key = keep(store, "text")
    assert store.stored([key, *(store.key(str(number)) for number in range(600))]) == [key]


def test_a_key_never_comes_to_stand_for_another_text(store: RedisStore) -> None:
    store.put({"k": "one"})
    with pytest.raises(StoreError, match="another text"):
        store.put({"fine": "fine", "k": "two"})
    assert (store.get("k"), store.get("fine")) == ("one", None)


@pytest.mark.parametrize("size", [CHUNK - 18, CHUNK, 3 * CHUNK + 5])
def test_a_long_text_is_kept_in_parts_of_the_size_allowed(store: RedisStore, server: Server, size: int) -> None:
    text = os.urandom(size).decode("latin-1")
    key = keep(store, text)
    assert store.get(key) == text
    with server.admin as admin:
        assert max(admin.strlen(name) for name in admin.keys("contextprune:[oc]:*")) <= CHUNK + 2


def test_a_long_text_of_which_a_part_is_gone_is_not_found_and_can_be_kept_again(server: Server) -> None:
    clock = count(0, 120)
    store = RedisStore(server.url, clock=lambda: next(clock))
    text = os.urandom(2 * CHUNK).decode("latin-1")
    key = keep(store, text)
    with server.admin as admin:
        assert admin.delete(f"contextprune:c:1:o:{key}") == 1
    assert store.get(key) is None
    keep(store, text)
    assert store.get(key) == text


def test_a_text_beyond_all_measure_is_refused(store: RedisStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("contextprune.storage.redis.MOST_CHUNKS", 1)
    with pytest.raises(StoreError, match="too large"):
        keep(store, os.urandom(2 * CHUNK).decode("latin-1"))


def test_a_text_expires_after_its_last_use(server: Server) -> None:
    clock = count(0, 120)
    store = RedisStore(server.url, max_age_seconds=100, clock=lambda: next(clock))
    used, old = keep(store, "used"), keep(store, "old")
    with server.admin as admin:
        for key in (used, old):
            assert admin.ttl(f"contextprune:o:{key}") > 90
            admin.expire(f"contextprune:o:{key}", 10)
        assert store.get(used) == "used"
        assert admin.ttl(f"contextprune:o:{used}") > 90
        assert admin.ttl(f"contextprune:o:{old}") <= 10
        keep(store, "old")
        assert admin.ttl(f"contextprune:o:{old}") > 90
        assert admin.ttl("contextprune:secret") == -1


def test_damaged_bytes_are_reported_and_never_returned(store: RedisStore, server: Server) -> None:
    key, other = keep(store, "text"), keep(store, "another text")
    with server.admin as admin:
        admin.setrange(f"contextprune:o:{key}", 20, b"xx")
        admin.copy(f"contextprune:o:{other}", "contextprune:o:wrong")
    for damaged in (key, "wrong"):
        with pytest.raises(StoreError, match="damaged"):
            store.get(damaged)


@given(kept=st.dictionaries(st.binary(max_size=20), st.binary(max_size=200), max_size=5))
def test_every_note_comes_back_byte_for_byte(one: RedisStore, kept: dict[bytes, bytes]) -> None:
    one.note(kept)
    assert one.noted(list(kept)) == kept


def test_notes_are_overwritten_expire_and_are_unknown_once_damaged(store: RedisStore, server: Server) -> None:
    assert isinstance(store, Notes)
    store.note({b"a": b"old", b"b": os.urandom(2 * CHUNK)})
    store.note({b"a": b"new"})
    assert store.noted([b"nobody's", b"a"]) == {b"a": b"new"}
    assert len(store.noted([b"b"])[b"b"]) == 2 * CHUNK
    store.note({b"b": b"short"})
    assert store.noted([b"b"]) == {b"b": b"short"}
    with server.admin as admin:
        assert admin.ttl("contextprune:n:61") > 0
        admin.set("contextprune:n:61", b"x")
    assert store.noted([b"a", b"b"]) == {b"b": b"short"}


def test_more_notes_than_one_command_takes_are_found(store: RedisStore) -> None:
    kept = {b"key %d" % number: b"%d" % number for number in range(1200)}
    store.note(kept)
    assert store.noted([b"none", *kept, b"none"]) == kept


def test_nothing_to_keep_or_to_ask_does_not_connect() -> None:
    store = RedisStore("redis://127.0.0.1:1")
    store.put({})
    store.note({})
    assert store.noted([]) == {}


def test_stores_on_one_redis_agree_on_keys_and_on_another_they_do_not(server: Server, own: Server) -> None:
    first, second, other = RedisStore(server.url), RedisStore(server.url), RedisStore(own.url)
    assert first.key("text") == second.key("text") != other.key("text")
    assert second.get(keep(first, "text")) == "text"


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("redis://localhost", "redis://localhost:6379/0"),
        ("rediss://user:hidden@example.org:7000/3", "rediss://example.org:7000/3"),
    ],
)
def test_the_place_is_told_without_the_password(url: str, place: str) -> None:
    opened = open_store(url)
    assert isinstance(opened, RedisStore)
    assert opened.location == place


@pytest.mark.parametrize("url", ["redis://", "redis://:hidden@host:no", "redis://host/name"])
def test_an_address_that_is_none_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(SettingsError, match="the address of a Redis reads") as caught:
        open_store(url)
    assert "hidden" not in str(caught.value)


def test_a_redis_that_would_evict_originals_is_refused_with_advice(own: Server) -> None:
    with own.admin as admin:
        admin.config_set("maxmemory-policy", "allkeys-lru")
        store = RedisStore(own.url)
        with pytest.raises(StoreError, match=r"allkeys-lru.*Set it to noeviction"):
            store.key("text")
        admin.config_set("maxmemory-policy", "noeviction")
    assert store.get(keep(store, "text")) == "text"


def test_a_user_who_may_do_little_can_keep_originals_and_is_warned(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    with server.admin as admin:
        allowed = ["+get", "+set", "+mget", "+getrange", "+expire", "+ping", "+multi", "+exec"]
        admin.execute_command("ACL", "SETUSER", "little", "on", ">word", "~contextprune:*", "-@all", *allowed)
    store = RedisStore(server.url.replace("127.0.0.1", "little:word@127.0.0.1"))
    assert store.get(keep(store, "text")) == "text"
    store.note({b"k": b"v"})
    assert store.noted([b"k"]) == {b"k": b"v"}
    assert "maxmemory-policy" in caplog.text
    assert "word" not in caplog.text


def test_a_wrong_password_is_reported_with_advice_and_not_shown(tmp_path: Path) -> None:
    with running(tmp_path, "--requirepass", "right") as server:
        for url in (server.url, server.url.replace("127", ":mistaken@127")):
            with pytest.raises(StoreError, match="check the address and the password") as caught:
                RedisStore(url).key("text")
            assert "mistaken" not in str(caught.value)
        store = RedisStore(server.url.replace("127", ":right@127"))
        assert store.get(keep(store, "text")) == "text"


def test_a_redis_that_is_down_is_reported_left_alone_and_found_again(own: Server) -> None:
    now = [0.0]
    store = RedisStore(own.url, clock=lambda: now[0])
    key = keep(store, "text")
    own.stop()
    with pytest.raises(StoreError, match=r"cannot be reached.*Start it"):
        store.get(key)
    for number in range(50):
        with pytest.raises(StoreError, match=r"is left alone for 0\.5 s"):
            store.put({str(number): "text"})
    own.start()
    with pytest.raises(StoreError, match="left alone"):
        store.get(key)
    now[0] = 0.6
    assert store.get(key) is None  # nothing was saved to disk: a miss, and no error
    assert store.get(keep(store, "text")) == "text"
    assert store.key("text") == key


def test_a_redis_that_stays_down_is_asked_ever_more_rarely() -> None:
    now, asked = [0.0], 0
    store = RedisStore("redis://127.0.0.1:1", clock=lambda: now[0])
    for _ in range(2_000):
        now[0] += 0.1
        try:
            store.key("text")
        except StoreError as exc:
            asked += "cannot be reached" in str(exc)
    assert 8 <= asked <= 14


@pytest.mark.parametrize("how", ["paused", "stopped"])
def test_a_redis_that_hangs_is_left_alone_most_of_the_time_and_recovers(own: Server, how: str) -> None:
    store = RedisStore(own.url)
    key = keep(store, "text")
    if how == "paused":
        with own.admin as admin:
            admin.client_pause(2_500)
    else:
        own.hang()
    refused = 0
    for _ in range(20):
        with pytest.raises(StoreError) as caught:
            store.get(key)
        refused += "left alone" in str(caught.value)  # without a question to Redis
        time.sleep(0.05)
    assert refused > 10
    if how == "stopped":
        own.go_on()
    assert within(60.0, lambda: store.get(key)) == "text"


def test_a_wiped_redis_is_a_miss_and_keys_stay_as_they_were(store: RedisStore, server: Server) -> None:
    key = keep(store, "text")
    store.note({b"k": b"v"})
    with server.admin as admin:
        admin.flushall()
    assert store.get(key) is None
    assert store.noted([b"k"]) == {}
    assert keep(store, "text") == key
    assert (store.get(key), RedisStore(server.url).get(key)) == ("text", "text")


def test_after_a_wipe_all_processes_come_to_agree_on_one_secret(server: Server) -> None:
    first = RedisStore(server.url)
    old = keep(first, "text")
    with server.admin as admin:
        admin.flushall()
    second = RedisStore(server.url)
    new = keep(second, "text")
    assert new != old
    with pytest.raises(StoreError, match="wiped"):
        first.put({old: "text"})
    assert (keep(first, "text"), first.get(new), second.get(old)) == (new, "text", None)


def test_reading_after_a_wipe_finds_the_new_secret_too(server: Server) -> None:
    first = RedisStore(server.url)
    old = keep(first, "text")
    with server.admin as admin:
        admin.flushall()
    new = keep(RedisStore(server.url), "text")
    assert (first.get(old), first.get(new)) == (None, "text")


def test_a_full_redis_refuses_new_texts_whole_and_gives_back_old_ones(own: Server) -> None:
    store = RedisStore(own.url)
    key = keep(store, "text")
    with own.admin as admin:
        admin.config_set("maxmemory", "1mb")
        texts = [os.urandom(20_000).hex() for _ in range(3)]
        with pytest.raises(StoreError, match="is full: raise its maxmemory"):
            store.put({store.key(text): text for text in texts})
        with pytest.raises(StoreError, match="is full"):
            store.note({b"k": os.urandom(20_000)})
        assert store.get(key) == "text"
        keep(store, "text")
        assert [store.get(store.key(text)) for text in texts] == [None] * 3
        admin.config_set("maxmemory", "0")
    assert store.get(keep(store, texts[0])) == texts[0]


SENDER = """
import json, sys
from contextprune import Pruner, compress
bodies = [json.loads(line) for line in sys.stdin]
pruner = Pruner()
print(json.dumps([compress(body, pruner=pruner).payload for body in bodies]))
"""


def test_a_session_goes_on_in_another_process_with_the_same_bytes(server: Server) -> None:
    body = json.loads((ROOT / "examples/data/swe.json").read_bytes())
    ends = [i for i, message in enumerate(body["messages"]) if message["role"] == "assistant"][2::8]
    turns = [{**body, "messages": body["messages"][:end]} for end in (*ends, None)]
    alone = Pruner(store=MemoryStore(b"other"))
    shapes = [re.sub(r"recall=\w{12}", "recall=", json.dumps(compress(turn, pruner=alone).payload)) for turn in turns]
    sent = [turn for k in range(len(turns)) for turn in sent_by_a_process(server, [turns[k]])]
    assert [re.sub(r"recall=\w{12}", "recall=", json.dumps(turn)) for turn in sent] == shapes
    for earlier, later in pairwise(sent):
        assert later["messages"][: len(earlier["messages"])] == earlier["messages"]
    keys = set(re.findall(r"recall=(\w{12})", json.dumps(sent[-1])))
    store = RedisStore(server.url)
    originals = {message["content"] for message in body["messages"]}
    assert keys
    assert all(store.get(key) in originals for key in keys)


def sent_by_a_process(server: Server, bodies: list[object]) -> list[dict[str, list[object]]]:
    """What a process of its own makes of these requests."""
    done = subprocess.run(
        [sys.executable, "-c", SENDER],
        input="\n".join(map(json.dumps, bodies)),
        env={**os.environ, "CONTEXTPRUNE_STORE": server.url},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: list[dict[str, list[object]]] = json.loads(done.stdout)
    return found


def within(seconds: float, ask: object) -> object:
    """What `ask` says as soon as it says something."""
    assert callable(ask)
    deadline = time.monotonic() + seconds
    while True:
        try:
            return ask()
        except StoreError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
