"""The ledger: which beginnings of conversations are the same, and what is remembered of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contextprune.context import Kind, Segment
from contextprune.session.ledger import Entry, Ledger
from contextprune.storage.sqlite import SQLiteStore
from contextprune.storage.store import MemoryStore, Notes

ONE = Segment(Kind.TOOL_RESULT, "one", ("m", 1), turn=1, pair="c1", name="sh")
SEGMENTS = (Segment(Kind.USER, "Go.", ("m", 0)), ONE, Segment(Kind.ASSISTANT, "Done.", ("m", 2), turn=2))
_TEXTS = ("text", "pair", "name", "source")
RECORDS = st.builds(
    Entry,
    st.none() | st.text(st.characters(), max_size=20),
    st.integers(0, 10**6),
    st.integers(0, 10**6),
    st.none()
    | st.lists(st.tuples(st.binary(max_size=16), st.text(max_size=9), st.integers(0, 99)), max_size=3).map(tuple),
    st.booleans(),
)


def records(count: int, text: str | None = None) -> dict[bytes, Entry]:
    return {b"%d" % n: Entry(text, n, n) for n in range(count)}


class Asked(SQLiteStore):
    """A store that tells what it was asked for."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.asked: list[int] = []

    def noted(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        self.asked.append(len(keys))
        return super().noted(keys)


def test_the_longest_known_beginning_is_found() -> None:
    ledger = Ledger()
    known = records(4)
    ledger.keep({key: record for key, record in known.items() if key != b"2"})
    assert ledger.find(list(known)) == [known[b"0"], known[b"1"]]
    assert ledger.find([b"x", b"0"]) == []


def test_what_was_forgotten_is_not_known() -> None:
    ledger = Ledger()
    ledger.keep(records(4))
    ledger.forget()
    assert ledger.find([b"0"]) == []


def test_what_was_used_least_recently_gives_way() -> None:
    known = records(3, "x" * 500)
    ledger = Ledger(max_bytes=2 * known[b"0"].size)
    ledger.keep({key: known[key] for key in (b"0", b"1")})
    ledger.find([b"0"])
    ledger.keep({b"2": known[b"2"]})
    assert [bool(ledger.find([key])) for key in known] == [True, False, True]


def test_a_record_decided_again_replaces_the_old_one() -> None:
    ledger = Ledger()
    ledger.keep(records(1))
    ledger.keep({b"0": Entry("new", 1, 1, ())})
    assert ledger.find([b"0"]) == [Entry("new", 1, 1, ())]


@given(kept=st.lists(RECORDS, min_size=1, max_size=5))
def test_every_record_comes_back_from_the_notes_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, kept: list[Entry]
) -> None:
    store = SQLiteStore(tmp_path_factory.mktemp("notes") / "s.sqlite3")
    named = {b"%d" % n: record for n, record in enumerate(kept)}
    Ledger(store).keep(named)
    assert Ledger(store).find(list(named)) == kept
    store.close()


def test_the_notes_of_a_new_conversation_are_asked_for_few_keys(tmp_path: Path) -> None:
    store = Asked(tmp_path / "s.sqlite3")
    ledger = Ledger(store)
    assert ledger.find([b"%d" % n for n in range(5000)]) == []
    assert store.asked == [16]


def test_of_what_is_in_memory_only_the_last_is_asked_for_again(tmp_path: Path) -> None:
    store = Asked(tmp_path / "s.sqlite3")
    known = records(3000)
    Ledger(store).keep(known)
    ledger = Ledger(store)
    assert ledger.find(list(known)) == list(known.values())
    once = len(store.asked)
    assert ledger.find(list(known)) == list(known.values())
    assert store.asked[once:] == [1]


def test_what_a_wiped_store_has_lost_is_noted_again(tmp_path: Path) -> None:
    known = records(3)
    ledger = Ledger(SQLiteStore(tmp_path / "wiped.sqlite3"))
    ledger.remember(known)
    assert not ledger.agrees(list(known))
    assert Ledger(SQLiteStore(tmp_path / "wiped.sqlite3")).find(list(known)) == list(known.values())
    assert ledger.agrees(list(known))


def test_what_another_process_noted_after_a_wipe_counts(tmp_path: Path) -> None:
    known, other = records(3, "short"), {b"2": Entry(None, 2, 2)}
    Ledger(SQLiteStore(tmp_path / "wiped.sqlite3")).keep(other)
    ledger = Ledger(SQLiteStore(tmp_path / "wiped.sqlite3"))
    ledger.remember(known)
    assert ledger.find(list(known)) == [known[b"0"], known[b"1"], other[b"2"]]


@pytest.mark.parametrize("change", ["body = zeroblob(50)", "body = 'text'", "key = x'00'"])
def test_a_damaged_note_ends_the_known_beginning(tmp_path: Path, change: str) -> None:
    store = SQLiteStore(tmp_path / "s.sqlite3")
    known = records(4)
    Ledger(store).keep(known)
    store.close()
    connection = sqlite3.connect(store.path)
    with connection:
        connection.execute(f"UPDATE notes SET {change} WHERE rowid = 3")
    connection.close()
    assert Ledger(store).find(list(known)) == [known[b"0"], known[b"1"]]


@pytest.mark.parametrize("value", [b"", b"[]", b"[1, 2]", b"\xff", b'["a", 1, 2, [3]]', b"null"])
def test_a_note_that_is_no_record_is_not_known(tmp_path: Path, value: bytes) -> None:
    store = SQLiteStore(tmp_path / "s.sqlite3")
    store.note({b"0": value})
    assert Ledger(store).find([b"0"]) == []


def test_the_file_keeps_notes_and_the_memory_does_not() -> None:
    assert isinstance(SQLiteStore("s.sqlite3"), Notes)
    assert not isinstance(MemoryStore(), Notes)


def test_nothing_new_is_not_written(tmp_path: Path) -> None:
    Ledger(SQLiteStore(tmp_path / "s.sqlite3")).keep({})
    assert not (tmp_path / "s.sqlite3").exists()


def _sizes(found: Mapping[bytes, Entry]) -> list[int]:
    return [record.size for record in found.values()]


def test_a_record_is_as_large_as_its_texts() -> None:
    small, large = _sizes(records(1, "x") | {b"1": Entry("x" * 1000, 1, 1, ((b"k", "y" * 1000, 5),))})
    assert large - small > 2000
