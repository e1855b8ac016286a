from __future__ import annotations

import io
import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from typer.testing import CliRunner

from contextprune import _version
from contextprune.cli.app import app, main
from contextprune.cli.doctor import canary
from contextprune.dialects import load, read
from contextprune.markers import KEY

DATA = Path(__file__).parents[2] / "examples" / "data"
CLI = [sys.executable, "-m", "contextprune"]


@pytest.fixture(autouse=True)
def _memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTEXTPRUNE_STORE", "memory")


class Said(NamedTuple):
    """The status of a command, and what it wrote."""

    status: int
    out: bytes
    err: bytes


Command = Callable[..., Said]


@pytest.fixture
def command(capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch) -> Command:
    """The command line in this process: a new one takes a second to start."""

    def said(*args: str | Path, given: bytes = b"") -> Said:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given)))
        return Said(main([*map(str, args)]), *capfdbinary.readouterr())

    return said


def run(*args: str | Path, **options: Any) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*CLI, *args], capture_output=True, check=False, timeout=600, **options)


@pytest.mark.parametrize("command", ["compress", "recall", "doctor", "bench", "stats"])
def test_every_command_has_help_with_an_example(command: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"]) == 0
    said = capfd.readouterr().out
    assert "Examples:" in said
    assert f"contextprune {command}" in said


@pytest.mark.parametrize("args", [[], ["--help"], ["-h"]])
def test_the_app_alone_shows_its_commands(args: list[str]) -> None:
    said = CliRunner().invoke(app, args).output
    for command in ("compress", "recall", "doctor", "bench", "Examples:"):
        assert command in said


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"contextprune {_version.__version__}\n"


def test_help_loads_nothing_heavy() -> None:
    code = "import sys, contextprune.cli.app; print([m for m in ('torch', 'tiktoken', 'rich') if m in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code]) == b"[]\n"


@pytest.mark.parametrize("text", ["", "nan", "-1", "1.5", "140%", "many", "."])
def test_a_budget_that_is_neither_is_a_usage_error(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compress", str(DATA / "swe.json"), "--budget", text]) == 2
    assert "--budget" in capsys.readouterr().err


@pytest.mark.parametrize(
    "name",
    [
        "airline.json",
        "airline.anthropic.json",
        "airline.responses.json",
        "shell.atif.json",
        "swe.json",
        "swe.claude-code.jsonl",
    ],
)
def test_a_result_has_the_format_and_layout_of_its_file(name: str, tmp_path: Path) -> None:
    out = tmp_path / name
    assert main(["compress", str(DATA / name), "--budget", "0.8", "-o", str(out)]) == 0
    before, after = (DATA / name).read_bytes(), out.read_bytes()
    assert load(after)[1] == load(before)[1]
    assert after.count(b"\n") == before.count(b"\n")
    assert len(after) < len(before)
    assert len(read(load(after)[0]).segments) == len(read(load(before)[0]).segments)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_file_and_standard_input_give_the_same_result(command: Command) -> None:
    path = DATA / "swe.json"
    from_file = command("compress", path, "--budget", "0.4")
    from_input = command("compress", "-", "--budget", "40%", given=path.read_bytes())
    assert from_file.status == from_input.status == 0
    assert from_file.out == from_input.out
    assert b"total" in from_file.err


def test_nothing_to_do_gives_the_same_bytes(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["compress", str(DATA / "swe.json"), "--budget", "100%"]) == 0
    assert capfdbinary.readouterr().out == (DATA / "swe.json").read_bytes()


def test_only_repetitions_go_where_that_is_asked_for(tmp_path: Path) -> None:
    out, once, twice = tmp_path / "out.json", tmp_path / "once.json", tmp_path / "twice.json"
    once.write_text(json.dumps(canary()))
    twice.write_text(json.dumps(canary(repeated=True)))
    assert main(["compress", str(once), "--repetitions-only", "-o", str(out)]) == 0
    assert json.loads(out.read_bytes()) == canary()
    assert main(["compress", str(twice), "--repetitions-only", "-o", str(out)]) == 0
    assert json.loads(out.read_bytes())["messages"][:-1] == canary(repeated=True)["messages"][:-1]
    assert len(json.loads(out.read_bytes())["messages"][-1]["content"]) < 200


def test_a_budget_and_repetitions_only_are_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compress", str(DATA / "swe.json"), "--repetitions-only", "--budget", "0.4"]) == 2
    assert "without --budget" in capsys.readouterr().err


def test_request_bodies_one_a_line_are_compressed_each_by_itself(tmp_path: Path) -> None:
    big = json.dumps(json.loads((DATA / "swe.json").read_bytes()))
    small = '{"model":"m",  "messages":[{"role":"user","content":"hi"}]}'
    path, out, page = tmp_path / "in.jsonl", tmp_path / "out.jsonl", tmp_path / "page.html"
    path.write_text(f"{big}\n{small}\n{big}\n")
    assert main(["compress", str(path), "-o", str(out), "--html", str(page), "--explain", "--budget", "6000"]) == 0
    first, second, third = out.read_text().splitlines()
    assert second == small
    assert first == third
    assert len(first) < 0.8 * len(big)
    assert page.read_text().count("<section") > 50


def test_the_record_that_fails_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "in.jsonl"
    body = json.dumps(json.loads((DATA / "swe.json").read_bytes()))
    path.write_text('{"model":"m","messages":[{"role":"user","content":"hi"}]}\n' + body + "\n")
    assert main(["compress", str(path), "--budget", "10"]) == 1
    assert capsys.readouterr().err.startswith("contextprune: error: record 2: a budget of 10 tokens")


LOG = "".join(f"10:{n // 60:02}:{n % 60:02} INFO GET /v1/items/{n} 200 in {n % 30} ms\n" for n in range(400))


def test_a_log_is_shortened_as_plain_text(tmp_path: Path, command: Command) -> None:
    path = tmp_path / "app.log"
    path.write_text(LOG + "10:07:00 ERROR pool exhausted: no connection left\n" + LOG)
    done = command("compress", path, "--budget", "300", "--query", "why did it fail?")
    assert done.status == 0
    assert b"10:07:00 ERROR pool exhausted: no connection left\n" in done.out
    assert len(done.out) < path.stat().st_size / 10


def test_a_command_pipes_its_output_through() -> None:
    done = run("compress", "-", "--budget", "300", "--quiet", input=LOG.encode())
    assert 0 < len(done.stdout) < len(LOG) / 4
    assert done.stderr == b""


def test_a_key_that_the_result_cannot_hold_is_said_without_a_report(
    tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONTEXTPRUNE_STORE", str(tmp_path / "originals.sqlite3"))
    done = command("compress", "-", "--budget", "3", "--quiet", given=LOG.encode())
    assert done.out.strip() == b"[...]"
    (line,) = done.err.decode().splitlines()
    key = KEY.search(line)
    assert key
    assert command("recall", key[1]).out == LOG.encode()


def test_a_json_array_stays_valid(tmp_path: Path, command: Command) -> None:
    path = tmp_path / "items.json"
    path.write_text(json.dumps([{"id": n, "state": "ok", "note": f"item {n}"} for n in range(300)]))
    done = command("compress", path, "--budget", "0.2")
    assert 0 < len(json.loads(done.out)) < 300


def test_a_folder_is_read_for_a_question(tmp_path: Path, command: Command) -> None:
    (tmp_path / "a.md").write_text("Nothing here. " * 40 + "Keys are rotated in May. " + "Nothing here. " * 40)
    done = command("compress", tmp_path, "--query", "when are keys rotated?", "--budget", "60")
    assert done.out.startswith(b"==> a.md <==\n")
    assert b"Keys are rotated in May." in done.out
    assert command("compress", tmp_path).status == 1


def test_torn_lines_are_said_and_keep_their_bytes(tmp_path: Path, command: Command) -> None:
    record = json.dumps({"type": "user", "uuid": "u", "message": {"role": "user", "content": "x"}}).encode()
    path = tmp_path / "session.jsonl"
    path.write_bytes(record + b'\n{"type": "us\n' + record + b"\n")
    done = command("compress", path)
    assert done.out == path.read_bytes()
    assert b"1 line (2)" in done.err


def test_explain_lists_what_was_taken_out_and_why(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compress", str(DATA / "swe.json"), "--budget", "0.7", "-o", os.devnull, "--explain"]) == 0
    table = capsys.readouterr().err.partition("segment  from")[2].splitlines()
    assert 10 < len(table) <= 42
    assert any("merge" in row for row in table)


def test_explain_lists_blocks_that_an_earlier_run_on_the_same_store_cut(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONTEXTPRUNE_STORE", str(tmp_path / "originals.sqlite3"))
    explain = ["compress", str(DATA / "swe.json"), "-o", os.devnull, "--explain"]
    assert main(explain) == 0
    segments = {row.split()[0] for row in capsys.readouterr().err.partition("reason\n")[2].splitlines()}
    assert main(explain) == 0
    rows = capsys.readouterr().err.partition("reason\n")[2].splitlines()
    assert {row.split()[0] for row in rows} == segments != set()
    assert all("cut" in row and "as it was sent before: [" in row for row in rows)


def test_a_page_is_written_beside_the_result(tmp_path: Path) -> None:
    out = tmp_path / "page.html"
    assert main(["compress", str(DATA / "swe.json"), "--budget", "0.4", "--html", str(out), "-o", os.devnull]) == 0
    assert out.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert Path(os.devnull).is_char_device()


GARBAGE = {
    "empty": b"",
    "blank": b" \n\n",
    "binary": bytes(range(256)) * 10,
    "nul": b"\0" * 100,
    "bad json": b'{"messages": [',
    "bad lines": b'{"messages": []}\n{"mess',
    "deep content": b'{"messages":[{"role":"user","content":' + b"[" * 900 + b"]" * 900 + b"}]}",
    "wrong types": b'{"messages": [{"role": "tool", "content": 7}]}',
}
TEXTS = {
    "number": b"42",
    "text": b"hello there\n",
    "deep list": b"[" * 100_000,
    "deep object": b'{"a":' * 100_000,
    "long number": b"1" * 10_000,
    "no context": b'{"a": 1}',
}


@pytest.mark.parametrize("name", TEXTS)
def test_what_is_no_context_is_taken_as_plain_text(name: str, tmp_path: Path) -> None:
    path, out = tmp_path / "in", tmp_path / "out"
    path.write_bytes(TEXTS[name])
    assert main(["compress", str(path), "-o", str(out), "--quiet"]) == 0
    assert 0 < out.stat().st_size <= path.stat().st_size


@pytest.mark.parametrize("name", GARBAGE)
def test_garbage_is_refused_in_one_line(name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path, out = tmp_path / "in", tmp_path / "out"
    path.write_bytes(GARBAGE[name])
    assert main(["compress", str(path), "-o", str(out)]) == 1
    said = capfd.readouterr()
    assert said.out == ""
    assert said.err.startswith("contextprune: error: ")
    assert "bug" not in said.err
    assert said.err.count("\n") == 1
    assert not out.exists()


@pytest.mark.parametrize("path", ["missing.json", "a\0b"])
def test_a_file_that_cannot_be_read_is_named(path: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = str(tmp_path / path)
    assert main(["compress", place]) == 1
    assert "cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize("args", [["compress"], ["recall"], ["nonsense"], ["compress", "x", "--nonsense"]])
def test_a_wrong_command_line_is_status_2(args: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(args) == 2
    assert "Usage: contextprune" in capsys.readouterr().err


def test_an_unknown_format_and_a_wrong_setting_are_errors(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compress", str(DATA / "swe.json"), "--format", "nonsense"]) == 1
    assert "known formats" in capsys.readouterr().err
    monkeypatch.setenv("CONTEXTPRUNE_SCORER", "nonsense")
    assert main(["compress", str(DATA / "swe.json")]) == 1
    assert "unknown scorer" in capsys.readouterr().err


def test_recall_gives_the_original_back_from_another_process(
    tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONTEXTPRUNE_STORE", str(tmp_path / "originals.sqlite3"))
    log = "".join(f"line {i} of a long log é \r\n" for i in range(400)) + "end without newline \ud83d"
    body = json.loads((DATA / "swe.json").read_bytes())
    body["messages"][-1] = {**body["messages"][-1], "role": "tool", "tool_call_id": "x", "content": log}
    done = run("compress", "-", "--budget", "0.3", input=json.dumps(body).encode())
    assert done.returncode == 0, done.stderr
    found = KEY.search(json.loads(done.stdout)["messages"][-1]["content"])
    assert found
    assert command("recall", found[1]).out == log.encode("utf-8", "surrogatepass")
    assert command("recall", found[1], "--lines", "2-3").out.decode() == "".join(log.splitlines(True)[1:3])
    assert command("recall", found[1], "--query", "399 log").out.startswith(b"line 399")
    assert command("recall", found[1], "--chars", "1-6").out == b"line 0"


def test_recall_says_what_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recall", "aaaaaaaaaaaa"]) == 1
    assert capsys.readouterr().err.startswith("contextprune: error: no original under the key 'aaaaaaaaaaaa'")


def test_doctor_is_well_here(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    said = capsys.readouterr().out
    assert "FAIL" not in said
    assert "recall gave the log back byte for byte" in said


def test_doctor_fails_with_a_cause_in_both_forms(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CONTEXTPRUNE_MIN_TOKENS", "90000")
    assert main(["doctor"]) == 1
    assert "nothing was compressed: min_tokens is 90,000" in capsys.readouterr().out
    assert main(["doctor", "--json"]) == 1
    rows = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in rows if not row["ok"]] == ["canary"]


def test_bench_gets_its_arguments_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "evidence", "--arms", "nonsense", "--rows", "1"]) == 2
    assert "no arm is called" in capsys.readouterr().err


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_run_leaves_the_old_file_and_no_other(number: int, status: int, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    out.write_bytes(b"old")
    with subprocess.Popen([*CLI, "compress", "-", "-o", out], stdin=-1, stderr=-1) as process:
        assert process.stdin
        process.stdin.write(b" " * 300_000)  # more than a pipe holds: it returns once the command reads
        process.send_signal(number)
        said = process.communicate()[1]
    assert process.returncode == status
    assert b"Traceback" not in said
    assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [("out.json", b"old")]


def test_a_full_disk_is_one_line_and_leaves_the_old_file(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    out.write_bytes(b"old")
    command = ["bash", "-c", 'ulimit -f 1; exec "$@"', "-", *CLI]
    done = subprocess.run([*command, "compress", DATA / "swe.json", "-o", out], capture_output=True, check=False)
    assert done.returncode == 1
    assert done.stderr.decode() == f"contextprune: error: {out} cannot be written: File too large\n"
    assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [("out.json", b"old")]


def test_a_full_standard_output_is_one_line() -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run([*CLI, "compress", DATA / "swe.json"], stdout=full, stderr=-1, check=False)
    assert done.returncode == 1
    assert done.stderr == b"contextprune: error: standard output cannot be written: No space left on device\n"


def test_a_closed_pipe_is_quiet() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([*CLI, "compress", DATA / "swe.json"], stdout=writing, stderr=-1, check=False)
    os.close(writing)
    assert done.returncode == 141
    assert done.stderr == b""


def test_a_terminal_gets_the_table_and_a_hint_but_no_json(tmp_path: Path) -> None:
    path = tmp_path / "long.json"
    body = json.loads((DATA / "long-session.json").read_bytes())
    path.write_text(json.dumps({**body, "messages": body["messages"] * 5}))
    ours, theirs = pty.openpty()
    with subprocess.Popen([*CLI, "compress", path, "--budget", "0.5"], stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        said = b""
        while chunk := _chunk(ours):
            said += chunk
    os.close(ours)
    assert process.returncode == 0
    assert b"write it with -o" in said
    assert b"compressing" in said
    assert b'"messages"' not in said


def _chunk(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65_536)
    except OSError:  # how Linux says that the other side is closed
        return b""
