"""Damaged stores: set aside, begun anew, told of, and nothing that is healthy or foreign is ever touched."""

from __future__ import annotations

import logging
import os
import random
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from contextprune.errors import StoreError
from contextprune.storage.damage import find_set_aside, is_damage
from contextprune.storage.sqlite import Patience, SQLiteStore

PAGE = 4096

WRITER = """
import sys
from contextprune.storage.sqlite import SQLiteStore
store = SQLiteStore(sys.argv[1])
text = f"{sys.argv[2]} " * 50
key = store.key(text)
store.put({key: text})
print(key)
"""
OVERWRITER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute("DELETE FROM notes")  # a commit: others read their pages anew
connection.commit()
connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
connection.close()
with open(sys.argv[1], "r+b") as file:
    size = file.seek(0, 2)
    file.seek(4096 * 4)
    file.write(b"\\xa5" * (size - 4096 * 4))
"""


def filled(path: Path, count: int = 60) -> dict[str, str]:
    """A store with so many originals, closed; what they are by key."""
    store = SQLiteStore(path)
    texts = {store.key(text): text for text in (os.urandom(3_000).hex() for _ in range(count))}
    for key, text in texts.items():
        store.put({key: text})
    store.close()
    return texts


def truncate(raw: bytearray) -> None:
    del raw[len(raw) // 2 :]


def zero(raw: bytearray) -> None:
    start = len(raw) // 2 // PAGE * PAGE
    raw[start : start + 20 * PAGE] = bytes(20 * PAGE)


def garble_header(raw: bytearray) -> None:
    raw[:PAGE] = random.Random(7).randbytes(PAGE)


def garble_middle(raw: bytearray) -> None:
    start = len(raw) // 3
    raw[start : start + 30 * PAGE] = random.Random(7).randbytes(30 * PAGE)


def garble_all_but_the_first_pages(raw: bytearray) -> None:
    raw[2 * PAGE :] = random.Random(7).randbytes(len(raw) - 2 * PAGE)


DAMAGES = (truncate, zero, garble_header, garble_middle, garble_all_but_the_first_pages)


def damage(path: Path, change: Callable[[bytearray], None]) -> bytes:
    """Change the bytes of a file that nobody has open; the bytes as they are then."""
    raw = bytearray(path.read_bytes())
    change(raw)
    path.write_bytes(raw)
    return bytes(raw)


def aside(path: Path) -> list[Path]:
    return sorted(
        other
        for other in path.parent.iterdir()
        if ".damaged-" in other.name and other.name[-4:] not in ("-wal", "-shm")
    )


def is_whole(path: Path) -> bool:
    with closing(sqlite3.connect(path)) as connection:
        return bool(connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)])


@pytest.mark.parametrize("change", DAMAGES, ids=lambda change: change.__name__)
def test_a_store_that_is_damaged_when_it_is_opened_gives_way_to_a_new_one(
    path: Path, change: Callable[[bytearray], None]
) -> None:
    filled(path)
    damage(path, change)
    store = SQLiteStore(path)
    key = store.key("text")
    store.put({key: "text"})
    assert store.get(key) == "text"
    store.close()
    assert is_whole(path)
    assert len(aside(path)) == 1


@pytest.mark.parametrize("change", DAMAGES, ids=lambda change: change.__name__)
def test_the_damaged_file_keeps_its_bytes_under_another_name(path: Path, change: Callable[[bytearray], None]) -> None:
    filled(path)
    raw = damage(path, change)
    SQLiteStore(path).key("text")
    assert [other.read_bytes() for other in aside(path)] == [raw]


@pytest.mark.parametrize("change", [truncate, zero, garble_middle], ids=lambda change: change.__name__)
def test_keys_stay_the_same_and_what_can_be_read_is_carried_over(
    path: Path, change: Callable[[bytearray], None]
) -> None:
    texts = filled(path)
    damage(path, change)
    store = SQLiteStore(path)
    assert {store.key(text) for text in texts.values()} == set(texts)
    restored = {key: text for key in texts if (text := store.get(key)) is not None}
    assert restored.items() <= texts.items()
    assert len(restored) >= len(texts) // 4


def test_what_could_not_be_read_is_missing_and_no_error(path: Path) -> None:
    texts = filled(path)
    damage(path, garble_all_but_the_first_pages)
    store = SQLiteStore(path)
    assert {store.get(key) for key in texts} == {None}


def test_one_sentence_says_that_a_store_was_set_aside(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    filled(path)
    damage(path, garble_middle)
    with caplog.at_level(logging.WARNING, "contextprune.store"):
        SQLiteStore(path).key("text")
    [record] = caplog.records
    assert aside(path)[0].name in record.getMessage()
    assert str(path) in record.getMessage()


def test_damage_while_the_store_is_open_is_got_over(path: Path) -> None:
    texts = filled(path)
    store = SQLiteStore(path)
    assert store.get(next(iter(texts))) is not None
    subprocess.run([sys.executable, "-c", OVERWRITER, path], check=True)
    assert {store.get(key) for key in texts} == {None}
    key = store.key("text")
    store.put({key: "text"})
    assert store.get(key) == "text"
    assert len(aside(path)) == 1


def test_processes_that_meet_the_same_damage_set_it_aside_once(path: Path) -> None:
    filled(path)
    damage(path, garble_middle)
    commands = [[sys.executable, "-c", WRITER, str(path), str(number)] for number in range(4)]
    writers = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) for command in commands]
    keys = [writer.communicate()[0].decode().strip() for writer in writers]
    store = SQLiteStore(path)
    assert [store.get(key) for key in keys] == [f"{number} " * 50 for number in range(4)]
    assert len(aside(path)) == 1


def test_a_process_that_has_the_old_file_open_goes_on_in_the_new_one(path: Path) -> None:
    filled(path)
    store = SQLiteStore(path)
    store.key("opens it")
    subprocess.run([sys.executable, "-c", OVERWRITER, path], check=True)
    subprocess.run([sys.executable, "-c", WRITER, path, "other"], check=True, capture_output=True)
    store.put({"k": "text"})
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM originals WHERE key = 'k'").fetchone() == (1,)
    assert len(aside(path)) == 1


def test_keys_of_a_store_that_is_no_more_are_refused_once(path: Path) -> None:
    filled(path)
    store = SQLiteStore(path)
    key = store.key("text")
    subprocess.run([sys.executable, "-c", "import os, sys; os.remove(sys.argv[1])", path], check=True)
    with pytest.raises(StoreError, match="begun anew"):
        store.put({key: "text"})
    key = store.key("text")
    store.put({key: "text"})
    assert store.get(key) == "text"


def test_a_locked_store_is_not_set_aside(path: Path) -> None:
    filled(path)
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreError, match="locked"):
            SQLiteStore(path, patience=Patience(0.05)).put({"k": "text"})
    assert aside(path) == []


def test_a_file_that_is_no_database_and_was_no_store_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(b"not a database at all" * 100)
    with pytest.raises(StoreError, match="CONTEXTPRUNE_STORE=memory"):
        SQLiteStore(path).key("text")
    assert path.read_bytes() == b"not a database at all" * 100
    assert aside(path) == []


def test_a_store_with_a_name_of_its_own_is_known_again_without_its_header(tmp_path: Path) -> None:
    path = tmp_path / "mine.db"
    filled(path)
    damage(path, garble_header)
    SQLiteStore(path).put({"k": "text"})
    assert len(aside(path)) == 1


def test_a_disk_that_damages_one_store_after_the_other_is_reported(path: Path) -> None:
    for _ in range(6):
        filled(path, 20)
        damage(path, garble_header)
    with pytest.raises(StoreError, match="see to the disk"):
        SQLiteStore(path).key("text")


def test_what_lies_aside_is_found_with_what_is_left_of_it(path: Path) -> None:
    filled(path)
    damage(path, zero)
    SQLiteStore(path).key("text")
    [lost] = find_set_aside(path)
    assert lost.path == aside(path)[0]
    assert lost.size >= lost.path.stat().st_size
    assert 15 <= lost.readable < 60


def test_nothing_lies_aside_of_a_healthy_store(path: Path) -> None:
    filled(path)
    assert find_set_aside(path) == []


def test_errors_of_locks_and_full_disks_are_no_damage(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError) as missing:
        sqlite3.connect(tmp_path / "no" / "such" / "folder")
    assert not is_damage(missing.value)
