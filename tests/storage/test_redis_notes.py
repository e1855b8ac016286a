"""Room for notes on a Redis that tenants share: one that decides much makes those forget nothing that hold little."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contextprune.proxy.replay.impatient import ImpatientStore
from contextprune.proxy.replay.tenants import Scoped
from contextprune.storage.redis import CHUNK, RedisStore
from contextprune.storage.redis_notes import OVERHEAD
from tests.redis_server import Server, needed, running

pytestmark = needed

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "where-originals-are-kept.md"
ROOM = 100 * (600 + OVERHEAD)  # a hundred notes of 600 bytes
DAY = 86_400


@pytest.fixture(scope="module")
def own_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def server(own_server: Server) -> Server:
    with own_server.admin as admin:
        admin.flushall()
        admin.config_set("maxmemory", "0")
    return own_server


@pytest.fixture
def store(server: Server) -> Iterator[RedisStore]:
    with_room = opened(server)
    yield with_room
    with_room.close()


def opened(server: Server, room: int = ROOM) -> RedisStore:
    return RedisStore(server.url, seconds=2.0, max_note_bytes=room)


def notes(name: str, count: int, size: int = 500) -> dict[bytes, bytes]:
    return {f"{name} {i}".encode(): os.urandom(size) for i in range(count)}


def by_entries(server: Server) -> Counter[bytes]:
    """Bytes of what each tenant holds by the entries themselves, "" for all."""
    with server.admin as admin:
        sums = Counter[bytes]()
        for name in admin.scan_iter("contextprune:m:*"):
            for entry in admin.zrange(name, 0, -1):
                sums[name.rpartition(b":")[2]] += int(entry.partition(b":")[0]) + OVERHEAD
        sums[b""] = sums.total()
    return sums


def by_sums(server: Server) -> Counter[bytes]:
    """The same by what is added up of it."""
    with server.admin as admin:
        return Counter({name: int(size) for name, size in admin.zrange("contextprune:noted", 0, -1, withscores=True)})


def written(server: Server) -> set[bytes]:
    """The notes that the Redis holds."""
    with server.admin as admin:
        return {bytes.fromhex(name.decode().rpartition(":")[2]) for name in admin.scan_iter("contextprune:n:*")}


@pytest.mark.parametrize("quiet", ["little", ""])
@pytest.mark.parametrize("first", [False, True])
def test_a_tenant_with_many_notes_takes_none_from_one_with_few(
    server: Server, store: RedisStore, quiet: str, first: bool
) -> None:
    few = notes("few", 20)
    store.note_for(quiet, few)
    for round_ in range(40):
        many = notes(f"many {round_}", 10)
        write = store.note_first_for if first else store.note_for
        write("many", many)
        assert store.noted(list(many)) == many
    assert store.noted(list(few)) == few
    assert 80 < len(written(server)) <= 112
    assert by_sums(server)[b""] <= ROOM


def test_a_tenant_with_large_notes_takes_none_from_one_with_small_ones(server: Server, store: RedisStore) -> None:
    small = notes("small", 20)
    store.note_for("small", small)
    for round_ in range(20):
        store.note_for("large", notes(f"large {round_}", 2, 9000))
    assert store.noted(list(small)) == small
    assert by_sums(server)[b""] <= ROOM


def test_of_many_tenants_each_keeps_its_share(store: RedisStore) -> None:
    held = {f"tenant {i}": notes(f"{i}", 10) for i in range(8)}
    for tenant, its_own in held.items():
        store.note_for(tenant, its_own)
    for i in range(150):
        store.note_for("greedy", notes(f"greedy {i}", 1))
    assert all(store.noted(list(its_own)) == its_own for its_own in held.values())


def test_notes_used_least_recently_give_way_and_of_one_conversation_the_last(server: Server, store: RedisStore) -> None:
    for name in ("old", "used", "new"):
        store.note_for("one", notes(name, 30))
    with server.admin as admin:  # as if the first sixty had been written a day ago, and some of them read since
        (name,) = admin.scan_iter("contextprune:m:*")
        for entry, score in admin.zrange(name, 0, 59, withscores=True):
            key = entry.decode().partition(":")[2]
            admin.zadd(name, {entry: score - DAY})
            if not bytes.fromhex(key).startswith(b"used"):
                admin.expire(f"contextprune:n:{key}", 29 * DAY)
    store.note_for("one", notes("newest", 25))
    left = written(server)
    assert [sum(key.startswith(name) for key in left) for name in (b"used", b"new ", b"newest")] == [30, 30, 25]
    assert b"old 0" in left
    assert b"old 29" not in left


def test_a_note_that_is_written_again_counts_once(server: Server, store: RedisStore) -> None:
    for size in (100, 900, 900, 50, CHUNK + 5, 80):
        store.note_for("one", {b"key": os.urandom(size)})
    store.note_first_for("one", {b"key": b"another"})
    assert by_sums(server)[b""] <= 200 + OVERHEAD
    assert by_sums(server) == by_entries(server)


def test_a_long_note_gives_way_with_all_its_parts(server: Server) -> None:
    store = opened(server, room=4 << 20)
    for number in range(6):
        store.note_for("one", {b"%d" % number: os.urandom(CHUNK + 100_000)})
    with server.admin as admin:
        assert len(list(admin.scan_iter("contextprune:c:*"))) == len(written(server)) < 3


def test_what_has_expired_takes_no_room(server: Server, store: RedisStore) -> None:
    for tenant in ("a", "b"):
        store.note_for(tenant, notes(tenant, 40))
    with server.admin as admin:  # as if it were long ago
        for name in [*admin.scan_iter("contextprune:m:*"), "contextprune:writers"]:
            for entry, score in admin.zrange(name, 0, -1, withscores=True):
                admin.zadd(name, {entry: score - 31 * DAY})
        admin.delete(*admin.scan_iter("contextprune:n:*"))
    for number in range(2):
        store.note_for("a", notes(f"again {number}", 1))
    assert len(by_sums(server)) == 3
    kept = notes("c", 85)
    store.note_for("c", kept)
    assert store.noted(list(kept)) == kept
    assert len(by_sums(server)) == 3, "b, which is silent, is struck off"
    assert by_sums(server) == by_entries(server)


def test_notes_take_a_quarter_of_the_memory_that_the_redis_may_use(server: Server) -> None:
    with server.admin as admin:
        admin.config_set("maxmemory", "8mb")
    store = opened(server, room=256 << 20)
    for number in range(60):
        store.note_for("one", notes(f"{number}", 5, 10_000))
    assert by_sums(server)[b""] <= 2 << 20


@pytest.mark.parametrize("impatient", [False, True])
def test_what_the_proxy_notes_is_in_the_room_of_its_tenant(server: Server, store: RedisStore, impatient: bool) -> None:
    within = ImpatientStore(store, store) if impatient else store
    Scoped(within, "one").note(notes("a", 3))
    assert Scoped(within, "one").note_first(notes("b", 4))
    assert not Scoped(within, "one").note_first(notes("b", 4))
    Scoped(within, "two", home="one").note(notes("c", 5))
    Scoped(within, "two", home="one").prove(["a text"])
    with server.admin as admin:
        assert sorted(admin.zcard(name) for name in admin.scan_iter("contextprune:m:*")) == [6, 7]


def test_a_user_who_may_not_count_its_notes_keeps_them_and_is_warned_once(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    rights = re.findall(r"ACL SETUSER contextprune .*", PAGE.read_text(encoding="utf-8"))
    with server.admin as admin:
        admin.execute_command("ACL", "DELUSER", "contextprune")
        admin.execute_command(*rights[0].replace(">password", ">word").split())
    store = RedisStore(server.url.replace("127.0.0.1", "contextprune:word@127.0.0.1"), seconds=2.0)
    kept = notes("a", 3)
    for _ in range(2):
        store.note_for("one", kept)
        store.note_first_for("one", kept)
    assert store.noted(list(kept)) == kept
    assert caplog.text.count("not count its notes") == 1


def test_the_rights_that_the_page_names_are_enough_to_bound_notes(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    rights = re.findall(r"ACL SETUSER contextprune .*", PAGE.read_text(encoding="utf-8"))
    with server.admin as admin:
        for line in rights:
            admin.execute_command(*line.replace(">password", ">word").split())
    url = server.url.replace("127.0.0.1", "contextprune:word@127.0.0.1")
    store = RedisStore(url, seconds=2.0, max_note_bytes=ROOM)
    for number in range(15):
        store.note_for("one", notes(f"{number}", 10))
    assert by_sums(server)[b""] <= ROOM
    assert "not count" not in caplog.text


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.sampled_from(["", "a", "b", "c"]), st.booleans(), st.integers(0, 30), st.integers(1, 300)),
        max_size=60,
    )
)
def test_the_sums_are_those_of_the_entries(server: Server, writes: list[tuple[str, bool, int, int]]) -> None:
    with server.admin as admin:
        admin.flushall()
    store = opened(server, room=20 * OVERHEAD)
    for tenant, first, number, size in writes:
        write = store.note_first_for if first else store.note_for
        write(tenant, {f"{tenant} {number}".encode(): os.urandom(size)})
    store.note({b"last": b"one"})
    assert +by_sums(server) == +by_entries(server)
    assert by_sums(server)[b""] <= 20 * OVERHEAD
    store.close()
