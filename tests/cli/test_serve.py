"""`contextprune serve` and `contextprune wrap` as a user meets them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from contextprune.cli.app import app, main
from contextprune.cli.probe import fetch
from contextprune.cli.serve import announcement
from contextprune.policy import Policy
from contextprune.proxy.options import Options
from contextprune.settings import Settings
from contextprune.settings.groups import descriptions_of

URL = "http://127.0.0.1:8788"


@pytest.mark.parametrize("command", ["serve", "wrap", "mcp"])
def test_each_has_help_with_examples(command: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"]) == 0
    said = capfd.readouterr().out
    assert "Examples:" in said
    assert f"contextprune {command}" in said
    assert "with-parent" not in said


@pytest.mark.parametrize("name", ["serve", "wrap"])
def test_a_flag_has_the_meaning_and_the_default_of_its_option(name: str) -> None:
    import typer.main

    group: Any = typer.main.get_command(app)
    options = {"upstream": "upstreams", "show_content": "content"}
    flags = {options.get(flag.name, flag.name): flag.help for flag in group.commands[name].params}
    meanings = descriptions_of(Options)
    for option in flags.keys() & meanings.keys():
        meaning, default = meanings[option], getattr(Options(), option)
        assert flags[option].casefold().startswith(meaning.casefold()), option
        assert flags[option].endswith(f"[{default}]") or default in ("", False, {}), option
    assert flags.keys() & meanings.keys() >= {"mode", "recall", "config", "content"}


def test_it_says_where_it_listens_and_what_to_paste() -> None:
    said = announcement(Options(upstreams={"/groq": "https://api.groq.com/openai"}), Settings(), URL)
    assert said.startswith("contextprune ")
    for part in (
        f"listens at {URL} (mode on, recall off)",
        f"export ANTHROPIC_BASE_URL={URL}\n",
        f"export OPENAI_BASE_URL={URL}/v1\n",
        f"{URL}/groq leads to https://api.groq.com/openai",
        "originals.sqlite3",
        f"contextprune doctor --proxy {URL}",
    ):
        assert part in said
    assert "WARNING" not in said
    assert "NOTE" not in said


def test_a_mode_that_shortens_nothing_is_pointed_out() -> None:
    assert "NOTE: mode audit measures and changes nothing" in announcement(Options(mode="audit"), Settings(), URL)


def test_listening_beyond_this_machine_is_warned_of() -> None:
    said = announcement(Options(host="0.0.0.0"), Settings(), URL)
    assert "WARNING: 0.0.0.0 can be reached from other machines" in said
    assert "CONTEXTPRUNE_SERVE_TOKEN is not set" in said
    assert "is not set" not in announcement(Options(host="0.0.0.0", token="t"), Settings(), URL)


def test_the_password_of_a_store_is_not_shown() -> None:
    said = announcement(Options(), Settings(store="redis://user:sesame@cache:6379/0"), URL)
    assert "redis://cache:6379/0" in said
    assert "sesame" not in said


def test_where_an_upstream_was_set_is_said_unless_it_is_the_default() -> None:
    options = Options(upstream_openai="http://gateway", upstreams={"/groq": "https://groq.example"})
    places = {"upstream_openai": "CONTEXTPRUNE_SERVE_UPSTREAM_OPENAI", "upstreams": "--upstream", "port": "--port"}
    lines = announcement(options, Settings(), URL, places).splitlines()
    assert "  OpenAI       http://gateway  (set by CONTEXTPRUNE_SERVE_UPSTREAM_OPENAI)" in lines
    assert "  Anthropic    https://api.anthropic.com" in lines
    assert f"  /groq        {URL}/groq leads to https://groq.example  (set by --upstream)" in lines


@pytest.mark.parametrize("workers", ["1", "2"])
def test_what_a_repository_asks_of_the_proxy_is_named_once_and_not_done(tmp_path: Path, workers: str) -> None:
    (tmp_path / "contextprune.toml").write_text(
        "store = 'redis://127.0.0.1:1/0'\nscorer = './model'\n[serve]\nhost = '0.0.0.0'\nupstream_openai = 'http://evil'\n"
    )
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "XDG_DATA_HOME": str(tmp_path / "data")}
    command = [sys.executable, "-P", "-m", "contextprune", "serve", "--port", "0", "--workers", workers]
    said = ""
    with subprocess.Popen(command, stderr=subprocess.PIPE, env=environ, text=True, cwd=tmp_path) as process:
        assert process.stderr is not None
        while "Prove that it works" not in said:
            said += process.stderr.readline()
        url = said.split("listens at ")[1].split()[0]
        end = time.monotonic() + 60
        while _ready(url) != "ready" and time.monotonic() < end:
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        said += process.stderr.read()
    assert said.count("Ignored: store, scorer, serve.host, serve.upstream_openai") == 1
    assert said.count("evil") == 0
    assert url.startswith("http://127.0.0.1:")
    assert '"level": "error"' not in said


def _ready(url: str) -> str:
    with suppress(OSError):
        return str(fetch(f"{url}/readyz").json()["status"])
    return ""


def test_it_serves_until_ctrl_c_and_ends_in_order(tmp_path: Path) -> None:
    environ = {**os.environ, "CONTEXTPRUNE_STORE": str(tmp_path / "originals.sqlite3")}
    command = [sys.executable, "-m", "contextprune", "serve", "--port", "0", "--scorers", "1", "--mode", "off"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, env=environ, text=True) as process:
        assert process.stderr is not None
        assert " listens at http://127.0.0.1:" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(30) in (0, 130)
        assert "Traceback" not in process.stderr.read()


def test_a_port_in_use_says_so_and_what_to_do(capfd: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        before = psutil.Process().children()
        assert main(["serve", "--port", str(port)]) == 1
    assert psutil.Process().children() == before
    said = capfd.readouterr().err
    assert f"127.0.0.1:{port}: Address already in use" in said
    assert "--port" in said


def test_absent_packages_say_what_to_install() -> None:
    code = (
        "import sys; sys.modules['uvicorn'] = None\n"
        "from contextprune.cli.app import main; sys.exit(main(['serve', '--port', '0']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr == "contextprune: error: the proxy needs an extra: pip install 'contextprune-ai[proxy]'\n"


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--upstream", "groq"], "--upstream is PREFIX=URL"),
        (["--upstream", "groq=https://a"], "a prefix of upstreams is a path such as /groq"),
        (["--mode", "dry"], "mode is one of on, audit, off, not 'dry' (set by --mode)"),
        (["--upstream-openai", "nowhere"], "upstream_openai is a URL such as"),
        (["--config", "absent.toml"], "absent.toml cannot be read"),
        (["--host", "no.such.host.invalid"], "no.such.host.invalid"),
    ],
)
def test_what_makes_no_sense_is_said_in_a_line(flags: list[str], said: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", *flags]) in (1, 2)
    assert said in " ".join(capfd.readouterr().err.replace("│", "").split())


def test_mcp_wants_a_store_that_others_write_to(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["mcp", "--store", "memory"]) == 1
    assert "a store in memory is seen by its own process alone" in capfd.readouterr().err


def test_wrap_knows_its_agents(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["wrap", "emacs"]) == 1
    assert "wrap knows claude, codex, aider, not 'emacs'" in capfd.readouterr().err
    assert main(["wrap", "--mode", "dry", "claude"]) == 1
    assert "mode is one of" in capfd.readouterr().err


def test_it_says_where_only_repetitions_go() -> None:
    note = "NOTE: repetitions only: nothing goes but what stands, byte for byte, earlier in the prompt."
    assert note in announcement(Options(), Settings(policy=Policy(repetitions_only=True)), URL)
    assert note not in announcement(Options(), Settings(), URL)
