"""Room for notes that tenants share: one that decides much makes those forget nothing that hold little."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contextprune.proxy.replay.impatient import ImpatientStore
from contextprune.proxy.replay.tenants import Scoped
from contextprune.storage.sqlite import SQLiteStore

MOST = 100  # notes
Sums = dict[bytes, tuple[int, int]]


def notes(name: str, count: int, size: int = 40) -> dict[bytes, bytes]:
    return {f"{name} {i}".encode(): os.urandom(size) for i in range(count)}


def by_rows(path: Path) -> Sums:
    """Number and bytes of what each tenant holds by the rows themselves."""
    with closing(sqlite3.connect(path)) as connection:
        rows = "SELECT tenant, count(*), sum(size) FROM notes JOIN note_owners USING (key) GROUP BY tenant"
        return {tenant: (count, size) for tenant, count, size in connection.execute(rows)}


def by_sums(path: Path) -> Sums:
    """The same by what the store keeps of it."""
    with closing(sqlite3.connect(path)) as connection:
        rows = "SELECT tenant, count, size FROM note_shares"
        return {tenant: (count, size) for tenant, count, size in connection.execute(rows)}


@pytest.mark.parametrize("quiet", ["little", ""])
@pytest.mark.parametrize("first", [False, True])
def test_a_tenant_with_many_notes_takes_none_from_one_with_few(path: Path, quiet: str, first: bool) -> None:
    store = SQLiteStore(path, max_notes=MOST)
    few = notes("few", 20)
    store.note_for(quiet, few)
    for round_ in range(40):
        many = notes(f"many {round_}", 10)
        write = store.note_first_for if first else store.note_for
        write("many", many)
        assert store.noted(list(many)) == many
    assert store.noted(list(few)) == few
    assert sum(count for count, _ in by_rows(path).values()) <= MOST


def test_a_tenant_with_large_notes_takes_none_from_one_with_small_ones(path: Path) -> None:
    store = SQLiteStore(path, max_note_bytes=20_000)
    small = notes("small", 20)
    store.note_for("small", small)
    for round_ in range(20):
        store.note_for("large", notes(f"large {round_}", 2, 2000))
    assert store.noted(list(small)) == small
    assert sum(size for _, size in by_rows(path).values()) <= 20_000


def test_notes_that_nobody_owns_give_way_where_they_are_the_most(path: Path) -> None:
    store = SQLiteStore(path, max_notes=MOST)
    own, nobodys = notes("own", 20), notes("nobody", 90)
    store.note_for("one", own)
    store.note(nobodys)
    assert store.noted(list(own)) == own
    assert 0 < len(store.noted(list(nobodys))) < 90


def test_a_tenant_alone_has_all_the_room(path: Path) -> None:
    store = SQLiteStore(path, max_notes=MOST)
    mine = notes("mine", MOST)
    store.note_for("alone", mine)
    assert store.noted(list(mine)) == mine


def test_of_many_tenants_each_keeps_its_share(path: Path) -> None:
    store = SQLiteStore(path, max_notes=MOST)
    held = {f"tenant {i}": notes(f"{i}", 10) for i in range(8)}
    for tenant, its_own in held.items():
        store.note_for(tenant, its_own)
    for i in range(300):
        store.note_for("greedy", notes(f"greedy {i}", 1))
    assert all(store.noted(list(its_own)) == its_own for its_own in held.values())


@pytest.mark.parametrize("impatient", [False, True])
def test_what_the_proxy_notes_is_in_the_room_of_its_tenant(path: Path, impatient: bool) -> None:
    store = SQLiteStore(path)
    within = ImpatientStore(store, store) if impatient else store
    Scoped(within, "one").note(notes("a", 3))
    assert Scoped(within, "one").note_first(notes("b", 4))
    assert not Scoped(within, "one").note_first(notes("b", 4))
    Scoped(within, "two", home="one").note(notes("c", 5))
    Scoped(within, "two", home="one").prove(["a text"])
    assert sorted(count for count, _ in by_rows(path).values()) == [6, 7]


def test_notes_of_an_earlier_version_are_kept_and_nobodys(path: Path) -> None:
    store = SQLiteStore(path)
    old = notes("old", 5)
    store.note_for("one", old)
    store.close()
    with closing(sqlite3.connect(path)) as connection:
        for trigger in ("note_own", "note_resize", "note_disown"):
            connection.execute(f"DROP TRIGGER {trigger}")
        connection.executescript("DROP TABLE note_owners; DROP TABLE note_shares;")
    store = SQLiteStore(path)
    assert store.noted(list(old)) == old
    assert by_rows(path) == {}
    store.note_for("one", notes("new", 2))
    assert [count for count, _ in by_rows(path).values()] == [2]


@settings(max_examples=20, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["", "a", "b", "c"]), st.booleans(), st.integers(0, 30), st.integers(1, 300)),
        max_size=60,
    )
)
def test_the_sums_are_those_of_the_rows(
    tmp_path_factory: pytest.TempPathFactory, writes: list[tuple[str, bool, int, int]]
) -> None:
    path = tmp_path_factory.mktemp("notes") / "store.sqlite3"
    store = SQLiteStore(path, max_notes=20, max_note_bytes=4000)
    for tenant, first, number, size in writes:
        write = store.note_first_for if first else store.note_for
        write(tenant, {f"{number}".encode(): os.urandom(size)})
    store.note({b"last": b"one"})
    assert by_sums(path) == by_rows(path)
    store.close()
