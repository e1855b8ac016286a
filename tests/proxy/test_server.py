"""The server's bounds and its end; as a process of its own, as users run it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import psutil
import pytest

from contextprune.errors import SettingsError
from contextprune.proxy.options import Options
from contextprune.proxy.server import address_of, listen, take
from contextprune.proxy.telemetry.summary import summarise
from contextprune.proxy.telemetry.totals import Totals
from tests.children import END_WITH_US
from tests.proxy.in_process import Scripted, running, until
from tests.proxy.provider import Provider, providing
from tests.proxy.raw_http import talk
from tests.proxy.serve_process import ask as asked
from tests.proxy.serve_process import question, serving

STREAMING = {"model": "m", "messages": [{"role": "user", "content": "x"}], "stream": True}


def command(provider: Provider, *more: str) -> list[str]:
    urls = ["--upstream-openai", provider.url, "--upstream-anthropic", provider.url]
    return [sys.executable, "-m", "contextprune", "serve", "--port", "0", *urls, *more]


@contextmanager
def process(provider: Provider, *more: str, ready: bool = True) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`contextprune serve` as a process, and its address."""
    environ = {**os.environ, "CONTEXTPRUNE_STORE": "memory"}
    with subprocess.Popen(
        command(provider, *more),
        stderr=subprocess.PIPE,
        text=True,
        env=environ,
        preexec_fn=END_WITH_US,  # noqa: PLW1509
    ) as running_:
        assert running_.stderr is not None
        said: list[str] = []
        try:
            while not any("listens at " in line for line in said):
                said.append(running_.stderr.readline())
                assert said[-1], said
            url = said[-1].partition("listens at ")[2].split()[0]
            threading.Thread(target=running_.stderr.read, daemon=True).start()
            if ready:
                until(lambda: httpx2.get(f"{url}/livez").status_code == 200)
            yield running_, url
        finally:
            if running_.poll() is None:
                running_.kill()
            running_.wait(60)


def test_a_body_that_comes_too_slowly_is_refused() -> None:
    with running(scorers=Scripted(), body_seconds=0.3) as proxy:
        head = b"POST /v1/messages HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n"
        for got in (talk(proxy, head, b"{"), talk(proxy, head.replace(b"messages", b"files"), b"{")):
            assert got.startswith(b"HTTP/1.1 408 ")
            assert b"came too slowly" in got


def test_a_client_that_asks_before_it_sends_is_told_to_go_on() -> None:
    with running(scorers=Scripted()) as proxy:
        head = b"POST /v1/files HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\nconnection: close\r\n"
        got = talk(proxy, head + b"content-length: 3\r\n\r\n", b"abc", every=0.2)
        assert got.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")
        assert proxy.provider.requests[0].body == b"abc"
        assert proxy.provider.requests[0].header("expect") is None


def test_a_client_that_asks_before_it_sends_too_much_is_told_not_to() -> None:
    with running(scorers=Scripted()) as proxy:
        head = b"POST /v1/messages HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 99999999\r\n\r\n"
        assert talk(proxy, head).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    "request_",
    [
        b"NONSENSE\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /v1/files HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\nabc",
        b"POST /v1/files HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd",
        b"POST /v1/files HTTP/1.1\r\nhost: x\r\ncontent-length: +3\r\n\r\nabc",
        b"POST /v1/files HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"GET /v1/models HTTP/1.1\r\nhost: x\r\nx-a: b\r\n folded\r\n\r\n",
    ],
)
def test_what_is_no_clear_http_is_refused_and_never_sent_on(request_: bytes) -> None:
    with running(scorers=Scripted()) as proxy:
        assert talk(proxy, request_).startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 408 "))
        assert [r for r in proxy.provider.requests if r.body] == []


def test_connections_are_kept_for_the_next_request() -> None:
    with running(scorers=Scripted()) as proxy:
        one = b"GET /v1/models HTTP/1.1\r\nhost: x\r\n\r\n"
        got = talk(proxy, one, one, one.replace(b"host", b"connection: close\r\nhost"))
        assert got.count(b"HTTP/1.1 200 OK") == 3


def test_no_header_of_the_server_itself_is_added() -> None:
    with running(scorers=Scripted()) as proxy:
        got = proxy.get("/v1/models")
        assert got.headers.get_list("date") == ["now"]
        assert "server" not in got.headers


def test_a_port_that_is_taken_is_named() -> None:
    with listen(Options(port=0)) as sock:
        port = sock.getsockname()[1]
        with pytest.raises(SettingsError, match=f"cannot listen on 127.0.0.1:{port}: .*--port"):
            listen(Options(port=port))


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX's meaning of the option")
def test_a_port_that_the_system_chose_is_shared_with_nobody() -> None:
    with listen(Options(port=0)) as sock, socket.socket() as thief:
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR) == 0
        thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        with pytest.raises(OSError, match="in use"):
            thief.bind(sock.getsockname())


def test_a_socket_that_was_passed_on_is_listened_on() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        with take(os.dup(bound.fileno())) as sock:
            assert sock.getsockname() == bound.getsockname()
            assert not sock.get_inheritable()
            socket.create_connection(bound.getsockname(), timeout=5).close()


def test_what_was_passed_on_and_is_no_socket_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "file").open("w") as file, pytest.raises(SettingsError, match="the socket that was passed on"):
        take(file.fileno())


@pytest.mark.parametrize(
    ("host", "start"), [("127.0.0.1", "http://127.0.0.1:"), ("0.0.0.0", "http://127.0.0.1:"), ("::1", "http://[::1]:")]
)
def test_its_address_is_one_that_clients_here_can_use(host: str, start: str) -> None:
    options = Options(host=host, port=0)
    with listen(options) as sock:
        assert address_of(options, sock).startswith(start)


def test_sigterm_lets_streams_end_and_exits_with_0() -> None:
    with providing(pause=0.01, events=100_000) as provider, process(provider, "--scorers", "1") as (proxy, url):
        got: list[bytes] = []

        def stream() -> None:
            with httpx2.Client(timeout=60) as client, client.stream("POST", f"{url}/v1/messages", json=STREAMING) as a:
                got.append(b"".join(a.iter_raw()))

        threads = [threading.Thread(target=stream) for _ in range(8)]
        for thread in threads:
            thread.start()
        until(lambda: len(provider.sent) == 8)
        proxy.send_signal(signal.SIGTERM)
        until(lambda: not _listens(url))
        assert proxy.poll() is None
        provider.events = 0  # now the streams end
        for thread in threads:
            thread.join()
        assert proxy.wait(60) == 0
        assert sorted(got) == sorted(map(bytes, provider.sent))


def test_ctrl_c_ends_it_and_leaves_no_process() -> None:
    with providing() as provider, process(provider, "--scorers", "1") as (proxy, _):
        until(lambda: bool(psutil.Process(proxy.pid).children()))
        children = psutil.Process(proxy.pid).children(recursive=True)
        proxy.send_signal(signal.SIGINT)
        assert proxy.wait(60) == 0
        until(lambda: not any(child.is_running() for child in children))


def test_a_second_signal_does_not_wait_for_streams() -> None:
    with providing(pause=0.05, events=100_000) as provider, process(provider, "--scorers", "1") as (proxy, url):
        with httpx2.Client(timeout=60) as client, client.stream("POST", f"{url}/v1/messages", json=STREAMING) as answer:
            chunks = answer.iter_raw()
            next(chunks)
            proxy.send_signal(signal.SIGTERM)
            until(lambda: not _listens(url))
            proxy.send_signal(signal.SIGTERM)
            assert b"shutting down" in b"".join(chunks)
        assert proxy.wait(60) == 0


def test_totals_of_two_proxies_add_up_and_survive_their_death(tmp_path: Path) -> None:
    store = tmp_path / "originals.sqlite3"
    with providing() as provider:
        with serving(provider, store) as first, serving(provider, store) as second:
            asked(first, question("one"), user_agent="claude-cli/2.0.1 (external, cli)")
            asked(second, question("two"))
            until(lambda: first.get("/stats").json()["today"]["requests"] == 2)
            first.kill()
            second.kill()
        with serving(provider, store) as third:
            figures = third.get("/stats").json()
    assert figures["today"]["requests"] == 2
    assert figures["today"]["sessions"] == 2
    assert figures["all"]["requests"] == 0
    assert "Claude Code" in [session["client"] for session in figures["sessions"]]
    assert sum(session["before"] for session in figures["sessions"]) == figures["today"]["before"] > 0


def test_what_was_counted_last_is_written_at_the_end(tmp_path: Path) -> None:
    with providing() as provider, serving(provider, tmp_path / "originals.sqlite3") as proxy:
        asked(proxy, question("one"))
        proxy.process.send_signal(signal.SIGTERM)
        assert proxy.process.wait(60) == 0
    [day] = Totals(tmp_path / "totals.sqlite3").days().values()
    assert summarise(day).requests == 1


def _listens(url: str) -> bool:
    host, port = url.removeprefix("http://").split(":")
    try:
        socket.create_connection((host, int(port)), timeout=1).close()
    except OSError:
        return False
    return True
