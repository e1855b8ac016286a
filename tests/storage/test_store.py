"""The stores: what goes in comes out byte for byte, and whatever breaks says so."""

from __future__ import annotations

import copy
import os
import pickle
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contextprune.errors import SettingsError, StoreError
from contextprune.storage.sqlite import SQLiteStore
from contextprune.storage.store import MemoryStore, Store, is_marked, location_of, open_store, stored
from tests.storage.originals import keep

TEXTS = st.text(st.characters(), max_size=200)


@given(texts=st.lists(TEXTS, max_size=5))
def test_every_text_comes_back_byte_for_byte(shared: SQLiteStore, texts: list[str]) -> None:
    for store in (shared, MemoryStore()):
        kept = {store.key(text): text for text in texts}
        store.put(kept)
        assert {key: store.get(key) for key in kept} == kept


@given(text=TEXTS)
def test_a_key_is_twelve_characters_and_the_same_each_time(shared: SQLiteStore, text: str) -> None:
    for store in (shared, MemoryStore()):
        assert re.fullmatch(r"[a-z2-7]{12}", store.key(text))
        assert store.key(text) == store.key(text)


def test_a_key_alone_keeps_nothing(store: Store) -> None:
    assert store.get(store.key("text")) is None


@pytest.mark.parametrize("key", ["", "no such key", "aaaaaaaaaaaa", "\ud800", "é", "'; DROP TABLE originals"])
def test_a_key_that_nobody_gave_out_finds_nothing(store: Store, key: str) -> None:
    keep(store, "text")
    assert store.get(key) is None


def test_nothing_to_keep_is_not_an_error(store: Store) -> None:
    store.put({})


def test_a_key_never_comes_to_stand_for_another_text(store: Store) -> None:
    store.put({"k": "one"})
    with pytest.raises(StoreError, match="another text"):
        store.put({"fine": "fine", "k": "two"})
    assert (store.get("k"), store.get("fine")) == ("one", None)


def test_of_many_keys_those_that_stand_for_something_are_known(store: Store) -> None:
    kept = [keep(store, text) for text in ("one", "two")]
    strangers = [store.key(str(number)) for number in range(1_200)]
    assert set(stored(store, [kept[0], *strangers, kept[1]])) == set(kept)
    assert not stored(store, [])


def test_a_text_is_marked_where_the_store_knows_a_key_in_it(store: Store) -> None:
    text = f"[3 lines cut, recall={store.key('text')}]"
    assert not is_marked(store, text)
    keep(store, "text")
    assert is_marked(store, text)


def test_stores_with_different_secrets_give_different_keys(tmp_path: Path) -> None:
    stores: list[Store] = [
        MemoryStore(),
        MemoryStore(b"other"),
        SQLiteStore(tmp_path / "a"),
        SQLiteStore(tmp_path / "b"),
    ]
    assert len({store.key("text") for store in stores}) == 4


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_the_texts_used_least_recently_give_way(kind: str, path: Path) -> None:
    texts = [os.urandom(500).hex() for _ in range(8)]
    store: Store = MemoryStore(max_bytes=5_000) if kind == "memory" else SQLiteStore(path, max_bytes=3_000)
    keys = []
    for text in texts:
        keys.append(keep(store, text))
        keep(store, texts[0])
    kept = [key for key in keys if store.get(key) is not None]
    assert kept[0] == keys[0]
    assert kept[1:] == keys[-(len(kept) - 1) :]
    assert 3 <= len(kept) < 8


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_what_is_larger_than_the_store_is_refused_and_evicts_nothing(kind: str, path: Path) -> None:
    store: Store = MemoryStore(max_bytes=1_000) if kind == "memory" else SQLiteStore(path, max_bytes=1_000)
    key = keep(store, "small")
    with pytest.raises(StoreError, match="1,000 bytes"):
        keep(store, os.urandom(4_000).hex())
    assert store.get(key) == "small"


def test_the_location_chooses_the_store(tmp_path: Path) -> None:
    assert isinstance(open_store("memory"), MemoryStore)
    named, default = open_store(str(tmp_path / "x.db")), open_store(None, tmp_path)
    assert isinstance(named, SQLiteStore)
    assert isinstance(default, SQLiteStore)
    assert (named.path, default.path) == (tmp_path / "x.db", tmp_path / "originals.sqlite3")
    with pytest.raises(SettingsError, match=r"redis://HOST:PORT or rediss://..., not memcached://\.\.\.$"):
        open_store("memcached://user:hidden@localhost")


def test_a_store_in_a_file_names_its_path_and_any_other_its_kind(tmp_path: Path) -> None:
    assert location_of(SQLiteStore(tmp_path / "kept.sqlite3")) == str(tmp_path / "kept.sqlite3")
    assert location_of(MemoryStore()) == "MemoryStore"


def test_a_pickled_memory_store_has_the_originals_and_a_deep_copy_is_the_same_one() -> None:
    store = MemoryStore()
    store.put({store.key("a"): "a"})
    twin = pickle.loads(pickle.dumps(store))
    assert twin.get(store.key("a")) == "a"
    assert copy.deepcopy(store) is store
