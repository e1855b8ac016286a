"""One connection for each file and process, and nothing that opens the file beside SQLite."""

from __future__ import annotations

import ast
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from contextprune.errors import StoreError
from contextprune.storage import connection as connections
from contextprune.storage.connection import shared_database
from contextprune.storage.sqlite import SQLiteStore

PACKAGE = Path(__file__).parent.parent.parent / "contextprune"
OPENS_NOTHING = [*sorted((PACKAGE / "storage").glob("*.py")), PACKAGE / "cli/doctor.py"]
OPENERS = {
    "open", "fdopen", "read_bytes", "read_text", "write_bytes", "write_text", "touch", "copy", "copyfile", "copy2",
    "copytree", "move", "mmap",
}  # fmt: skip

WRITER = """
import sys
from contextprune.storage.sqlite import SQLiteStore
store = SQLiteStore(sys.argv[1])
store.put({"theirs": "text"})
store.close()
"""
READER = """
import sys
from contextprune.storage.sqlite import SQLiteStore
store = SQLiteStore(sys.argv[1])
print(*(key for key in sys.argv[2:] if store.get(key) == key))
"""

# Six processes at a time, each with two threads and several stores on one path that they open and close; half of them
# are killed. Each writes down what was acknowledged. They are forked: interpreters take their time to start.
ROUNDS = """
import os, random, signal, sys, threading, time
from contextprune.errors import StoreError
from contextprune.storage.sqlite import SQLiteStore

path, folder, rounds, seconds = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])

def work(name, acknowledged, rng, end):
    stores, number = [], 0
    while time.monotonic() < end:
        if not stores or (len(stores) < 3 and rng.random() < 0.2):
            stores.append(SQLiteStore(path))
        if rng.random() < 0.1:
            stores.pop(rng.randrange(len(stores))).close()
            continue
        store, number = rng.choice(stores), number + 1
        text = f"{name} {number} " * rng.choice([10, 100, 1000])
        try:
            key = store.key(text)
            store.put({key: text})
        except StoreError as exc:
            if "locked" not in str(exc):
                os.write(acknowledged, f"ERROR {exc}\\n".encode())
            continue
        os.write(acknowledged, f"{key} {name} {number} {len(text)}\\n".encode())

def process(name):
    acknowledged = os.open(f"{folder}/{name}", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    end = time.monotonic() + seconds
    threads = [
        threading.Thread(target=work, args=(f"{name}-{i}", acknowledged, random.Random(f"{name}-{i}"), end))
        for i in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

rng = random.Random(1)
for number in range(rounds):
    pids = []
    for i in range(6):
        pid = os.fork()
        if not pid:
            process(f"{number}-{i}")
            os._exit(0)
        pids.append(pid)
    for pid in rng.sample(pids, 3):
        time.sleep(rng.uniform(0, seconds / 4))
        os.kill(pid, signal.SIGKILL)
    for pid in pids:
        os.waitpid(pid, 0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this platform")
def test_thirty_rounds_of_six_processes_half_of_them_killed_lose_nothing(path: Path, tmp_path: Path) -> None:
    """`CONTEXTPRUNE_TEST_ROUND_SECONDS` makes the rounds longer than in every run of the tests."""
    folder = tmp_path / "acknowledged"
    folder.mkdir()
    seconds = os.environ.get("CONTEXTPRUNE_TEST_ROUND_SECONDS", "0.2")
    subprocess.run([sys.executable, "-c", ROUNDS, path, folder, "30", seconds], check=True)
    lines = [line for file in folder.iterdir() for line in file.read_text().splitlines(keepends=True)]
    assert [line for line in lines if line.startswith("ERROR")] == []
    store, lost = SQLiteStore(path), []
    whole = [line.split() for line in lines if line.endswith("\n")]  # who was killed may leave half a line
    for key, name, number, length in whole:
        text = f"{name} {number} "
        if store.get(key) != text * (int(length) // len(text)):
            lost.append(key)
    store.close()
    assert (len(whole) > 300, lost) == (True, [])
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert [other.name for other in path.parent.iterdir() if "damaged" in other.name] == []


def test_closing_one_of_two_stores_leaves_the_locks_of_the_other(path: Path) -> None:
    first, second = SQLiteStore(path), SQLiteStore(path)
    first.put({"before": "before"})
    second.put({"second": "second"})
    second.close()
    subprocess.run([sys.executable, "-c", WRITER, path], check=True)  # as the last one to close it would end the log
    first.put({"after": "after"})
    keys = ["before", "second", "after"]
    done = subprocess.run([sys.executable, "-c", READER, path, *keys], check=True, capture_output=True, text=True)
    assert done.stdout.split() == keys


def test_opening_a_second_store_leaves_the_locks_of_the_first(path: Path) -> None:
    first = SQLiteStore(path)
    first.put({"before": "before"})
    SQLiteStore(path).get("before")
    subprocess.run([sys.executable, "-c", WRITER, path], check=True)
    first.put({"after": "after"})
    done = subprocess.run(
        [sys.executable, "-c", READER, path, "before", "after"], check=True, capture_output=True, text=True
    )
    assert done.stdout.split() == ["before", "after"]


@pytest.mark.parametrize("source", OPENS_NOTHING, ids=lambda source: source.name)
def test_nothing_but_sqlite_opens_the_file(source: Path) -> None:
    """Closing any descriptor of a file drops all locks that the process holds on it; the lock file is another file."""
    tree = ast.parse(source.read_text(encoding="utf-8"))
    allowed = {
        id(call)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef) and (source.name, function.name) == ("lock_file.py", "locked")
        for call in ast.walk(function)
    }
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and id(node) not in allowed]
    called = {getattr(call.func, "attr", getattr(call.func, "id", "")) for call in calls}
    assert called & OPENERS == set()
    assert not any(isinstance(node, ast.Import) and node.names[0].name in ("shutil", "mmap") for node in ast.walk(tree))


def test_stores_at_one_path_share_one_connection(path: Path) -> None:
    path.parent.mkdir()
    link = path.with_name("link.sqlite3")
    link.symlink_to(path)
    assert shared_database(path) is shared_database(link)


def test_a_store_goes_on_when_another_one_of_the_same_file_is_closed(path: Path) -> None:
    first, second = SQLiteStore(path), SQLiteStore(path)
    first.put({"k": "text"})
    second.close()
    assert first.get("k") == "text"


def test_the_file_is_closed_with_the_last_of_its_stores(path: Path) -> None:
    first, second = SQLiteStore(path), SQLiteStore(path)
    first.put({"k": "text"})
    second.get("k")
    first.close()
    log = path.with_name(path.name + "-wal")
    assert log.exists()
    second.close()
    assert not log.exists()


def test_a_file_that_was_moved_away_is_begun_anew(path: Path) -> None:
    store = SQLiteStore(path)
    store.put({"k": "text"})
    move = "import os, sys; os.rename(sys.argv[1], sys.argv[1] + '.away')"
    subprocess.run([sys.executable, "-c", move, path], check=True)
    assert store.get("k") is None
    store.put({"k": "other"})
    assert (store.get("k"), path.exists()) == ("other", True)


def test_the_log_is_written_back_when_it_has_grown(path: Path) -> None:
    store = SQLiteStore(path)
    for number in range(60):
        store.put({str(number): os.urandom(100_000).hex()})
    assert path.with_name(path.name + "-wal").stat().st_size < 5 << 20


def _fill(store: SQLiteStore) -> None:
    for number in range(100):
        store.put({str(number): os.urandom(100_000).hex()})


def test_a_log_that_a_reader_keeps_from_being_written_back_has_a_bound(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "_MOST_LOG_BYTES", 6 << 20)
    store = SQLiteStore(path)
    store.put({"k": "text"})
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM originals").fetchone() == (1,)
        with pytest.raises(StoreError, match="takes nothing more"):
            _fill(store)
        assert store.get("k") == "text"
    store.put({"later": "text"})
    assert path.with_name(path.name + "-wal").stat().st_size < 1 << 20
