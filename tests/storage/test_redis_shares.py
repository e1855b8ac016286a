"""A full Redis that tenants share: those who hold little go on, those who hold the most are refused."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from contextprune.errors import StoreError
from contextprune.storage.redis import CHUNK, RedisStore
from tests.redis_server import Server, needed, running

pytestmark = needed

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "where-originals-are-kept.md"


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("redis"), "--maxmemory", "4mb") as server:
        yield server


@pytest.fixture
def store(server: Server) -> Iterator[RedisStore]:
    opened = RedisStore(server.url, seconds=2.0)
    yield opened
    opened.close()


def put(store: RedisStore, tenant: str, size: int = 20_000) -> str:
    text = os.urandom(size).hex()
    key = store.key(f"{tenant}\0{text}")
    store.put_for(tenant, {key: text})
    return key


def fill(store: RedisStore, tenant: str) -> list[str]:
    """Write as a tenant until the Redis is full."""
    keys = []
    for _ in range(2_000):
        try:
            keys.append(put(store, tenant))
        except StoreError:
            return keys
    raise AssertionError("the Redis is never full")


def there(store: RedisStore, keys: list[str]) -> list[bool]:
    return [store.get(key) is not None for key in keys]


@pytest.mark.parametrize("quiet", ["little", ""])
def test_a_tenant_that_fills_a_redis_keeps_nobody_else_from_writing(store: RedisStore, quiet: str) -> None:
    much = fill(store, "much")
    first = [put(store, quiet) for _ in range(5)]
    store.note({b"key": os.urandom(1000)})
    fill(store, "much")
    later = [put(store, quiet) for _ in range(5)]
    assert all(there(store, first + later))
    assert not store.get(much[0])
    assert store.get(much[-1])


def test_a_tenant_alone_is_refused_and_keeps_what_its_markers_name(store: RedisStore) -> None:
    keys = fill(store, "alone")
    with pytest.raises(StoreError, match="is full"):
        put(store, "alone")
    assert all(there(store, keys))


def test_whoever_would_hold_more_than_the_largest_is_refused(store: RedisStore) -> None:
    much = fill(store, "much")
    with pytest.raises(StoreError, match="is full"):
        put(store, "more", 3_300_000)
    assert all(there(store, much))


def test_room_for_a_note_comes_from_whoever_holds_the_most(store: RedisStore) -> None:
    first = [put(store, "little") for _ in range(3)]
    fill(store, "much")
    for number in range(50):
        store.note({b"%d" % number: os.urandom(20_000)})
    assert all(there(store, first))


def test_a_long_text_gives_way_with_all_its_parts(store: RedisStore, server: Server) -> None:
    put(store, "much", CHUNK + 100_000)
    fill(store, "much")
    for _ in range(10):
        put(store, "little")
    with server.admin as admin:
        assert list(admin.scan_iter("contextprune:c:*")) == []


def test_what_was_used_lately_gives_way_later(server: Server) -> None:
    store = RedisStore(server.url, seconds=2.0)
    used = put(store, "much")
    much = fill(store, "much")
    (tenant,) = _tenants(server)
    with server.admin as admin:  # as if all had been written an hour ago, and one text read since
        admin.config_set("maxmemory", "0")
        for member in admin.zrange(f"contextprune:t:{tenant}", 0, -1):
            admin.zadd(f"contextprune:t:{tenant}", {member: time.time() - 3600})
            if not member.endswith(used.encode()):
                admin.expire(f"contextprune:o:{member.decode().partition(':')[2]}", 30 * 86_400 - 3600)
        admin.config_set("maxmemory", "4mb")
    put(store, "little")
    assert store.get(used)
    assert not all(there(store, much))


def test_what_expired_by_itself_is_held_by_nobody(store: RedisStore, server: Server) -> None:
    fill(store, "gone")
    with server.admin as admin:
        admin.delete(*admin.scan_iter("contextprune:o:*"))
    first = [put(store, "little") for _ in range(3)]
    fill(store, "much")
    put(store, "little")
    assert all(there(store, first))


def test_a_user_who_may_not_note_who_holds_what_keeps_originals_and_is_warned_once(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    rights = ["+get", "+set", "+mget", "+getrange", "+expire", "+ping", "+multi", "+exec"]
    with server.admin as admin:
        admin.execute_command("ACL", "SETUSER", "little", "on", ">word", "~contextprune:*", "-@all", *rights)
    store = RedisStore(server.url.replace("127.0.0.1", "little:word@127.0.0.1"))
    assert all(there(store, [put(store, "a"), put(store, "b")]))
    assert caplog.text.count("who holds how much") == 1


def test_the_rights_that_the_page_names_are_enough_to_make_room(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    rights = re.findall(r"ACL SETUSER contextprune .*", PAGE.read_text(encoding="utf-8"))
    with server.admin as admin:
        for line in rights:
            admin.execute_command(*line.replace(">password", ">word").split())
    store = RedisStore(server.url.replace("127.0.0.1", "contextprune:word@127.0.0.1"), seconds=2.0)
    fill(store, "much")
    assert store.get(put(store, "little"))
    assert "who holds how much" not in caplog.text


def _tenants(server: Server) -> list[str]:
    """Those who hold something, the largest first."""
    with server.admin as admin:
        return [tenant.decode() for tenant in admin.zrange("contextprune:held", 0, -1, desc=True)]
