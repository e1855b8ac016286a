"""The file of originals and notes: shared, bounded, kept for its owner, and never wrong."""

from __future__ import annotations

import os
import pickle
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contextprune.errors import StoreError
from contextprune.storage import codec
from contextprune.storage.sqlite import Patience, SQLiteStore
from tests.storage.originals import keep

WRITER = """
import sys
from contextprune.storage.sqlite import SQLiteStore
store, name, most = SQLiteStore(sys.argv[1]), sys.argv[2], int(sys.argv[3])
for number in range(most):
    text = f"{name} {number} " * 50
    key = store.key(text)
    store.put({key: text})
    print(key, number, flush=True)
"""


def test_a_file_opened_again_gives_the_same_keys_and_texts(path: Path) -> None:
    first = SQLiteStore(path)
    key = keep(first, "text")
    first.close()
    assert SQLiteStore(path).key("text") == key
    assert SQLiteStore(path).get(key) == "text"


def test_the_file_is_for_its_owner_alone(path: Path) -> None:
    keep(SQLiteStore(path), "text")
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()} == {0o600}


def test_making_a_store_touches_no_disk(path: Path) -> None:
    SQLiteStore(path)
    assert not path.parent.exists()


def test_a_text_expires_after_its_last_use(path: Path) -> None:
    store = SQLiteStore(path)
    old, used = keep(store, "old"), keep(store, "used")
    rewind(path, 29 * 86_400)
    assert store.get(used) == "used"
    rewind(path, 2 * 86_400)
    assert (store.get(old), store.get(used)) == (None, "used")
    keep(store, "new")
    keep(store, "newer")
    assert rows(path) == 3


def test_a_clock_that_is_a_month_ahead_once_deletes_nothing(path: Path) -> None:
    store = SQLiteStore(path)
    for number in range(20):
        keep(store, f"text {number}")
    rewind(path, 31 * 86_400)
    keep(store, "written with the clock ahead")
    assert rows(path) == 21


def test_what_is_too_old_goes_a_tenth_at_a_time(path: Path) -> None:
    store = SQLiteStore(path)
    for number in range(40):
        keep(store, f"text {number}")
    rewind(path, 31 * 86_400)
    for number in range(2):
        keep(store, f"later {number}")
    assert rows(path) == 40 + 2 - 4


def test_keeping_a_text_again_counts_as_use(path: Path) -> None:
    store = SQLiteStore(path)
    key = keep(store, "text")
    rewind(path, 29 * 86_400)
    keep(store, "text")
    rewind(path, 29 * 86_400)
    assert store.get(key) == "text"


@pytest.mark.parametrize("damage", ["x'00'", "zeroblob(40)", "'text'"])
def test_damaged_bytes_are_reported_and_never_returned(path: Path, damage: str) -> None:
    store = SQLiteStore(path)
    key = keep(store, "text")
    change(path, f"UPDATE originals SET body = {damage}")
    with pytest.raises(StoreError, match="damaged"):
        store.get(key)


def test_a_text_under_a_wrong_key_is_never_returned(path: Path) -> None:
    store = SQLiteStore(path)
    keep(store, "text")
    change(path, "UPDATE originals SET key = 'other'")
    with pytest.raises(StoreError, match="damaged"):
        store.get("other")


def test_another_programs_database_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    change(path, "CREATE TABLE theirs (x)")
    before = path.read_bytes()
    with pytest.raises(StoreError, match="another program"):
        SQLiteStore(path).put({"k": "text"})
    assert path.read_bytes() == before


def test_a_text_larger_than_any_store_takes_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codec, "MOST_BYTES", 1000)
    with pytest.raises(StoreError, match="1,000 that a store takes"):
        keep(SQLiteStore(path), "x" * 1001)


@pytest.mark.parametrize("obstacle", ["folder in place of the file", "file in place of the folder"])
def test_a_path_that_cannot_be_written_is_refused_with_advice(path: Path, obstacle: str) -> None:
    if obstacle.startswith("folder"):
        path.mkdir(parents=True)
    else:
        path.parent.write_text("")
    with pytest.raises(StoreError, match="CONTEXTPRUNE_STORE=memory or to a writable path"):
        SQLiteStore(path).put({"k": "text"})


def test_a_store_works_again_once_the_obstacle_is_gone(path: Path) -> None:
    store = SQLiteStore(path)
    path.mkdir(parents=True)
    with pytest.raises(StoreError):
        store.put({"k": "text"})
    path.rmdir()
    store.put({"k": "text"})
    assert store.get("k") == "text"


def test_a_full_disk_is_reported_and_what_was_acknowledged_stays(path: Path) -> None:
    code = """
import os, resource, sys
from contextprune.storage import codec
from contextprune.storage import codec
from contextprune.errors import StoreError
from contextprune.storage.sqlite import SQLiteStore
store = SQLiteStore(sys.argv[1])
store.put({"first": "text"})
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
try:
    for number in range(100):
        store.put({str(number): os.urandom(20_000).hex()})
except StoreError as exc:
    assert "CONTEXTPRUNE_STORE" in str(exc), exc
    assert number > 0 and store.get("first") == "text"
    for earlier in range(number):
        assert store.get(str(earlier)) is not None
    print("refused")
"""
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("refused\n", "")


def test_a_process_killed_while_writing_loses_nothing_it_acknowledged(path: Path) -> None:
    acknowledged = {}
    for number in range(4):
        command = [sys.executable, "-c", WRITER, str(path), str(number), "1000000"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            first = writer.stdout.readline()
            time.sleep(0.05 * (number + 1))
            writer.send_signal(signal.SIGKILL)
            for line in (first + writer.stdout.read()).splitlines(keepends=True):
                if line.endswith("\n"):
                    key, index = line.split()
                    acknowledged[key] = f"{number} {index} " * 50
    store = SQLiteStore(path)
    assert len(acknowledged) > 4
    assert {key: store.get(key) for key in acknowledged} == acknowledged


def test_processes_that_write_at_once_lose_nothing_and_agree_on_keys(path: Path) -> None:
    commands = [[sys.executable, "-c", WRITER, str(path), name, "150"] for name in ("one", "two", "one")]
    writers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for command in commands]
    said = [writer.communicate()[0].splitlines() for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0, 0]
    assert said[0] == said[2]
    assert rows(path) == 300


def test_threads_share_one_store(path: Path) -> None:
    store, failed = SQLiteStore(path), []

    def work(name: str) -> None:
        for number in range(30):
            text = f"{name} {number}"
            if store.get(keep(store, text)) != text:
                failed.append(text)

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (failed, rows(path)) == ([], 120)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this platform")
def test_a_store_opened_before_a_fork_works_on_both_sides(path: Path) -> None:
    code = """
import os, sys
from contextprune.storage.sqlite import SQLiteStore
store = SQLiteStore(sys.argv[1])
store.put({"before": "before"})
child = os.fork()
for number in range(50):
    key = f"{bool(child)} {number}"
    store.put({key: key})
    assert store.get(key) == key and store.get("before") == "before"
if child:
    assert os.waitpid(child, 0)[1] == 0
"""
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert rows(path) == 101


def change(path: Path, statement: str) -> None:
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(statement)
    connection.close()


def rewind(path: Path, seconds: float) -> None:
    """Let time pass: every last use lies `seconds` further back."""
    for table in ("originals", "notes"):
        change(path, f"UPDATE {table} SET used = used - {seconds}")


def rows(path: Path) -> int:
    connection = sqlite3.connect(path)
    (count,) = connection.execute("SELECT count(*) FROM originals").fetchone()
    connection.close()
    return int(count)


def notes(*numbers: int, size: int = 8) -> dict[bytes, bytes]:
    """Values that cannot be compressed, by key."""
    return {b"key %d" % number: os.urandom(size) for number in numbers}


@given(kept=st.dictionaries(st.binary(max_size=20), st.binary(max_size=200), max_size=5))
def test_every_note_comes_back_byte_for_byte(shared: SQLiteStore, kept: dict[bytes, bytes]) -> None:
    shared.note(kept)
    assert shared.noted(list(kept)) == kept


def test_notes_survive_the_process_and_unknown_keys_are_left_out(path: Path) -> None:
    kept = notes(1, 2)
    first = SQLiteStore(path)
    first.note(kept)
    first.close()
    assert SQLiteStore(path).noted([b"key 2", b"nobody's", b"key 1"]) == kept


def test_a_note_written_again_holds_the_new_value(path: Path) -> None:
    store = SQLiteStore(path)
    store.note(notes(1, 2, size=300))
    new = notes(1)
    store.note(new)
    assert store.noted([b"key 1"]) == new
    assert counted(path) == measured(path)


def test_more_keys_than_a_statement_takes_are_found(path: Path) -> None:
    store = SQLiteStore(path)
    kept = notes(*range(2500))
    store.note(kept)
    assert store.noted([b"none", *kept, b"none"]) == kept


@pytest.mark.parametrize(("most", "most_bytes"), [(40, 1 << 20), (10_000, 3000)])
def test_the_notes_used_least_recently_give_way(path: Path, most: int, most_bytes: int) -> None:
    store = SQLiteStore(path, max_notes=most, max_note_bytes=most_bytes)
    for number in range(100):
        store.note(notes(number, size=64))
        rewind(path, 1.0)
    found = [key in store.noted([key]) for key in notes(*range(100))]
    assert found == sorted(found)
    assert 10 < sum(found) <= 40
    assert counted(path) == measured(path)


def test_of_one_conversation_the_beginning_is_forgotten_last(path: Path) -> None:
    store = SQLiteStore(path, max_notes=10)
    store.note(notes(*range(20)))
    assert list(store.noted(list(notes(*range(20))))) == list(notes(*range(9)))


def test_a_note_expires_after_its_last_use(path: Path) -> None:
    store = SQLiteStore(path)
    kept = notes(1, 2)
    store.note(kept)
    rewind(path, 29 * 86_400)
    assert list(store.noted([b"key 1"])) == [b"key 1"]
    rewind(path, 2 * 86_400)
    assert list(store.noted(list(kept))) == [b"key 1"]
    store.note(notes(3))
    store.note(notes(4))
    assert counted(path)[0] == 3


def test_a_clock_that_is_a_month_ahead_once_deletes_no_notes(path: Path) -> None:
    store = SQLiteStore(path)
    store.note(notes(*range(20)))
    rewind(path, 31 * 86_400)
    store.note(notes(20))
    assert counted(path)[0] == 21
    store.note(notes(21))
    assert counted(path)[0] == 22 - 2


def test_a_note_read_twice_in_a_minute_is_written_to_once(path: Path) -> None:
    store = SQLiteStore(path)
    store.note(notes(1))
    rewind(path, 3600)
    store.noted([b"key 1"])
    once = used(path)
    store.noted([b"key 1"])
    assert used(path) == once


@pytest.mark.parametrize("change", ["body = x'00'", "body = zeroblob(60)", "body = 'text'", "key = x'6b657920'"])
def test_a_damaged_note_is_unknown_and_no_error(path: Path, change: str) -> None:
    store = SQLiteStore(path)
    kept = notes(1, 2)
    store.note(kept)
    changed(path, f"UPDATE notes SET {change} WHERE key = CAST('key 1' AS BLOB)")
    assert store.noted([*kept, b"key "]) == {b"key 2": kept[b"key 2"]}


def test_a_file_of_an_earlier_version_gains_notes_and_keeps_its_originals(path: Path) -> None:
    store = SQLiteStore(path)
    key = keep(store, "text")
    store.close()
    change(path, "DROP TABLE notes")
    change(path, "DELETE FROM meta WHERE name LIKE 'notes%'")
    later, kept = SQLiteStore(path), notes(1)
    assert later.get(key) == "text"
    later.note(kept)
    assert (later.noted([b"key 1"]), later.get(key)) == (kept, "text")
    assert counted(path) == measured(path)


def test_the_store_counts_its_originals(path: Path) -> None:
    store = SQLiteStore(path)
    keep(store, "one")
    keep(store, "two")
    assert store.count() == 2


def test_notes_are_for_the_owner_of_the_file_alone(path: Path) -> None:
    SQLiteStore(path).note(notes(1))
    assert {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()} == {0o600}


def test_no_notes_touch_no_disk(path: Path) -> None:
    store = SQLiteStore(path)
    store.note({})
    assert store.noted([]) == {}
    assert not path.parent.exists()


def test_notes_that_cannot_be_written_are_reported_with_advice(path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(StoreError, match="CONTEXTPRUNE_STORE=memory"):
        SQLiteStore(path).note(notes(1))


def test_threads_and_stores_share_the_notes_of_one_file(path: Path) -> None:
    stores = [SQLiteStore(path), SQLiteStore(path)]
    kept = notes(*range(60))
    pairs = list(kept.items())
    threads = [
        threading.Thread(target=lambda k=k: [stores[k % 2].note(dict([pair])) for pair in pairs[k::4]])
        for k in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert stores[0].noted(list(kept)) == stores[1].noted(list(kept)) == kept


def changed(path: Path, statement: str) -> None:
    """Change the file and see that something did."""
    connection = sqlite3.connect(path)
    with connection:
        assert connection.execute(statement).rowcount == 1
    connection.close()


def counted(path: Path) -> tuple[int, ...]:
    """How many notes there are and their size, as the file counts them."""
    return tuple(n for (n,) in asked(path, "SELECT value FROM meta WHERE name LIKE 'notes%' ORDER BY name"))


def measured(path: Path) -> tuple[int, ...]:
    """The same, counted afresh."""
    return tuple(*asked(path, "SELECT count(*), coalesce(sum(length(body)), 0) FROM notes"))


def used(path: Path) -> list[tuple[float]]:
    return asked(path, "SELECT used FROM notes ORDER BY key")


def asked(path: Path, question: str) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(path)
    rows = connection.execute(question).fetchall()
    connection.close()
    return rows


def test_a_locked_file_is_waited_for_only_so_long(tmp_path: Path) -> None:
    SQLiteStore(tmp_path / "s.sqlite3").key("it exists")
    store = SQLiteStore(tmp_path / "s.sqlite3", patience=Patience(0.05))
    key = store.key("text")
    with closing(sqlite3.connect(tmp_path / "s.sqlite3")) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreError, match="locked"):
            store.put({key: "text"})
    store.put({key: "text"})
    assert store.get(key) == "text"


def test_after_a_wait_in_vain_the_next_ones_are_short_until_one_succeeds(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "s.sqlite3", patience=Patience(0.05, again=0.01))
    key, waits = store.key("text"), [store._seconds]
    with closing(sqlite3.connect(tmp_path / "s.sqlite3")) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreError, match="locked"):
            store.put({key: "text"})
        waits.append(store._seconds)
        other.execute("ROLLBACK")
    store.put({key: "text"})
    assert [*waits, store._seconds] == [0.05, 0.01, 0.05]


def test_reading_does_not_wait_for_a_locked_file(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "s.sqlite3", patience=Patience(60.0))
    store.note({b"key": b"value"})
    with closing(sqlite3.connect(tmp_path / "s.sqlite3", isolation_level=None)) as other:
        other.execute("UPDATE notes SET used = used - 100")  # a read would count it as used again
        other.execute("BEGIN EXCLUSIVE")
        began = time.monotonic()
        assert store.noted([b"key"]) == {b"key": b"value"}
        assert time.monotonic() - began < 30.0


def test_a_pickled_store_reads_the_same_file(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "originals.sqlite3", max_bytes=1 << 20)
    store.put({store.key("a"): "a"})
    assert pickle.loads(pickle.dumps(store)).get(store.key("a")) == "a"
