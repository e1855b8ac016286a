"""The proxy as a process: how it ends, how it fares with few descriptors and with clocks that jump, and what leaks."""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import sqlite3
import threading
import time
from contextlib import closing, suppress
from itertools import pairwise
from pathlib import Path

import httpx2
import pytest

from contextprune.storage.sqlite import SQLiteStore
from tests.proxy.in_process import until
from tests.proxy.pool.running_pool import log
from tests.proxy.provider import providing
from tests.proxy.serve_process import (
    TIME,
    Served,
    ask,
    figures,
    is_ready,
    keys,
    later,
    lives,
    outcome,
    question,
    serving,
)

CHAT = {"model": "m", "messages": [{"role": "user", "content": "x"}]}
HOUR = 3600.0
CLOCK = """
import time
_real = time.time
def _moved():
    try:
        with open({path!r}) as file:
            return _real() + float(file.read() or 0)
    except (OSError, ValueError):
        return _real()
time.time = _moved
"""


def listens(url: str) -> bool:
    host, port = url.removeprefix("http://").split(":")
    try:
        socket.create_connection((host, int(port)), timeout=2).close()
    except OSError:
        return False
    return True


def test_sigterm_under_fifty_streams_lets_each_come_to_its_end(tmp_path: Path) -> None:
    with (
        providing(pause=0.05, events=100_000) as provider,
        serving(provider, tmp_path / "o.sqlite3", "--scorers", "1") as served,
    ):
        got: list[bytes] = []
        children = served.front.children()

        def stream() -> None:
            body = {**CHAT, "stream": True}
            with served.client.stream("POST", f"{served.url}/v1/messages", json=body, timeout=60) as answer:
                got.append(b"".join(answer.iter_raw()))

        threads = [threading.Thread(target=stream) for _ in range(50)]
        for thread in threads:
            thread.start()
        until(lambda: sum(bool(sent) for sent in provider.sent) == 50)
        served.process.send_signal(signal.SIGTERM)
        until(lambda: not listens(served.url))
        provider.events = 0  # now the streams end
        for thread in threads:
            thread.join(60)
        assert served.process.wait(60) == 0
        assert sorted(got) == sorted(map(bytes, provider.sent))
        assert all(b"message_stop" in each for each in got)
        until(lambda: not any(child.is_running() for child in children))


def test_a_front_that_is_killed_leaves_no_process_behind(tmp_path: Path) -> None:
    with providing() as provider, serving(provider, tmp_path / "o.sqlite3") as served:
        children = served.front.children(recursive=True)
        assert children
        served.process.kill()
        served.process.wait(60)
        until(lambda: not any(lives(child) for child in children))


def test_a_scorer_that_works_does_not_outlive_its_front(tmp_path: Path) -> None:
    with providing() as provider, serving(provider, tmp_path / "o.sqlite3", "--scorers", "1") as served:
        [scorer] = served.scorers
        body = question("long", [log(f"long {i}", 3000) for i in range(30)])
        asking = threading.Thread(target=_quietly, args=(served, body), daemon=True)
        asking.start()
        until(lambda: figures(served)["in_flight"] > 0)
        served.process.kill()
        served.process.wait(60)
        until(lambda: not lives(scorer))
        asking.join(60)


def _quietly(served: Served, body: object) -> None:
    with suppress(httpx2.HTTPError):
        served.post("/v1/chat/completions", body)


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="only Linux can limit another process")
def test_without_descriptors_it_refuses_some_and_serves_all_again_afterwards(tmp_path: Path) -> None:
    with providing() as provider, serving(provider, tmp_path / "o.sqlite3") as served:
        room = served.front.num_fds() + 12
        resource.prlimit(served.process.pid, resource.RLIMIT_NOFILE, (room, room))
        host, port = served.url.removeprefix("http://").split(":")
        links = []
        for _ in range(40):
            with suppress(OSError):
                links.append(socket.create_connection((host, int(port)), timeout=2))
        until(lambda: served.front.num_fds() >= room - 1)
        cpu = sum(served.front.cpu_times()[:2])
        time.sleep(1)
        assert sum(served.front.cpu_times()[:2]) - cpu < 0.9  # it does not spin
        for link in links:
            link.close()
        until(lambda: _answers(served))
        assert ask(served, question("room again")).status_code == 200
        assert served.process.poll() is None


def _answers(served: Served) -> bool:
    with suppress(httpx2.HTTPError), httpx2.Client(timeout=3, verify=False) as client:
        return client.post(f"{served.url}/v1/chat/completions", json=CHAT).status_code == 200
    return False


@pytest.fixture
def clock(tmp_path: Path) -> tuple[Path, dict[str, str]]:
    """A file with the seconds by which all clocks of the proxy are wrong, and what makes its processes read it."""
    moved, folder = tmp_path / "moved", tmp_path / "path"
    moved.write_text("0")
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(CLOCK.format(path=str(moved)))
    paths = [str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]
    return moved, {**TIME, "PYTHONPATH": os.pathsep.join(paths)}


def test_clocks_that_jump_change_neither_deadlines_nor_what_is_kept(
    tmp_path: Path, clock: tuple[Path, dict[str, str]]
) -> None:
    moved, environment = clock
    store = tmp_path / "o.sqlite3"
    told = ("--recall", "mcp", "--scorers", "1")
    with providing() as provider, serving(provider, store, *told, environment=environment) as served:
        body = question("clock")
        assert outcome(ask(served, body)) == ("applied", "")
        key = keys(provider.requests[-1].body)[0]
        for turn, jump in enumerate((HOUR, -HOUR, 24 * HOUR, -24 * HOUR)):
            moved.write_text(str(jump))
            body = later(body, log(f"clock {turn}", 150))
            assert outcome(ask(served, body)) == ("applied", "")
            before, now = (request.json["messages"] for request in provider.requests[-2:])
            assert now[: len(before)] == before
            assert served.get(f"/v1/retrieve/{key}").json()["original_content"] == log("clock", 150)
        assert figures(served)["restarts"] == 0
        for page in ("/", "/stats", "/metrics", "/livez", "/readyz"):
            assert served.get(page).status_code == 200
        moved.write_text(str(31 * 24 * HOUR))  # now it is really old, for whoever goes by that clock
        assert served.get(f"/v1/retrieve/{key}").status_code == 404
    with closing(sqlite3.connect(store)) as connection:
        (used,) = connection.execute("SELECT max(used) FROM originals").fetchone()
    assert used < time.time() + 32 * 24 * HOUR


SECRETS = {
    "authorization": "Bearer canary-authorization-8c1f0e5b",
    "x-api-key": "canary-x-api-key-77aa1d20",
    "api-key": "canary-api-key-0b9e4c31",
    "x-goog-api-key": "canary-goog-5f5f5f5f",
    "cookie": "session=canary-cookie-4d4d4d4d",
    "proxy-authorization": "Basic canary-proxy-3e3e3e3e",
}

KEPT_BACK = ("api-key", "x-goog-api-key", "proxy-authorization")  # other providers' keys, and what is for a proxy


def test_no_credential_is_stored_logged_or_shown(tmp_path: Path) -> None:
    store = tmp_path / "o.sqlite3"
    flags = ("--recall", "mcp", "--show-content", "--scorers", "1")
    with providing() as provider, serving(provider, store, *flags) as served:
        shown: list[bytes] = []
        for name, secret in SECRETS.items():
            body = question(f"secret {name}")
            for extra in ({}, {"x-scenario": "401"}, {"x-scenario": "drop"}, {"x-contextprune-mode": "wrong"}):
                got = served.post("/v1/chat/completions", body, headers={name: secret, **extra})
                shown += [got.content, str(got.headers).encode()]
            plain = [request for request in provider.requests if request.header(name) == secret]
            assert bool(plain) == (name not in KEPT_BACK)
            shown.append(served.post("/v1/compress", {"messages": body["messages"]}, headers={name: secret}).content)
            shown.append(served.get("/v1/retrieve/abcdefghijkl", headers={name: secret}).content)
            shown.append(served.get("/v1/models", headers={name: secret}).content)
        [scorer] = served.scorers
        scorer.kill()  # what it held when it died is in no log, either
        until(lambda: is_ready(served) and figures(served)["restarts"] == 1)
        served.post("/v1/messages", content=b"\xff{", headers=SECRETS)
        pages = ["/", "/stats", "/metrics", "/readyz", *(f"/requests/{i}" for i in range(1, 40))]
        shown += [served.get(page).content for page in pages]
        shown += [str(process.cmdline()).encode() for process in (served.front, *served.scorers)]
        shown += ["\n".join(served.said).encode()]
        shown += [path.read_bytes() for path in tmp_path.iterdir() if path.is_file()]
        served.process.send_signal(signal.SIGTERM)
        assert served.process.wait(60) == 0
    shown += ["\n".join(served.said).encode()]
    shown += [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert sum(map(len, shown)) > 50_000
    for secret in SECRETS.values():
        assert not any(secret.rpartition(" ")[2].encode() in text for text in shown)
    assert any(b"secret authorization" in text for text in shown)  # the texts themselves were asked for


def test_two_proxies_on_one_store_go_on_with_each_others_sessions(tmp_path: Path) -> None:
    store = tmp_path / "o.sqlite3"
    told = ("--recall", "mcp", "--scorers", "1")
    with providing() as provider, serving(provider, store, *told) as one, serving(provider, store, *told) as two:
        body = question("shared")
        for turn in range(4):
            assert outcome(ask((one, two)[turn % 2], body))[0] == "applied"
            body = later(body, log(f"shared {turn}", 150))
        sent = [request.json["messages"] for request in provider.requests]
        for before, now in pairwise(sent):
            assert now[: len(before)] == before
        opened = SQLiteStore(store)
        assert all(opened.get(key) for key in keys(json.dumps(sent[-1]).encode()))
        assert provider.refused == 0
