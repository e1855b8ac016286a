"""A real child named like the agent, behind a real proxy, with a provider of our own as the user's upstream."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import psutil
import pytest

from contextprune.cli.wrap import AGENTS, _ready, _start, _stop, destinations, places, prepare, wrap
from contextprune.errors import ContextPruneError, SettingsError
from contextprune.proxy.inherited import CHALLENGE, PROOF
from tests.http_server import answering
from tests.proxy.in_process import Scripted, running, until
from tests.proxy.provider import providing

URL = "http://127.0.0.1:4242"
CLI = [sys.executable, "-m", "contextprune", "wrap"]

AGENT = f"""#!{sys.executable}
import json, os, signal, sys, time
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

from contextprune.cli.doctor import canary

kept = ("ANTHROPIC_", "OPENAI_", "NO_PROXY", "ENABLE_")
told = {{"args": sys.argv[1:], "env": {{name: value for name, value in os.environ.items() if name.startswith(kept)}}}}
Path(os.environ["TOLD"]).write_text(json.dumps(told))
def post(url, path, body):
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname, parts.port)
    connection.request("POST", parts.path + path, json.dumps(body), {{"content-type": "application/json"}})
    reply = connection.getresponse()
    reply.read()
    return reply
if "key" in sys.argv:
    parts = urlsplit(os.environ["ANTHROPIC_BASE_URL"])
    connection = HTTPConnection(parts.hostname, parts.port)
    connection.request("POST", "/v1/messages", json.dumps(canary()), {{"x-api-key": "sk-of-the-user"}})
    connection.getresponse().read()
if "ask" in sys.argv:
    reply = post(os.environ["OPENAI_BASE_URL"], "/chat/completions", canary())
    print(reply.status, reply.headers["x-contextprune-status"])
if "trap" in sys.argv:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
if "wait" in sys.argv:
    print("waiting", flush=True)
    time.sleep(60)
if "die" in sys.argv:
    os.kill(os.getpid(), signal.SIGKILL)
sys.exit(int(sys.argv[-1]) if sys.argv[-1].isdigit() else 0)
"""


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """An environment in which the agents are ours, and that names no address of anybody."""
    for name in AGENTS:
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(AGENT)
        path.chmod(0o755)
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("ANTHROPIC_", "OPENAI_"))}
    ours |= {"PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}", "TOLD": str(tmp_path / "told.json")}
    ours |= {"CONTEXTPRUNE_SERVE_DEADLINE": "30", "CONTEXTPRUNE_SERVE_PREFILL": "1"}  # this machine may be busy
    ours |= {"CONTEXTPRUNE_SERVE_SCORERS": "1"}  # each takes a second of work to start
    return {**ours, "CONTEXTPRUNE_STORE": "memory", "PYTHONPATH": str(Path(__file__).parents[2])}


def run(environ: Mapping[str, str], *args: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*CLI, *args], env=environ, cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )


def told(environ: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(environ["TOLD"]).read_text())
    return found


def listens(url: str) -> bool:
    host, _, port = url.removeprefix("http://").removesuffix("/v1").partition(":")
    try:
        socket.create_connection((host, int(port)), timeout=2).close()
    except OSError:
        return False
    return True


@pytest.mark.parametrize(
    ("path", "files"),
    [
        ("/usr/bin:/opt/bin", ["/usr/bin/claude", "/opt/bin/claude"]),
        ("", []),
        (":/usr/bin:", ["/usr/bin/claude"]),
        (".:bin:../bin:/usr/bin", ["/usr/bin/claude"]),
    ],
)
def test_an_agent_is_looked_for_in_the_absolute_folders_of_the_path(path: str, files: list[str]) -> None:
    assert [str(file) for file in places("claude", {"PATH": path}, windows=False)] == files


@pytest.mark.parametrize(
    ("path", "files"),
    [
        (
            r"C:\bin;D:\tools",
            [r"C:\bin\claude.EXE", r"C:\bin\claude.CMD", r"D:\tools\claude.EXE", r"D:\tools\claude.CMD"],
        ),
        (r".;;bin;\bin;C:bin", []),
        (r'"C:\Program Files\npm"', [r"C:\Program Files\npm\claude.EXE", r"C:\Program Files\npm\claude.CMD"]),
    ],
)
def test_on_windows_an_agent_is_not_looked_for_in_the_working_folder(path: str, files: list[str]) -> None:
    files_in_order = places("claude", {"PATH": path, "PATHEXT": ".EXE;.CMD"}, windows=True)
    assert [str(file) for file in files_in_order] == files


def test_claude_is_led_to_the_proxy_and_gets_its_own_arguments(environ: dict[str, str]) -> None:
    done = run(environ, "claude", "--", "-p", "hello", "--mode", "plan", "5")
    assert done.returncode == 5, done.stderr
    found = told(environ)
    assert found["args"] == ["-p", "hello", "--mode", "plan", "5"]
    assert found["env"]["ANTHROPIC_BASE_URL"].startswith("http://127.0.0.1:")
    assert done.stdout == ""


def test_the_proxy_ends_with_the_agent(environ: dict[str, str]) -> None:
    assert run(environ, "claude").returncode == 0
    assert not listens(told(environ)["env"]["ANTHROPIC_BASE_URL"])


def test_requests_are_shortened_reach_the_users_own_upstream_and_the_savings_are_told(environ: dict[str, str]) -> None:
    with providing() as provider:
        done = run({**environ, "OPENAI_BASE_URL": f"{provider.url}/v1"}, "aider", "--", "ask")
    assert done.stdout.split() == ["200", "applied"], done.stderr
    (request,) = provider.requests
    assert request.target == "/v1/chat/completions"
    assert len(request.body) < 20_000
    last = done.stderr.splitlines()[-1]
    assert last.startswith("contextprune: 1 request")
    assert "tokens" in last


def test_only_repetitions_go_where_the_user_says_so(environ: dict[str, str]) -> None:
    with providing() as provider:
        theirs = {**environ, "OPENAI_BASE_URL": f"{provider.url}/v1"}
        done = run(theirs, "--repetitions-only", "aider", "--", "ask")
    assert done.stdout.split() == ["200", "noop"], done.stderr


@pytest.mark.parametrize("name", ["pyproject.toml", "contextprune.toml"])
def test_a_repository_does_not_get_the_key(environ: dict[str, str], tmp_path: Path, name: str) -> None:
    repository = tmp_path / "repository" / "below"
    repository.mkdir(parents=True)
    table = "tool.contextprune.serve" if name == "pyproject.toml" else "serve"
    with providing() as evil, providing() as provider:
        (repository.parent / name).write_text(f'[{table}]\nupstream_anthropic = "{evil.url}"\n')
        own = tmp_path / "contextprune" / "contextprune.toml"
        own.parent.mkdir()
        own.write_text(f'[serve]\nupstream_anthropic = "{provider.url}"\n')
        done = run({**environ, "XDG_CONFIG_HOME": str(tmp_path)}, "claude", "--", "key", folder=repository)
        assert [request.header("x-api-key") for request in provider.requests] == ["sk-of-the-user"], done.stderr
        assert evil.requests == []
    assert done.stderr.count("Ignored: serve.upstream_anthropic. ") == 1
    assert f"its requests go to {provider.url} (set by serve.upstream_anthropic in {own})" in done.stderr


def test_a_repository_cannot_change_the_default_upstream(tmp_path: Path) -> None:
    (tmp_path / "contextprune.toml").write_text("[serve]\nupstream_anthropic = 'http://evil'\n")
    assert destinations("claude", {}, folder=tmp_path) == "https://api.anthropic.com"


def test_the_upstreams_of_each_agent_are_named_with_what_set_them(tmp_path: Path) -> None:
    variables = {"OPENAI_API_BASE": "https://api.z.ai/paas/v4", "CONTEXTPRUNE_SERVE_UPSTREAM_ANTHROPIC": "http://a"}
    assert destinations("aider", variables, folder=tmp_path) == (
        "https://api.z.ai/paas/v4 (set by OPENAI_API_BASE) and http://a (set by CONTEXTPRUNE_SERVE_UPSTREAM_ANTHROPIC)"
    )
    assert destinations("claude", {"ANTHROPIC_BASE_URL": "https://gateway/a"}, folder=tmp_path) == (
        "https://gateway/a (set by ANTHROPIC_BASE_URL)"
    )
    assert destinations("codex", {"OPENAI_API_KEY": "k"}, folder=tmp_path) == "https://api.openai.com"
    assert destinations("codex", {}, folder=tmp_path) == "https://chatgpt.com/backend-api/codex"


def test_an_agent_that_never_came_through_is_pointed_out(environ: dict[str, str]) -> None:
    assert "no request of claude came through" in run(environ, "claude").stderr


def test_the_environment_of_the_user_is_what_the_agent_has_besides(environ: dict[str, str]) -> None:
    run({**environ, "ANTHROPIC_API_KEY": "mine", "HTTP_PROXY": "http://10.9.9.9:3128", "NO_PROXY": "intra"}, "claude")
    found = told(environ)["env"]
    assert found["ANTHROPIC_API_KEY"] == "mine"
    assert found["NO_PROXY"] == "intra,127.0.0.1"


def test_an_agent_ended_by_a_signal_shows_as_a_shell_shows_it(environ: dict[str, str]) -> None:
    assert run(environ, "claude", "die").returncode == 128 + signal.SIGKILL


def test_signals_go_on_to_the_agent(environ: dict[str, str]) -> None:
    with subprocess.Popen(
        [*CLI, "claude", "trap", "wait"], env=environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"waiting\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 7
    assert not listens(told(environ)["env"]["ANTHROPIC_BASE_URL"])


def test_the_proxy_ends_even_when_wrap_is_killed(environ: dict[str, str]) -> None:
    with subprocess.Popen(
        [*CLI, "claude", "wait"], env=environ, stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"waiting\n"
        url = told(environ)["env"]["ANTHROPIC_BASE_URL"]
        assert listens(url)
        process.kill()
        process.wait()
        until(lambda: not listens(url))
        os.killpg(process.pid, signal.SIGKILL)  # the agent, which nothing ended
    assert not listens(url)


def test_a_folder_with_modules_of_any_name_disturbs_nothing(environ: dict[str, str], tmp_path: Path) -> None:
    for name in ("json", "uvicorn", "typing"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('not this one')")
    command = [str(Path(sys.executable).parent / "contextprune"), "wrap", "claude", "--", "3"]
    done = subprocess.run(command, env=environ, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 3, done.stderr


@contextmanager
def waiting(environ: Mapping[str, str]) -> Iterator[tuple[psutil.Process, psutil.Process, int]]:
    """`wrap` while its agent waits: the process, the proxy's, and the port that they hold."""
    with subprocess.Popen([*CLI, "claude", "wait"], env=environ, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"waiting\n"
            whole = psutil.Process(process.pid)
            (proxy,) = [child for child in whole.children() if "serve" in child.cmdline()]
            yield whole, proxy, int(told(environ)["env"]["ANTHROPIC_BASE_URL"].rpartition(":")[2])
        finally:
            process.terminate()


def test_the_proxy_listens_on_the_socket_that_was_bound_before_it_started(environ: dict[str, str]) -> None:
    with waiting(environ) as (whole, proxy, port):
        mine, its = ({link for link in links(process) if link.startswith("socket:")} for process in (whole, proxy))
        held = [c.laddr.port for c in whole.net_connections("tcp") if c.status == psutil.CONN_LISTEN]
        assert held == [port]
        assert len(mine & its) == 1


def links(process: psutil.Process) -> list[str]:
    """What the descriptors of a process lead to."""
    folder = Path(f"/proc/{process.pid}/fd")
    if not folder.is_dir():
        pytest.skip("no /proc here")
    return [str(path.readlink()) for path in folder.iterdir()]


def test_the_secret_is_in_no_command_line_and_no_environment(environ: dict[str, str]) -> None:
    with waiting(environ) as (_, proxy, _):
        words = [*proxy.cmdline(), *(value for name, value in proxy.environ().items() if name not in environ)]
        assert [word for word in words if len(word) >= 64 and not word.startswith("/")] == []


def test_nobody_else_can_listen_where_the_agent_sends_its_key_once_the_proxy_has_died(environ: dict[str, str]) -> None:
    with waiting(environ) as (_, proxy, port):
        proxy.kill()
        until(lambda: not proxy.is_running() or proxy.status() == psutil.STATUS_ZOMBIE)
        with socket.socket() as thief:
            thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with pytest.raises(OSError, match="in use"):
                thief.bind(("127.0.0.1", port))
        with socket.create_connection(("127.0.0.1", port), timeout=20) as agent:
            assert agent.recv(1) == b""  # turned away, and not left to wait


def test_a_thief_that_reads_command_lines_finds_no_port_that_is_free(environ: dict[str, str]) -> None:
    tried: list[int] = []
    stolen: list[int] = []
    over = threading.Event()

    def steal() -> None:
        while not over.wait(0.002):
            for child in psutil.Process().children(recursive=True):
                with suppress(psutil.Error, OSError, ValueError):
                    words = child.cmdline()
                    port = int(words[words.index("--port") + 1])
                    tried.append(port)
                    with socket.socket() as thief:
                        thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                        thief.bind(("127.0.0.1", port))
                        stolen.append(port)

    thread = threading.Thread(target=steal)
    thread.start()
    done = run(environ, "claude", "--", "0")
    over.set()
    thread.join()
    assert done.returncode == 0, done.stderr
    assert tried
    assert stolen == []


class Silent(BaseHTTPRequestHandler):
    """A listener that is ready and proves nothing, or what somebody else proved."""

    proof = ""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header(PROOF, self.proof or self.genuine())
        self.end_headers()

    def genuine(self) -> str:
        return ""


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as process:
        yield process
        process.kill()


@pytest.mark.parametrize("proof", ["", "0" * 64, "\u00fc"])
def test_a_listener_that_does_not_know_the_secret_is_refused(proof: str, sleeper: subprocess.Popen[bytes]) -> None:
    thief = type("Thief", (Silent,), {"proof": proof})
    with answering(thief) as url, pytest.raises(ContextPruneError, match=f"{url} is answered by something else"):
        _ready(sleeper, url, b"secret")


def test_a_listener_that_asks_the_proxy_for_the_proof_is_refused(sleeper: subprocess.Popen[bytes]) -> None:
    with running(scorers=Scripted(), secret=b"secret") as proxy:

        class Between(Silent):
            def genuine(self) -> str:
                challenge = self.headers[CHALLENGE]
                return str(proxy.get("/readyz", headers={CHALLENGE: challenge}).headers[PROOF])

        assert _ready(sleeper, proxy.url, b"secret")
        with answering(Between) as url, pytest.raises(ContextPruneError, match="something else"):
            _ready(sleeper, url, b"secret")


IMPOSTOR = """
import json, os, socket, sys
told = json.loads(sys.stdin.readline())
sock = socket.socket(fileno=told["fd"])
sock.listen()
while True:
    link = sock.accept()[0]
    link.recv(65536)
    link.sendall(b"HTTP/1.1 200 OK\\r\\ncontent-length: 0\\r\\nconnection: close\\r\\n\\r\\n")
    link.close()
"""


def test_no_agent_is_started_for_a_proxy_that_proves_nothing(environ: dict[str, str], tmp_path: Path) -> None:
    package = tmp_path / "other" / "contextprune"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(IMPOSTOR)
    with pytest.raises(ContextPruneError, match="something else than the proxy"):
        wrap("claude", [], [], {**environ, "PYTHONPATH": str(package.parent)}, print)
    assert not (tmp_path / "told.json").exists(), "the agent was started all the same"


def test_where_no_socket_can_be_passed_on_the_proxy_names_its_address(environ: dict[str, str]) -> None:
    with tempfile.TemporaryFile() as log:
        process, url, launch = _start("claude", [], environ, log, None)
        try:
            assert launch.environment["ANTHROPIC_BASE_URL"] == url
            assert listens(url)
        finally:
            _stop(process)
        assert not listens(url)


def test_a_proxy_that_names_no_address_is_told_apart(environ: dict[str, str]) -> None:
    with tempfile.TemporaryFile() as log, pytest.raises(ContextPruneError, match="SCORERS is a whole number"):
        _start("claude", [], {**environ, "CONTEXTPRUNE_SERVE_SCORERS": "many"}, log, None)


def test_a_proxy_that_cannot_start_says_why(environ: dict[str, str], tmp_path: Path) -> None:
    done = run({**environ, "CONTEXTPRUNE_SERVE_SCORERS": "many"}, "claude")
    assert done.returncode == 1
    assert "CONTEXTPRUNE_SERVE_SCORERS is a whole number" in done.stderr
    assert not (tmp_path / "told.json").exists(), "the agent was started all the same"


def test_an_agent_that_is_not_there_is_named(environ: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="codex is not on the PATH: install it"):
        wrap("codex", [], [], {**environ, "PATH": str(tmp_path)}, print)
    with pytest.raises(SettingsError, match="wrap knows claude, codex, aider, not 'emacs'"):
        wrap("emacs", [], [], environ, print)


def test_an_agent_that_cannot_be_led_here_is_not_started(environ: dict[str, str]) -> None:
    done = run(environ, "gemini")
    assert done.returncode == 1
    assert "Gemini CLI speaks Google's own API" in done.stderr


def test_aiders_user_is_told_that_there_is_little_to_shorten() -> None:
    assert "little or nothing to be shortened" in prepare("aider", {}, URL).note


def test_tool_search_stays_as_it_is_without_a_proxy() -> None:
    assert prepare("claude", {}, URL).environment == {"ANTHROPIC_BASE_URL": URL, "ENABLE_TOOL_SEARCH": "true"}
    assert prepare("claude", {"ENABLE_TOOL_SEARCH": "false"}, URL).environment == {"ANTHROPIC_BASE_URL": URL}
    gateway = prepare("claude", {"ANTHROPIC_BASE_URL": "https://gateway/a"}, URL)
    assert gateway.environment == {"ANTHROPIC_BASE_URL": URL}
    assert gateway.flags == ("--upstream-anthropic", "https://gateway/a")


def test_codex_is_told_by_its_command_line() -> None:
    launch = prepare("codex", {"OPENAI_API_KEY": "k"}, URL)
    assert launch.arguments == (
        "-c", 'model_provider="contextprune"',
        "-c", (f'model_providers.contextprune={{name="contextprune", base_url="{URL}/v1", wire_api="responses", '
        'env_key="OPENAI_API_KEY", supports_websockets=false}'),
    )  # fmt: skip
    assert (launch.environment, launch.flags) == ({}, ())


def test_codex_without_a_key_goes_on_with_its_login() -> None:
    launch = prepare("codex", {}, URL)
    assert f'base_url="{URL}/chatgpt"' in launch.arguments[-1]
    assert "requires_openai_auth=true" in launch.arguments[-1]
    assert launch.flags == ("--upstream", "/chatgpt=https://chatgpt.com/backend-api/codex")
    assert "ChatGPT" in launch.note


@pytest.mark.parametrize(
    ("given", "base", "flags"),
    [
        ("", f"{URL}/v1", ()),
        ("https://gateway/openai/v1/", f"{URL}/v1", ("--upstream-openai", "https://gateway/openai/v1")),
        ("https://api.z.ai/paas/v4", f"{URL}/given", ("--upstream", "/given=https://api.z.ai/paas/v4")),
    ],
)
def test_an_address_of_the_users_own_stays_where_requests_go(given: str, base: str, flags: tuple[str, ...]) -> None:
    for name in ("OPENAI_BASE_URL", "OPENAI_API_BASE"):
        launch = prepare("aider", {name: given}, URL)
        assert launch.environment["OPENAI_API_BASE"] == base
        assert launch.environment["ANTHROPIC_API_BASE"] == URL
        assert launch.flags == flags
