"""Processes of our own in a folder whose modules bear the names of all others, as users run them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from contextprune.cli.doctor import canary
from contextprune.cli.probe import fetch
from contextprune.interpreter import search_path
from tests.proxy.in_process import until

ROOT = Path(__file__).parent.parent
SCRIPT = str(Path(sys.executable).parent / "contextprune")
OTHERS = {
    "brotli", "contextprune", "httpcore2", "httptools", "httpx2", "mcp", "numpy", "opentelemetry", "prometheus_client",
    "redis", "rich", "safetensors", "sitecustomize", "tiktoken", "tokenizers", "torch", "typer", "uvicorn", "uvloop",
    "zstandard",
}  # fmt: skip
HOSTILE = "open(__file__ + '.ran', 'w').close()\nraise SystemExit('not this one')\n"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A working folder in which a module of any name says that it was run."""
    place = tmp_path / "clone"
    place.mkdir()
    for name in sys.stdlib_module_names | OTHERS:
        (place / f"{name}.py").write_text(HOSTILE)
    yield place
    assert [path.name for path in place.glob("*.ran")] == []


@pytest.fixture
def environ() -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if name not in ("PYTHONSAFEPATH", "PYTHONPATH")}
    return {**ours, "CONTEXTPRUNE_STORE": "memory", "CONTEXTPRUNE_SCORER": "lexical"}


def run(folder: Path, environ: dict[str, str], *args: str, given: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        args, cwd=folder, env=environ, input=given, capture_output=True, text=True, timeout=120, check=False
    )


def test_the_working_folder_does_run_code_where_nothing_keeps_it_out(tmp_path: Path, environ: dict[str, str]) -> None:
    (tmp_path / "json.py").write_text(HOSTILE)
    assert run(tmp_path, environ, sys.executable, "-c", "import json").returncode == 1
    assert (tmp_path / "json.py.ran").exists()


def test_several_fronts_and_their_scorers_run_no_code_of_the_working_folder(
    folder: Path, environ: dict[str, str]
) -> None:
    serve = [SCRIPT, "serve", "--port", "0", "--workers", "2", "--scorers", "2"]
    with subprocess.Popen(serve, cwd=folder, env=environ, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            url = process.stderr.readline().partition("listens at ")[2].split()[0]
            until(lambda: len(psutil.Process(process.pid).children(recursive=True)) >= 4)
            until(lambda: (fetch(f"{url}/readyz").json() or {}).get("scorers") == "ready")
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


def test_wrap_runs_no_code_of_the_working_folder(folder: Path, environ: dict[str, str], tmp_path: Path) -> None:
    agent = tmp_path / "bin" / "claude"
    agent.parent.mkdir()
    agent.write_text("#!/bin/sh\nexit 3\n")
    agent.chmod(0o755)
    path = f"{agent.parent}{os.pathsep}{environ['PATH']}"
    assert run(folder, {**environ, "PATH": path}, SCRIPT, "wrap", "claude").returncode == 3


def test_compressing_many_contexts_runs_no_code_of_the_working_folder(folder: Path, environ: dict[str, str]) -> None:
    (folder / "many.jsonl").write_text(f"{json.dumps(canary())}\n" * 3)
    assert run(folder, environ, SCRIPT, "compress", "many.jsonl", "--budget", "0.5").returncode == 0


@pytest.mark.parametrize("args", [("mcp",), ("audit", "."), ("doctor",)])
def test_other_commands_run_no_code_of_the_working_folder(
    args: tuple[str, ...], folder: Path, environ: dict[str, str]
) -> None:
    done = run(folder, environ, SCRIPT, *args)
    assert "not this one" not in done.stderr


def test_a_pool_of_processes_runs_no_code_of_the_working_folder(
    folder: Path, environ: dict[str, str], tmp_path: Path
) -> None:
    script = tmp_path / "script.py"  # Python puts its folder among the places of modules, not the working folder
    code = "from contextprune.bench.parallel import map_jobs\n"
    script.write_text(f"{code}if __name__ == '__main__':\n    print(sum(map_jobs(range(-9, 0), abs)))\n")
    done = run(folder, environ, sys.executable, str(script))
    assert done.stdout == "45\n", done.stderr


def test_the_working_folder_is_no_place_of_a_childs_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path)
    before = [place for place in sys.path if place not in ("", os.curdir)]
    monkeypatch.setattr(sys, "path", ["", os.curdir, str(tmp_path), str(tmp_path / "link"), *before])
    assert search_path() == before


def test_a_working_folder_that_was_deleted_is_no_place_of_modules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deleted = tmp_path / "deleted"
    deleted.mkdir()
    monkeypatch.chdir(deleted)
    deleted.rmdir()
    monkeypatch.setattr(sys, "path", ["", "/somewhere"])
    assert search_path() == ["/somewhere"]


def test_the_folder_that_holds_the_package_stays_a_place_of_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "path", ["", "/somewhere"])
    assert search_path() == [str(ROOT), "/somewhere"]


def test_workers_of_pools_leave_an_interrupt_to_their_parent() -> None:
    code = (
        "import os, signal\n"
        "from contextprune.interpreter import leave_interrupts_to_parent\n"
        "leave_interrupts_to_parent()\n"
        "os.kill(os.getpid(), signal.SIGINT)\n"
        "print('went on')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("went on\n", "")
