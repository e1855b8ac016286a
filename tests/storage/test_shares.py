"""Room that tenants share: one that writes much takes nothing from those that hold little."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contextprune.errors import StoreError
from contextprune.storage.sqlite import SQLiteStore
from contextprune.storage.store import MemoryStore
from tests.storage.originals import keep

ROOM = 20_000


def put(store: SQLiteStore, tenant: str, text: str) -> str:
    key = store.key(f"{tenant}\0{text}")
    store.put_for(tenant, {key: text})
    return key


def random_text(size: int = 500) -> str:
    return os.urandom(size).hex()


def there(store: SQLiteStore, keys: list[str]) -> list[bool]:
    return [store.get(key) is not None for key in keys]


def held(path: Path) -> dict[bytes, int]:
    """What each tenant holds by the rows themselves."""
    with closing(sqlite3.connect(path)) as connection:
        rows = "SELECT tenant, sum(size) FROM originals JOIN owners USING (key) GROUP BY tenant"
        return dict(connection.execute(rows))


def noted(path: Path) -> dict[bytes, int]:
    """What each tenant holds by the sums that the store keeps."""
    with closing(sqlite3.connect(path)) as connection:
        return dict(connection.execute("SELECT tenant, size FROM shares"))


@pytest.mark.parametrize("quiet", ["little", ""])
def test_a_tenant_that_writes_much_evicts_nothing_of_one_that_holds_little(path: Path, quiet: str) -> None:
    store = SQLiteStore(path, max_bytes=ROOM)
    first = [put(store, quiet, random_text()) for _ in range(5)]
    much = [put(store, "much", random_text()) for _ in range(200)]
    assert all(there(store, first))
    assert sum(there(store, much)) < 40
    assert store.get(much[-1]) is not None


def test_in_memory_the_same_holds_and_what_was_just_written_stays() -> None:
    store = MemoryStore(max_bytes=ROOM)
    first = {store.key(text): text for text in (random_text() for _ in range(5))}
    store.put_for("little", first)
    for _ in range(3):
        much = {store.key(text): text for text in (random_text() for _ in range(14))}
        store.put_for("much", much)
        assert all(store.get(key) for key in first)
        assert all(store.get(key) for key in much)


def test_originals_that_nobody_owns_give_way_where_they_are_the_most(path: Path) -> None:
    store = SQLiteStore(path, max_bytes=ROOM)
    own = [put(store, "little", random_text()) for _ in range(5)]
    nobodys = [keep(store, random_text()) for _ in range(100)]
    assert all(there(store, own))
    assert not store.get(nobodys[0])


def test_a_tenant_alone_has_all_the_room(path: Path) -> None:
    store = SQLiteStore(path, max_bytes=ROOM)
    keys = [put(store, "alone", random_text()) for _ in range(100)]
    assert sum(there(store, keys)) > 0.9 * ROOM / 600
    assert there(store, keys) == sorted(there(store, keys))


def test_of_its_own_a_tenant_gives_up_what_it_used_least_lately(path: Path) -> None:
    store = SQLiteStore(path, max_bytes=ROOM)
    text = random_text()
    key = put(store, "much", text)
    for _ in range(100):
        put(store, "much", random_text())
        put(store, "much", text)
    assert store.get(key) == text


def test_tenants_that_are_made_up_take_no_more_than_their_shares(path: Path) -> None:
    store = SQLiteStore(path, max_bytes=10 * ROOM)
    own = [put(store, "little", random_text()) for _ in range(3)]
    for number in range(40):
        for _ in range(10):
            put(store, f"made up {number}", random_text())
    assert all(there(store, own))


def test_a_call_larger_than_the_store_is_refused_and_evicts_nothing(path: Path) -> None:
    store = SQLiteStore(path, max_bytes=ROOM)
    key = put(store, "little", random_text())
    with pytest.raises(StoreError, match="20,000 bytes"):
        put(store, "much", random_text(30_000))
    assert store.get(key) is not None


@settings(max_examples=15)
@given(steps=st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 9)), max_size=40))
def test_the_sums_are_those_of_the_rows(tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]) -> None:
    path = tmp_path_factory.mktemp("sums") / "originals.sqlite3"
    store = SQLiteStore(path, max_bytes=2_000)
    for tenant, number in steps:
        put(store, tenant, f"{number} " + "x" * 50 * number + random_text(number * 20))
    store.close()
    assert not steps or noted(path) == held(path)


def test_a_file_of_an_earlier_version_gains_shares_and_keeps_its_originals(path: Path) -> None:
    store = SQLiteStore(path, max_bytes=ROOM)
    old = [keep(store, random_text()) for _ in range(5)]
    store.close()
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            "DROP TRIGGER own; DROP TRIGGER use; DROP TRIGGER disown; DROP TABLE owners; DROP TABLE shares"
        )
    later = SQLiteStore(path, max_bytes=ROOM)
    for _ in range(100):
        put(later, "much", random_text())
    assert all(there(later, old))


def test_an_earlier_version_can_go_on_with_the_file(path: Path) -> None:
    store = SQLiteStore(path)
    key = put(store, "little", random_text())
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("INSERT INTO originals VALUES (?, ?, ?, ?, ?)", ("abc", b"", 3, 1e10, b"abc"))
        connection.execute("UPDATE originals SET used = ? WHERE key = ?", (1e10, key))
        assert connection.execute("SELECT used FROM owners").fetchall() == [(1e10,)]
        connection.execute("DELETE FROM originals")
    assert (noted(path), held(path)) == ({}, {})
