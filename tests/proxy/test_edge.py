"""Real HAProxy and real nginx, with the configurations that we ship, in front of two replicas that share one store."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from contextprune.cli.doctor import NEEDLE, canary
from contextprune.cli.probe import fetch
from contextprune.markers import KEY
from tests.children import END_WITH_US
from tests.proxy.in_process import HANGS
from tests.proxy.provider import Provider, providing

EXAMPLES = Path(__file__).parents[2] / "examples" / "edge"
BUFFER = 4096  # bytes; an edge that holds chunks back waits for at least so many
TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


@dataclass
class Edge:
    """An edge that runs, and what is behind it."""

    port: int
    ports: tuple[int, int]
    replicas: list[subprocess.Popen[bytes]]
    provider: Provider
    log: Path
    children: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def fetch(self, path: str, body: object = None, port: int = 0, **headers: str) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=60)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            if body is None:
                connection.request("GET", path, headers=sent)
            else:
                connection.request("POST", path, json.dumps(body), {"content-type": "application/json", **sent})
            reply = connection.getresponse()
            return reply.status, {name.lower(): value for name, value in reply.getheaders()}, reply.read()
        finally:
            connection.close()


def haproxy(text: str, folder: Path) -> list[str]:
    (folder / "haproxy.cfg").write_text(text)
    return ["haproxy", "-db", "-f", str(folder / "haproxy.cfg")]


def nginx(text: str, folder: Path) -> list[str]:
    paths = "\n".join(f"{name}_temp_path {folder}/{name};" for name in TEMPORARY)
    (folder / "nginx.conf").write_text(text.replace("http {", f"http {{\naccess_log off;\n{paths}", 1))
    told = f"daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.log;"
    return ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", f"{folder}/nginx.log", "-g", told]


EDGES: dict[str, tuple[str, Callable[[str, Path], list[str]]]] = {
    "haproxy": ("haproxy.cfg", haproxy),
    "nginx": ("nginx.conf", nginx),
}


@pytest.fixture(scope="module", params=EDGES)
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    """One for the tests that leave it as it was; headers have two seconds."""
    line = {"haproxy": "http-request 10s", "nginx": "client_header_timeout 10s"}[request.param]
    with running(request.param, tmp_path_factory.mktemp("edge"), **{line: line.replace("10s", "2s")}) as found:
        yield found


@pytest.fixture
def edge(shared: Edge) -> Edge:
    provider = shared.provider
    provider.requests.clear()
    provider.gone.clear()
    provider.events = 0
    return shared


@pytest.fixture(params=EDGES)
def brittle(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Edge]:
    """One whose replicas a test may end."""
    with running(request.param, tmp_path) as found:
        yield found


@contextmanager
def running(name: str, folder: Path, **changes: str) -> Iterator[Edge]:
    """The edge of this name with two replicas and a provider; `changes` are made in its configuration."""
    file, command = EDGES[name]
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    text = (EXAMPLES / file).read_text()
    with providing(pause=0.1) as provider:
        ports = (free_port(), free_port(), free_port())
        given = {"127.0.0.1:8080": f"127.0.0.1:{ports[0]}", "127.0.0.1:8788": f"127.0.0.1:{ports[1]}"}
        given |= {"127.0.0.1:8789": f"127.0.0.1:{ports[2]}", **changes}
        for old, new in given.items():
            assert old in text, old
            text = text.replace(old, new)
        replicas = [replica(port, provider.url, folder) for port in ports[1:]]
        log = folder / "edge.log"
        found = Edge(ports[0], (ports[1], ports[2]), replicas, provider, log)
        try:
            until(lambda: all(answers(port, "/livez") for port in ports[1:]), folder)
            with log.open("wb") as said:
                found.children.append(subprocess.Popen(command(text, folder), stdout=said, stderr=said))
            until(lambda: answers(ports[0], "/livez"), folder)
            yield found
        finally:
            for process in (*found.children, *replicas):
                end(process)


def replica(port: int, upstream: str, folder: Path) -> subprocess.Popen[bytes]:
    patient = {"CONTEXTPRUNE_SERVE_DEADLINE": "30", "CONTEXTPRUNE_SERVE_PREFILL": "1"}  # this machine may be busy
    environ = {**os.environ, **patient, "CONTEXTPRUNE_STORE": str(folder / "store" / "originals.sqlite3")}
    command = [sys.executable, "-m", "contextprune", "serve", "--port", str(port), "--scorers", "1", "--recall", "mcp"]
    upstreams = ["--upstream-openai", upstream, "--upstream-anthropic", upstream]
    with (folder / f"replica-{port}.log").open("wb") as log:
        return subprocess.Popen([*command, *upstreams], stdout=log, stderr=log, env=environ, preexec_fn=END_WITH_US)  # noqa: PLW1509


def end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def until(true: Callable[[], bool], folder: Path) -> None:
    last = time.monotonic() + HANGS
    while not true():
        if time.monotonic() > last:
            logs = "\n".join(path.read_text("utf-8", "replace")[-2000:] for path in folder.glob("*.log"))
            raise AssertionError(f"not within {HANGS:.0f} seconds:\n{logs}")
        time.sleep(0.05)


def answers(port: int, path: str) -> bool:
    try:
        return fetch(f"http://127.0.0.1:{port}{path}").status == 200
    except OSError:
        return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def chat(**more: Any) -> dict[str, Any]:
    return {"model": "gpt-test", "messages": [{"role": "user", "content": "Say something."}], **more}


def raw(body: object, headers: str = "") -> bytes:
    packed = json.dumps(body).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: edge\r\n{headers}content-length: {len(packed)}\r\n\r\n"
    return head.encode() + packed


def session() -> dict[str, Any]:
    """A session with a long log in it: something to shorten."""
    return {**canary(), "model": "gpt-test"}


@pytest.mark.parametrize("name", EDGES)
def test_the_configuration_is_valid_as_it_is_shipped(name: str, tmp_path: Path) -> None:
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    file, command = EDGES[name]
    check = {"haproxy": ["-c"], "nginx": ["-t"]}[name]
    done = subprocess.run(
        [*command((EXAMPLES / file).read_text(), tmp_path), *check], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "warn" not in f"{done.stdout}{done.stderr}".lower()


def test_a_stream_arrives_chunk_by_chunk_and_whole(edge: Edge) -> None:
    edge.provider.events = 100_000
    connection = http.client.HTTPConnection("127.0.0.1", edge.port, timeout=HANGS)
    connection.request(
        "POST", "/v1/chat/completions", json.dumps(chat(stream=True)), {"content-type": "application/json"}
    )
    reply = connection.getresponse()
    body = reply.read1(1 << 16)
    assert len(edge.provider.sent[-1]) < BUFFER, "chunks were held back"
    body += reply.read1(1 << 16)
    edge.provider.events = 0  # now the stream ends
    body += reply.read()
    connection.close()
    assert body == bytes(edge.provider.sent[-1])


def test_a_slow_header_is_cut(edge: Edge) -> None:
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", edge.port), timeout=60) as slow:
        slow.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nhost: edge\r\nx-slow: ")
        slow.settimeout(0.2)
        said = None
        with suppress(ConnectionError):
            while said is None:
                assert time.monotonic() - began < HANGS, "it was not cut"
                slow.sendall(b"a")
                with suppress(TimeoutError):
                    said = slow.recv(4096)
    assert not said or b" 408 " in said.splitlines()[0]
    assert edge.provider.requests == []


def test_killing_a_replica_loses_no_later_request(brittle: Edge) -> None:
    for _ in range(6):
        assert brittle.fetch("/v1/chat/completions", chat())[0] == 200
    brittle.replicas[0].kill()
    brittle.replicas[0].wait()
    for _ in range(20):
        assert brittle.fetch("/v1/chat/completions", chat())[0] == 200
    assert len(brittle.provider.requests) == 26


def test_a_replica_that_is_stopped_ends_its_stream_and_gets_no_other_request(brittle: Edge) -> None:
    done: list[bytes] = []

    def stream(port: int) -> None:
        done.append(brittle.fetch("/v1/chat/completions", chat(stream=True), port)[2])

    brittle.provider.events = 100_000
    streams = [Thread(target=stream, args=(brittle.port,)) for _ in range(4)]
    for thread in streams:
        thread.start()
    until(lambda: len(brittle.provider.requests) == 4, brittle.log.parent)
    brittle.replicas[0].send_signal(signal.SIGTERM)
    until(lambda: not answers(brittle.ports[0], "/livez"), brittle.log.parent)
    for _ in range(5):
        assert brittle.fetch("/v1/chat/completions", chat())[0] == 200
    assert brittle.replicas[0].poll() is None  # its streams go on
    brittle.provider.events = 0  # now they end
    for thread in streams:
        thread.join(60)
    assert len(done) == 4
    assert all(body.endswith(b"data: [DONE]\n\n") for body in done)


def test_a_request_that_was_sent_is_not_sent_again(brittle: Edge) -> None:
    answers_got: list[int] = []

    def hang() -> None:
        with suppress(http.client.HTTPException, OSError):
            answers_got.append(brittle.fetch("/v1/chat/completions", chat(), x_scenario="hang")[0])

    thread = Thread(target=hang)
    thread.start()
    until(lambda: len(brittle.provider.requests) == 1, brittle.log.parent)
    for process in brittle.replicas:
        process.kill()
    thread.join(60)
    assert not thread.is_alive()
    assert len(brittle.provider.requests) == 1
    assert 200 not in answers_got


def test_a_client_that_leaves_stops_the_provider(edge: Edge) -> None:
    edge.provider.events = 200
    with socket.create_connection(("127.0.0.1", edge.port), timeout=60) as client:
        client.sendall(raw(chat(stream=True)))
        assert client.recv(4096).startswith(b"HTTP/1.1 200")
    until(lambda: len(edge.provider.gone) == 1, edge.log.parent)


def test_a_client_that_leaves_before_the_answer_stops_the_provider(edge: Edge) -> None:
    with socket.create_connection(("127.0.0.1", edge.port), timeout=60) as client:
        client.sendall(raw(chat(), "x-scenario: hang\r\n"))
        until(lambda: len(edge.provider.requests) == 1, edge.log.parent)
    until(lambda: len(edge.provider.gone) == 1, edge.log.parent)


def test_a_body_over_the_limit_is_refused_by_the_edge(edge: Edge) -> None:
    with socket.create_connection(("127.0.0.1", edge.port), timeout=60) as client:
        client.sendall(b"POST /v1/messages HTTP/1.1\r\nhost: edge\r\ncontent-length: 33554433\r\n\r\n{")
        assert b" 413 " in client.recv(4096).splitlines()[0]
    assert edge.provider.requests == []


def test_what_one_replica_took_out_every_replica_gives_back(edge: Edge) -> None:
    for port in edge.ports:
        until(lambda: fetch(f"http://127.0.0.1:{port}/readyz").json()["scorers"] == "ready", edge.log.parent)  # noqa: B023
    body = session()
    original = body["messages"][-1]["content"]
    for _ in range(4):
        assert edge.fetch("/v1/chat/completions", body, authorization="Bearer someone")[0] == 200
    sent = [request.json["messages"][-1]["content"] for request in edge.provider.requests]
    assert len(set(sent)) == 1, "replicas decided differently"
    assert NEEDLE in sent[0]
    key = KEY.search(sent[0])
    assert key is not None, sent[0][:500]
    for port in edge.ports:
        status, _, told = edge.fetch(f"/v1/retrieve/{key[1]}", port=port, authorization="Bearer someone")
        assert (status, json.loads(told)["original_content"]) == (200, original)


@pytest.mark.parametrize(
    ("name", "inside"), [("haproxy", "src 127.0.0.0/8 ::1"), ("nginx", "127.0.0.0/8 0;\n        ::1/128 0")]
)
def test_own_pages_are_closed_to_others(name: str, inside: str, tmp_path: Path) -> None:
    closed = {"haproxy": "src 10.99.0.0/16", "nginx": "10.99.0.0/16 0"}[name]
    with running(name, tmp_path, **{inside: closed}) as edge:
        for path in ("/", "/stats", "/%73tats", "/metrics", "/requests/1", "/v1/retrieve/2gk5hq3m7xvo"):
            assert edge.fetch(path)[0] == 404, path
        assert edge.fetch("/v1/compress", canary())[0] == 404
        assert edge.fetch("/v1/chat/completions", chat())[0] == 200
        assert edge.fetch("/v1/models")[0] == 200


def test_replicas_whose_scorers_are_gone_relay_all_the_same(tmp_path: Path) -> None:
    unready = {"GET /readyz": "GET /no-such-check"}
    with running("haproxy", tmp_path, **unready) as edge:
        edge.provider.requests.clear()
        assert edge.fetch("/v1/chat/completions", chat())[0] == 200
