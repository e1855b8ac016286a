"""Stores that break under a running proxy: what cannot be kept is not cut, and what was cut comes back."""

from __future__ import annotations

import os
import random
import resource
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from threading import Timer
from typing import Any

import httpx2
import pytest

from contextprune.errors import StoreError
from contextprune.proxy.options import Options
from contextprune.proxy.pool.pool import ScorerPool
from contextprune.storage.sqlite import SQLiteStore
from contextprune.storage.store import Store, open_store
from tests import redis_server
from tests.nightly import NIGHTLY
from tests.proxy.in_process import Running, running, until
from tests.proxy.pool.running_pool import BRIEF, log
from tests.proxy.provider import Provider, Received, providing
from tests.proxy.serve_process import Served, ask, figures, keys, later, outcome, question, serving
from tests.proxy.test_faults_scorer import pids

ROUNDS = 20 if NIGHTLY else 6  # processes killed
SLOW: dict[str, Any] = {"deadline": 20.0, "prefill": 0.1}


def originals(requests: list[Received], sent: dict[str, list[str]]) -> dict[str, str]:
    """What each recall key that reached the provider stands for, by the place where it stood."""
    found: dict[str, str] = {}
    for request in requests:
        messages = request.json["messages"]
        name = messages[0]["content"].split()[3]
        results = [message["content"] for message in messages if message["role"] == "tool"]
        for text, original in zip(results, sent[name], strict=True):
            found.update(dict.fromkeys(keys(text.encode()), original))
    return found


def texts(name: str, count: int = 1) -> list[str]:
    return [log(f"{name} page {i}", 150) for i in range(count)]


def whole(path: Path) -> bool:
    with closing(sqlite3.connect(path, timeout=60)) as connection:
        return bool(connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)])


def test_whatever_is_killed_in_the_middle_of_a_write_every_marker_sent_restores(tmp_path: Path) -> None:
    store = tmp_path / "originals.sqlite3"
    sent: dict[str, list[str]] = {}

    def killed(number: int) -> None:
        names = [f"r{number}-{i}" for i in range(5)]
        for name in names:
            sent[name] = texts(name, 6)
        with providing() as provider, serving(provider, store, "--recall", "mcp", "--scorers", "1") as served:
            with ThreadPoolExecutor(len(names)) as pool:
                for name in names:
                    pool.submit(_quietly, served, question(name, sent[name]))
                until(lambda: len(provider.requests) >= number % 4)
                time.sleep(random.Random(number).uniform(0, 0.06))
                served.kill()
            received.extend(provider.requests)
        assert whole(store)

    received: list[Received] = []
    with ThreadPoolExecutor(2) as pool:  # two at a time: one is killed while the other one writes
        assert list(pool.map(killed, range(ROUNDS))) == [None] * ROUNDS
    found = originals(received, sent)
    assert len(found) > ROUNDS
    opened = SQLiteStore(store)
    assert {key: opened.get(key) for key in found} == found


def _quietly(served: Served, body: Any) -> None:
    with suppress(httpx2.HTTPError):
        served.post("/v1/chat/completions", body)


@contextmanager
def keeping(store: Path | str, folder: Path, **options: Any) -> Iterator[Running]:
    """A proxy over this store, whose markers name keys."""
    settings = folder / "contextprune.toml"
    settings.write_text(f'store = "{store}"\nscorer = "lexical"\n')
    told = {**SLOW, "recall": "mcp", "config": str(settings), **options}
    scorers = ScorerPool(Options(**told, scorers=1))
    with providing() as provider, running(provider, scorers, **told) as proxy:
        yield proxy
        assert provider.refused == 0


def restores(proxy: Running, store: Store, sent: dict[str, list[str]]) -> int:
    """Check that all markers sent up to now restore. How many they are."""
    found = originals(proxy.provider.requests, sent)
    assert {key: store.get(key) for key in found} == found
    return len(found)


def full(proxy: Running, store: Path, fill: Callable[[], None], empty: Callable[[], None]) -> None:
    """What must hold whatever it is that leaves no room."""
    sent = {name: texts(name, 4) for name in ("before", "during", "after")}
    assert outcome(ask(proxy, question("before", sent["before"]))) == ("applied", "")
    count = restores(proxy, SQLiteStore(store), sent)
    assert count
    fill()
    body = question("during", sent["during"])
    assert outcome(ask(proxy, body)) == ("passed", "store")
    assert proxy.provider.requests[-1].json == body
    again = question("before", sent["before"])
    again["messages"].append({"role": "user", "content": "And then?"})
    ask(proxy, again)  # what is known is sent as it was
    before, now = proxy.provider.requests[0].json["messages"], proxy.provider.requests[-1].json["messages"]
    assert now[: len(before)] == before
    assert restores(proxy, SQLiteStore(store), sent) == count
    assert proxy.get(f"/v1/retrieve/{keys(proxy.provider.requests[0].body)[0]}").status_code == 200
    empty()
    until(lambda: outcome(ask(proxy, question("after", sent["after"]))) == ("applied", ""))
    assert restores(proxy, SQLiteStore(store), sent) > count
    assert whole(store)


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="only Linux can limit another process")
def test_files_that_may_not_grow_cost_the_shortening_and_nothing_else(tmp_path: Path) -> None:
    store = tmp_path / "originals.sqlite3"
    with keeping(store, tmp_path) as proxy:
        [scorer] = pids(proxy)

        def limit(size: int) -> None:
            resource.prlimit(scorer, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

        full(proxy, store, lambda: limit(4096), lambda: limit(resource.RLIM_INFINITY))


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can mount a small disk")
def test_a_full_disk_costs_the_shortening_and_nothing_else(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = shutil.which("mount")
    if mount is None or subprocess.run([mount, "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], check=False).returncode:
        pytest.skip("this root may not mount")
    filler = disk / "filler"

    def fill() -> None:
        with suppress(OSError), filler.open("wb", buffering=0) as file:
            while file.write(bytes(4096)):
                pass

    try:
        with keeping(disk / "originals.sqlite3", tmp_path) as proxy:
            full(proxy, disk / "originals.sqlite3", fill, filler.unlink)
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


def _garbage(path: Path, start: int, seed: int = 1) -> None:
    """Overwrite a file from a byte on."""
    generator = random.Random(seed)
    with path.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(min(start, size))
        file.write(generator.randbytes(max(0, size - start)))


def _flip(path: Path, count: int) -> None:
    """Flip single bits, all over the file but for its head."""
    data, generator = bytearray(path.read_bytes()), random.Random(7)
    for _ in range(count):
        data[generator.randrange(200, len(data))] ^= 1 << generator.randrange(8)
    path.write_bytes(data)


def _cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "head": lambda path: _garbage(path, 0),
    "pages": lambda path: _garbage(path, 4096),
    "bits": lambda path: _flip(path, 300),
    "cut": _cut,
    "log": lambda path: path.with_name(f"{path.name}-wal").write_bytes(b"no log" * 10_000),
}


def test_a_store_that_cannot_be_used_is_said_once_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with providing() as provider, serving(provider, tmp_path / "file" / "store.sqlite3", "--scorers", "2") as served:
        until(lambda: figures(served)["ready"] == min(2, os.cpu_count() or 1))
        assert outcome(ask(served, question("unkept"))) == ("passed", "store")
        said = [line for line in served.lines() if line["message"].startswith("every request passes unchanged: ")]
        assert [line["level"] for line in said] == ["warning"]
        assert "Set CONTEXTPRUNE_STORE=memory or to a writable path" in said[0]["message"]


@pytest.mark.parametrize("damage", DAMAGES)
def test_over_a_damaged_store_no_marker_is_sent_that_does_not_restore(tmp_path: Path, damage: str) -> None:
    store = tmp_path / "originals.sqlite3"
    sent = {name: texts(name, 4) for name in ("old", "new")}
    _fill(store, sent["old"])
    DAMAGES[damage](store)
    with providing() as provider, serving(provider, store, "--recall", "mcp", "--scorers", "1") as served:
        outcomes = {name: outcome(ask(served, question(name, sent[name]))) for name in sent}
        for name, request in zip(sent, provider.requests, strict=True):
            if outcomes[name][0] == "passed":
                assert outcomes[name] == ("passed", "store")
                assert request.json == question(name, sent[name])
        texts_by_key = originals(provider.requests, sent)
        assert served.get("/livez").status_code == 200
        if damage in ("head", "cut"):
            until(lambda: any(line["message"].startswith(f"the store {store} was damaged") for line in served.lines()))
            assert outcomes["new"] == ("applied", "")
    opened = SQLiteStore(store)
    assert {key: opened.get(key) for key in texts_by_key} == texts_by_key


def _fill(store: Path, more: list[str]) -> None:
    """A store with something in it, closed in order."""
    opened = SQLiteStore(store)
    for text in [*more, *(log(f"kept {i}", 100) for i in range(100))]:
        opened.put({opened.key(text): text})
    opened.note({os.urandom(16): os.urandom(100) for _ in range(2000)})
    opened.close()


@pytest.mark.parametrize("seed", range(3))
def test_whatever_bytes_are_wrong_a_store_gives_the_right_text_or_none(tmp_path: Path, seed: int) -> None:
    good = tmp_path / "good.sqlite3"
    kept = {f"{i}": log(f"kept {i}", 20) for i in range(30)}
    notes = {os.urandom(16): os.urandom(50) for _ in range(100)}
    opened = SQLiteStore(good)
    opened.put({opened.key(text): text for text in kept.values()})
    opened.note(notes)
    by_key = {opened.key(text): text for text in kept.values()}
    opened.close()
    generator = random.Random(seed)
    for i in range(30):
        data = bytearray(good.read_bytes())
        for _ in range(generator.choice((1, 10, 300))):
            data[generator.randrange(len(data))] = generator.randrange(256)
        damaged = SQLiteStore(tmp_path / f"{i}.sqlite3")
        damaged.path.write_bytes(data)
        for key, text in by_key.items():
            with suppress(StoreError):
                assert damaged.get(key) in (None, text)
        with suppress(StoreError):
            assert damaged.noted(list(notes)).items() <= notes.items()
        with suppress(StoreError):
            damaged.put({damaged.key("new"): "new"})
            assert damaged.get(damaged.key("new")) == "new"
        with suppress(StoreError):
            damaged.note({b"key": b"value"})
        damaged.close()


def test_a_store_damaged_under_a_running_proxy_is_begun_anew(tmp_path: Path) -> None:
    store = tmp_path / "originals.sqlite3"
    _fill(store, [])
    sent = {name: texts(name) for name in ("first", "then0", "then1", "then2")}
    with providing() as provider, serving(provider, store, "--recall", "mcp", "--scorers", "1") as served:
        assert outcome(ask(served, question("first", sent["first"]))) == ("applied", "")
        for path in tmp_path.glob("originals.sqlite3*"):
            _garbage(path, 0)
        outcomes = [outcome(ask(served, question(name, sent[name]))) for name in list(sent)[1:]]
        assert outcomes[-1] == ("applied", "")
        until(lambda: any(line["message"].startswith(f"the store {store} was damaged") for line in served.lines()))
        texts_by_key = originals(provider.requests[-1:], sent)
        assert texts_by_key
        opened = SQLiteStore(store)
        assert {key: opened.get(key) for key in texts_by_key} == texts_by_key


def test_while_another_process_holds_the_store_requests_pass_unchanged(tmp_path: Path) -> None:
    store = tmp_path / "originals.sqlite3"
    _fill(store, [])
    with keeping(store, tmp_path, prefill=BRIEF) as proxy:
        with closing(sqlite3.connect(store, isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            body = question("held")
            status, reason = outcome(ask(proxy, body))
            assert status == "passed"
            assert reason in ("late", "store")
            assert proxy.provider.requests[-1].json == body
            other.execute("ROLLBACK")
        fresh = (f"free {number}" for number in range(1000))  # what was late once is remembered as sent whole
        until(lambda: outcome(ask(proxy, question(name := next(fresh), [log(name, 2000)])))[0] == "applied")


def test_a_store_that_is_locked_for_a_moment_is_waited_for(tmp_path: Path) -> None:
    store = tmp_path / "originals.sqlite3"
    _fill(store, [])
    with (
        keeping(store, tmp_path) as proxy,
        closing(sqlite3.connect(store, isolation_level=None, check_same_thread=False)) as other,
    ):
        other.execute("BEGIN EXCLUSIVE")
        unlocking = Timer(1.0, other.execute, ["ROLLBACK"])
        unlocking.start()
        answer = outcome(ask(proxy, question("locked")))
        unlocking.join()
        assert answer == ("applied", "")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[redis_server.Server]:
    with redis_server.running(tmp_path) as found:
        yield found


def recovers(proxy: Running, sent: dict[str, list[str]], name: str) -> None:
    """Wait until requests are shortened again."""
    for i in range(1000):
        sent[f"{name}{i}"] = texts(f"{name}{i}")
        if outcome(ask(proxy, question(f"{name}{i}", sent[f"{name}{i}"])))[0] == "applied":
            return
        time.sleep(0.2)


@redis_server.needed
@pytest.mark.parametrize("fault", ["down", "hung"])
def test_a_redis_that_fails_costs_the_shortening_and_comes_back(
    tmp_path: Path, server: redis_server.Server, fault: str
) -> None:
    with keeping(server.url, tmp_path) as proxy:
        sent = {name: texts(name, 2) for name in ("before", "during")}
        assert outcome(ask(proxy, question("before", sent["before"]))) == ("applied", "")
        server.stop() if fault == "down" else server.hang()
        body = question("during", sent["during"])
        for _ in range(5):
            assert outcome(ask(proxy, body)) == ("passed", "store")
            assert proxy.provider.requests[-1].json == body
        if fault == "down":
            server.start()  # empty: what it held is a miss, and says so
            del proxy.provider.requests[:]
        else:
            server.go_on()
        recovers(proxy, sent, fault)
        assert restores(proxy, open_store(server.url), sent)


@redis_server.needed
def test_a_redis_that_was_wiped_has_all_that_is_cut_from_then_on(tmp_path: Path, server: redis_server.Server) -> None:
    with keeping(server.url, tmp_path) as proxy:
        sent = {name: texts(name, 2) for name in ("ended", "session", "other")}
        assert outcome(ask(proxy, question("ended", sent["ended"]))) == ("applied", "")
        first = question("session", sent["session"])
        assert outcome(ask(proxy, first)) == ("applied", "")
        with server.admin as admin:
            admin.flushall()
        got = ask(proxy, later(first, log("session page 2", 150)))
        assert got.headers["x-contextprune-status"] in ("applied", "passed")
        ended, before, now = (request.json["messages"] for request in proxy.provider.requests)
        assert now[: len(before)] == before  # the provider has that in its cache
        key = keys(str(ended).encode())[0]
        assert proxy.get(f"/v1/retrieve/{key}").status_code == 404  # and no hang
        del proxy.provider.requests[:]
        recovers(proxy, sent, "other")
        assert restores(proxy, open_store(server.url), sent)


@redis_server.needed
def test_a_redis_that_was_wiped_gets_back_what_a_session_under_way_has_cut(
    tmp_path: Path, server: redis_server.Server
) -> None:
    with keeping(server.url, tmp_path) as proxy:
        sent = {"session": texts("session", 2)}
        body = question("session", sent["session"])
        assert outcome(ask(proxy, body)) == ("applied", "")
        with server.admin as admin:
            admin.flushall()

        def applied() -> bool:
            nonlocal body
            sent["session"].append(log(f"session page {len(sent['session'])}", 150))
            body = later(body, sent["session"][-1])
            del proxy.provider.requests[:]
            return outcome(ask(proxy, body)) == ("applied", "")

        until(applied)
        assert restores(proxy, open_store(server.url), sent) > 1


def test_a_provider_is_asked_once_whatever_the_store_does(tmp_path: Path) -> None:
    path = tmp_path / "a folder"
    path.mkdir()
    with _provided() as provider, serving(provider, path, "--scorers", "1") as served:
        for i in range(5):
            assert outcome(ask(served, question(f"n{i}"))) == ("passed", "store")
        assert len(provider.requests) == 5


@contextmanager
def _provided() -> Iterator[Provider]:
    with providing() as provider:
        yield provider
        assert provider.refused == 0
