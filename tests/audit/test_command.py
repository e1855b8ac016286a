from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from contextprune.audit import as_json, as_text, audit
from contextprune.cli.app import main
from contextprune.policy import Policy
from contextprune.pruner import Pruner
from contextprune.scoring import load_scorer
from contextprune.storage.store import MemoryStore
from contextprune.tokens import Tiktoken
from tests.audit.logs import DATA, session, write

CLI = [sys.executable, "-m", "contextprune"]
SHELL = str(DATA / "shell.json")


def figures(capsys: pytest.CaptureFixture[str], *args: str | Path) -> Any:
    assert main(["audit", "--json", *map(str, args)]) == 0
    return json.loads(capsys.readouterr().out)


def test_help_has_examples(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "--help"]) == 0
    said = capsys.readouterr().out
    assert "Examples:" in said
    assert "contextprune audit" in said


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTEXTPRUNE_SERVE_DEADLINE", "60")  # this machine may be busy
    monkeypatch.setenv("CONTEXTPRUNE_SERVE_PREFILL", "1")


def as_proxy(recall: str = "off") -> Pruner:
    """An engine as the proxy has one where a model recalls in this way."""
    return Pruner(Policy(), load_scorer("lexical"), Tiktoken(), MemoryStore(), hints=recall != "off")


def untimed(figures: Any) -> Any:
    """The figures without all that differs from run to run, and without the notes, which hold some of it."""
    text = re.sub(r'"(seconds|median|most)": [\d.e-]+', r'"\1": 0', json.dumps({**figures, "notes": []}))
    return json.loads(text)


def test_it_prints_what_the_audit_found(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    assert main(["audit", SHELL, "--compare", "0"]) == 0
    expected = as_text(audit([SHELL], as_proxy()))
    said = capsys.readouterr().out
    assert said.partition("Notes\n")[0] == expected.partition("Notes\n")[0]
    assert "at most 60 s a request" in " ".join(said.split())


@pytest.mark.parametrize("recall", ["off", "tool"])
def test_it_decides_as_the_proxy_with_the_same_options(
    recall: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONTEXTPRUNE_SERVE_RECALL", recall)
    expected = json.loads(json.dumps(as_json(audit([SHELL], as_proxy(recall), compare=10))))
    assert untimed(figures(capsys, SHELL)) == untimed(expected)


def test_where_no_request_may_wait_all_of_it_counts_as_sent_whole(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONTEXTPRUNE_SERVE_DEADLINE", "1e-9")
    found = figures(capsys, SHELL)
    assert found["late"] == found["requests"]
    assert found["tokens"]["after"] == found["tokens"]["before"]
    assert "so what was new there counts as sent whole" in " ".join(found["notes"])


def test_repetitions_only_counts_for_an_audit_too(capsys: pytest.CaptureFixture[str]) -> None:
    found = figures(capsys, SHELL, "--repetitions-only", "--compare", "1")
    assert [row["recall"] for row in found["compared"] if row["in_force"]] == ["repetitions only"]
    assert found["used_later"]["unseen"] == []


def test_a_folder_is_searched_and_what_is_no_session_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    found = figures(capsys, DATA, "--compare", "0")
    assert found["sessions"] == len(found["each"]) > 3
    assert {each["name"] for each in found["skipped"]} >= {"docs.json", "README.md"}


def test_the_limit_and_the_model_are_heard(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(3):
        write(tmp_path / f"{number}.jsonl", session(2, goal=f"Task {number}"))
    found = figures(capsys, tmp_path, "--limit", "2", "--model", "claude-opus-4-5")
    assert found["sessions"] == 2
    assert "opus" in found["each"][0]["tariff"]["name"]


def test_days_are_counted_back_from_now(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = write(tmp_path / "old.jsonl", session(1, goal="Old."))
    os.utime(old, (1.0, 1.0))
    write(tmp_path / "new.jsonl", session(1, goal="New."))
    assert [each["name"] for each in figures(capsys, tmp_path, "--since", "7")["each"]] == ["new.jsonl"]


def test_the_page_is_written_and_the_store_is_not_touched(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONTEXTPRUNE_STORE", str(tmp_path / "originals.sqlite3"))
    assert main(["audit", SHELL, "--html", str(tmp_path / "page.html")]) == 0
    assert capsys.readouterr().out.startswith("1 session")
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]
    assert (tmp_path / "page.html").read_text(encoding="utf-8").startswith("<!doctype html>")


@pytest.mark.parametrize(
    "args",
    [["missing.json"], [str(DATA / "README.md")], [SHELL, "--model", "nonsense"], ["a\0b"], [SHELL, "--html", "/"]],
)
def test_what_cannot_be_done_is_one_line(args: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", *args]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("contextprune: error: ")
    assert "bug" not in said.err
    assert said.err.count("\n") == 1


@pytest.mark.parametrize("args", [[], [SHELL, "--limit", "0"], [SHELL, "--since", "-1"], [SHELL, "--nonsense"]])
def test_a_wrong_command_line_is_status_2(args: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", *args]) == 2
    assert "Usage: contextprune audit" in capsys.readouterr().err


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_audit_shows_how_far_it_was_and_leaves_the_old_page(number: int, status: int, tmp_path: Path) -> None:
    out = tmp_path / "page.html"
    out.write_bytes(b"old")
    logs = tmp_path / "logs"
    logs.mkdir()
    for i in range(40):
        write(logs / f"{i}.jsonl", session(30, goal=f"Task {i}"))
    ours, theirs = pty.openpty()
    with subprocess.Popen([*CLI, "audit", logs, "--html", out], stdout=-1, stderr=theirs) as process:
        os.close(theirs)
        said = b""
        while b"request" not in said:
            said += os.read(ours, 65_536)
        process.send_signal(number)
        printed = process.communicate()[0]
    os.close(ours)
    assert process.returncode == status
    assert b"of 40" in said
    assert b"Traceback" not in said
    assert printed == b""
    assert out.read_bytes() == b"old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["logs", "page.html"]
